"""Few labels on tasks: which items and models take part, and what cannot be tried is said."""

import numpy as np
import pandas as pd
import pytest

from suffice.analyses.label_trials import (
    TRIAL_COLUMNS,
    Effort,
    labelled_data,
    mean_of_tasks,
    trial_of_task,
    try_tasks,
)
from suffice.analyses.label_update import Trial, try_labels
from suffice.analyses.questions.few_labels import describe_few_labels, notes_of
from suffice.seeds import derive_seed
from suffice.tasks.settings import TaskSettings

N_ITEMS = 200
NAMES = ["good", "fair", "poor", "none"]
SETTINGS = {
    "class": {"kind": "classification", "label": "class"},
    "size": {"kind": "regression", "label": "size"},
}


@pytest.fixture
def study(tmp_path):
    """A corpus with two labels, and four models that show their cause under more and more noise."""
    generator = np.random.default_rng(0)
    cause = generator.normal(size=N_ITEMS)
    table = pd.DataFrame(
        {
            "id": [str(row) for row in range(N_ITEMS)],
            "content": "text",
            "group": [str(row) for row in range(N_ITEMS)],
            "split": np.where(np.arange(N_ITEMS) % 4 == 0, "test", "train"),
            "class": np.where(cause > 0, "high", "low"),
            "size": cause,
        }
    )
    table.loc[3, "class"] = None
    table.loc[[5, 6], "class"] = "rare"
    table.to_parquet(tmp_path / "toys.parquet")
    vectors = {}
    for name, noise in zip(NAMES, (0.1, 0.7, 2.0, 50.0), strict=True):
        seen = cause[:, None] + noise * generator.normal(size=(N_ITEMS, 2))
        np.save(tmp_path / f"{name}.npy", seen.astype(np.float32))
        vectors[name] = str(tmp_path / f"{name}.npy")
    data = labelled_data(["toys"], [str(tmp_path / "toys.parquet")], NAMES, list(vectors.values()))
    full = pd.DataFrame(
        [(task, name, 0.9 - 0.2 * place) for task in SETTINGS for place, name in enumerate(NAMES)],
        columns=["task", "model", "value"],
    )
    return data, pd.Series([4.0, 3.0, 1.0, 2.0], index=NAMES), full


TASKS = {name: ("toys", settings) for name, settings in SETTINGS.items()}


def test_training_items_with_a_common_label_take_part(study):
    data, score, results = study
    full = results[results["task"] == "class"].set_index("model")["value"]
    trial = trial_of_task(TaskSettings(**SETTINGS["class"]), data["toys"], score, full)
    rows = np.setdiff1d(np.arange(N_ITEMS), [3, 5, 6, *range(0, N_ITEMS, 4)])
    assert len(trial.labels) == len(rows)
    vectors = np.load(data["toys"].vectors["fair"])
    np.testing.assert_array_equal(trial.embeddings["fair"][np.arange(len(rows))], vectors[rows])
    label = data["toys"].corpus.table()["class"].iloc[rows].to_numpy()
    assert pd.crosstab(label, trial.labels).gt(0).sum().tolist() == [1, 1]


def test_a_model_without_score_or_result_takes_no_part(study):
    data, score, results = study
    full = results[results["task"] == "size"].set_index("model")["value"].drop("poor")
    score["fair"] = np.nan
    trial = trial_of_task(TaskSettings(**SETTINGS["size"]), data["toys"], score, full)
    assert list(trial.embeddings) == list(trial.score.index) == list(trial.full.index) == ["good", "none"]


def test_rows_are_those_of_each_task_with_its_names(study):
    data, score, results = study
    effort = Effort([30, 100], n_draws=2, ways=("logme",), seed=5)
    table = try_tasks(TASKS, data, score, results, effort)
    assert tuple(table.columns) == TRIAL_COLUMNS
    assert set(table["way"]) == {"score", "logme", "score+logme"}
    assert set(zip(table["dataset"], table["task"], strict=True)) == {("toys", "class"), ("toys", "size")}
    full = results[results["task"] == "size"].set_index("model")["value"]
    rows = [row for row in range(N_ITEMS) if row % 4]
    vectors = {name: np.load(data["toys"].vectors[name])[rows] for name in NAMES}
    trial = Trial(vectors, data["toys"].corpus.column("size")[rows], "regression", score, full)
    seed = derive_seed(5, "few labels", "toys", "size")
    alone = try_labels(trial, [30, 100], 2, seed, ("logme",))
    found = table[table["task"] == "size"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found[list(alone.columns)], alone, check_dtype=False)
    rho = found.set_index(["n_labels", "way"])["spearman"]
    assert rho[100, "score"] == pytest.approx(0.8)  # the score has the last two in the wrong order
    assert rho[100, "logme"] == 1


def test_what_cannot_be_tried_is_said_and_the_means_are_over_the_same_tasks(study):
    data, score, results = study
    table = try_tasks(TASKS, data, score, results, Effort([30, 5000], n_draws=1, ways=("probe",)))
    assert len(notes_of(table)) == 2
    assert "size, 5000 labels: there are 150 labelled training items" in notes_of(table)
    assert table.loc[table["n_labels"] == 5000, "n_draws"].tolist() == [0, 0]
    means = mean_of_tasks(table)
    assert means["n_labels"].unique().tolist() == [30]
    of_score = table[(table["way"] == "score") & (table["n_labels"] == 30)]
    assert means.set_index("way")["spearman"]["score"] == pytest.approx(of_score["spearman"].mean())
    assert (means["n_tasks"] == 2).all()
    table.loc[(table["task"] == "size") & (table["way"] == "probe"), "spearman"] = np.nan
    assert (mean_of_tasks(table)["n_tasks"] == 1).all()
    sentence = describe_few_labels(table)
    assert "mean over 1 task: the score alone 0.80" in sentence
    assert "updated by a probe" in sentence


def test_if_nothing_can_be_tried_there_is_no_mean_and_no_sentence(study):
    data, score, results = study
    table = try_tasks(TASKS, data, score, results, Effort([5000]))
    assert mean_of_tasks(table).empty
    assert describe_few_labels(table) == ""
