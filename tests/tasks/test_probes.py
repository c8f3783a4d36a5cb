import logging

import numpy as np
import pytest

from suffice.errors import ModelError, StudyError
from suffice.tasks import TASK_COLUMNS, TaskSettings, probe_table, run_probe

TASKS = {
    "colour": TaskSettings(kind="classification", label="label"),
    "colour clusters": TaskSettings(kind="clustering", label="label"),
    "size": TaskSettings(kind="regression", label="size"),
}


@pytest.fixture
def sized(blobs):
    embedding, table = blobs
    return embedding, table.assign(size=embedding[:, 3] + 0.1 * embedding[:, 4])


def measure(embedding, table, tasks=TASKS, model="m1"):
    return probe_table(tasks, embedding, table, dataset="toys", model=model, seed=5)


def test_one_row_a_task(sized):
    table = measure(*sized)
    assert list(table.columns) == list(TASK_COLUMNS)
    assert list(table["task"]) == list(TASKS)
    assert list(table["kind"]) == ["classification", "clustering", "regression"]
    assert set(table["dataset"]) == {"toys"} and set(table["model"]) == {"m1"}
    assert list(table["n_classes"].isna()) == [False, False, True]
    assert (table["seconds"] > 0).all() and table[["value", "standard_error", "chance"]].notna().all(
        axis=None
    )


def test_other_tasks_and_models_change_no_number(sized):
    all_tasks = measure(*sized).drop(columns="seconds")
    alone = measure(*sized, tasks={"size": TASKS["size"]}, model="m2").drop(columns=["seconds", "model"])
    assert alone.iloc[0].equals(all_tasks.drop(columns="model").iloc[2])


def test_no_tasks_give_an_empty_table(sized):
    assert list(measure(*sized, tasks={}).columns) == list(TASK_COLUMNS)


def test_warnings_are_logged(sized, caplog):
    embedding, table = sized
    table = table.assign(label=table["label"].mask(table.index == 0, "rare"))
    with caplog.at_level(logging.WARNING, logger="suffice.tasks.probes"):
        measure(embedding, table)
    assert "task 'colour' on data set 'toys', model 'm1': left out 1 of 4 classes" in caplog.text


def test_errors_name_task_data_set_and_model(sized):
    embedding, table = sized
    with pytest.raises(ModelError, match="task 'colour' on data set 'toys', model 'm1': 240 of 240 vectors"):
        measure(embedding * np.nan, table)


def test_missing_column(sized):
    embedding, table = sized
    with pytest.raises(StudyError, match="reads the column.s. 'label'"):
        run_probe(TASKS["colour"], embedding, table.drop(columns="label"), seed=0)
