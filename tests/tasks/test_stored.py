"""All tasks of one model, from files, each measured once."""

import json
import logging

import numpy as np
import pytest

from suffice.data.corpus import Corpus
from suffice.errors import ModelError, StudyError
from suffice.storage.files import sha256_of_file, write_table
from suffice.storage.store import ResultStore
from suffice.tasks.probes import run_probe
from suffice.tasks.result import TASK_COLUMNS
from suffice.tasks.settings import TaskSettings
from suffice.tasks.stored import TaskData, probes_of_model

TASKS = {
    "colour": ("toys", {"kind": "classification", "label": "label"}),
    "colour-clusters": ("toys", {"kind": "clustering", "label": "label"}),
    "size": ("toys", {"kind": "regression", "label": "size"}),
}


class Files:
    def __init__(self, folder, embedding, table):
        self.folder, self.store = folder, ResultStore(folder / "store")
        self.write(embedding, table)

    def write(self, embedding, table):
        corpus, vectors = self.folder / "toys.parquet", self.folder / "m.npy"
        texts = [f"item {number}" for number in range(len(table))]
        write_table(table.assign(id=texts, content=texts), corpus)
        np.save(vectors, embedding)
        vectors.with_suffix(".json").write_text(json.dumps({"array_sha256": sha256_of_file(vectors)}))

    def probes(self, tasks=TASKS, model="m"):
        data = {"toys": TaskData(Corpus(self.folder / "toys.parquet"), str(self.folder / "m.npy"))}
        return probes_of_model(tasks, data, model, seed=5, store=self.store)

    def n_stored(self):
        return len(list(self.store.folder.rglob("*.json")))


@pytest.fixture
def files(blobs, tmp_path):
    embedding, table = blobs
    return Files(tmp_path, embedding, table.assign(size=embedding[:, 3] + 0.1 * embedding[:, 4]))


def test_one_row_a_task(files):
    table = files.probes()
    assert list(table.columns) == list(TASK_COLUMNS)
    assert list(table["task"]) == list(TASKS)
    assert list(table["kind"]) == ["classification", "clustering", "regression"]
    assert set(table["dataset"]) == {"toys"}
    assert list(table["n_classes"].isna()) == [False, False, True]
    assert table[["value", "standard_error", "chance"]].notna().all(axis=None)


def test_other_tasks_and_models_change_no_number(files):
    all_tasks = files.probes()
    alone = files.probes({"size": TASKS["size"]}, model="n").drop(columns="model")
    assert alone.iloc[0].equals(all_tasks.drop(columns="model").iloc[2])


def test_what_was_measured_is_not_measured_again_but_what_changed_is(files, blobs):
    first = files.probes()
    assert files.n_stored() == 3
    assert files.probes().equals(first)
    assert files.n_stored() == 3
    embedding, table = blobs
    files.write(embedding, table.assign(size=embedding[:, 0]))
    assert files.probes()["value"].iloc[2] != first["value"].iloc[2]
    assert files.n_stored() == 6


def test_no_tasks_give_an_empty_table(files):
    assert list(files.probes({}).columns) == list(TASK_COLUMNS)


def test_warnings_are_logged_and_kept(files, blobs, caplog):
    embedding, table = blobs
    files.write(embedding, table.assign(label=table["label"].mask(table.index == 0, "rare"), size=0.0))
    with caplog.at_level(logging.WARNING, logger="suffice.tasks.stored"):
        rows = files.probes({"colour": TASKS["colour"]})
    assert "m, colour: left out 1 of 4 classes" in caplog.text
    assert "left out 1 of 4 classes" in rows["warnings"].iloc[0]


def test_errors_name_model_and_task(files, blobs):
    embedding, table = blobs
    files.write(embedding * np.nan, table.assign(size=0.0))
    with pytest.raises(ModelError, match="m, colour: 240 of 240 vectors"):
        files.probes()


def test_missing_column(blobs):
    embedding, table = blobs
    settings = TaskSettings(kind="classification", label="label")
    with pytest.raises(StudyError, match="reads the column.s. 'label'"):
        run_probe(settings, embedding, table.drop(columns="label"), seed=0)
