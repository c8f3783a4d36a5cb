"""Trials with few labels on a study's tasks, whose results with all labels are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.analyses.label_update import COLUMNS, LABEL_WAYS, Labels, Trial, Vectors, try_labels
from suffice.data.columns import SPLIT, TRAIN
from suffice.data.corpus import Corpus
from suffice.errors import DataError
from suffice.ranking.table import ordering_values
from suffice.seeds import derive_seed
from suffice.storage.files import open_array
from suffice.tasks.inputs import labelled_rows, number_labels
from suffice.tasks.settings import TaskSettings, columns_of_task

if TYPE_CHECKING:
    from suffice.analyses.base import Ranked

TRIAL_COLUMNS = ("dataset", "task", *COLUMNS, "note")
SCORE, MEAN = "score", "mean over tasks"


@dataclass(frozen=True)
class Labelled:
    """A data set with labels: its corpus, and the file of each model's vectors."""

    corpus: Corpus
    vectors: Mapping[str, str]


@dataclass(frozen=True)
class Rows:
    """Some rows of a file of vectors, read on access."""

    array: npt.NDArray[np.floating]
    rows: npt.NDArray[np.int64]

    def __getitem__(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.floating]:
        return np.asarray(self.array[self.rows[places]])


@dataclass(frozen=True)
class Effort:
    """Settings of the trials: numbers of labels, number of draws, ways to use the labels, and the seed."""

    n_labels: Sequence[int]
    n_draws: int = 5
    ways: Sequence[str] = LABEL_WAYS
    seed: int = 0


def labelled_data(
    datasets: Sequence[str],
    corpora: Sequence[str],
    models: Sequence[str],
    vectors: Sequence[str],
    seed: int = 0,
) -> dict[str, Labelled]:
    """Data sets by name; `vectors` lists the files of all models for the first data set, then the next.

    `seed` is the seed of the split.
    """
    parts = np.array(vectors, dtype=object).reshape(len(datasets), len(models))
    return {
        name: Labelled(Corpus(Path(path), seed), dict(zip(models, files, strict=True)))
        for name, path, files in zip(datasets, corpora, parts, strict=True)
    }


def try_tasks(
    tasks: Mapping[str, tuple[str, Mapping[str, object]]],
    data: Mapping[str, Labelled],
    score: pd.Series,
    results: pd.DataFrame,
    effort: Effort,
) -> pd.DataFrame:
    """How well a score, a few labels, and both together predict the results with all labels, task by task.

    Args:
        tasks: data set and settings of each classification or regression task, by its name.
        data: the data sets with labels.
        score: label-free score by model.
        results: results of the tasks with all labels: task, model, value.
        effort: what is tried.

    Returns:
        Rows as `suffice.analyses.label_update.try_labels` makes them, with data set and task as first
        columns. A number of labels that cannot be tried has one row, with the reason in its note.
    """
    parts = []
    for task, (dataset, settings) in tasks.items():
        full = results[results["task"] == task].set_index("model")["value"].astype(float)
        trial = trial_of_task(TaskSettings.model_validate(settings), data[dataset], score, full)
        seed = derive_seed(effort.seed, "few labels", dataset, task)
        tried = pd.concat([_tried(trial, n_labels, effort, seed) for n_labels in effort.n_labels])
        parts.append(tried.assign(dataset=dataset, task=task))
    return pd.concat(parts, ignore_index=True).reindex(columns=list(TRIAL_COLUMNS))


def trial_of_task(settings: TaskSettings, data: Labelled, score: pd.Series, full: pd.Series) -> Trial:
    """A task as the probe uses it: labelled training items, without classes that have too few items."""
    table = data.corpus.table(columns_of_task(settings))
    label = str(settings.label)
    rows = labelled_rows(table, label)
    rows = rows[table[SPLIT].iloc[rows].to_numpy() == TRAIN]
    labels: Labels
    known = pd.concat([score, full], axis=1, join="inner").dropna().index
    if settings.kind == "regression":
        labels = number_labels(table, rows, label)
    else:
        codes = pd.factorize(table[label].iloc[rows])[0]
        common = np.bincount(codes)[codes] >= settings.min_items_per_class
        rows, labels = rows[common], codes[common]
    models = [name for name in data.vectors if name in known]
    vectors: dict[str, Vectors] = {name: Rows(open_array(data.vectors[name]), rows) for name in models}
    return Trial(vectors, labels, settings.kind, score.loc[models], full.loc[models])


def _tried(trial: Trial, n_labels: int, effort: Effort, seed: int) -> pd.DataFrame:
    """The rows of one number of labels."""
    n_items = len(trial.labels)
    if n_labels > n_items:
        return _untried(n_labels, f"there are {n_items} labelled training items")
    try:
        return try_labels(trial, [n_labels], effort.n_draws, seed, effort.ways).assign(note="")
    except DataError as error:
        return _untried(n_labels, str(error))


def _untried(n_labels: int, note: str) -> pd.DataFrame:
    return pd.DataFrame([{"n_labels": n_labels, "way": SCORE, "n_draws": 0, "note": note}])


def mean_of_tasks(trials: pd.DataFrame) -> pd.DataFrame:
    """Mean over tasks of Spearman's rho and of the regret: n_labels, way, spearman, regret_at_1, n_tasks.

    Only tasks that have a correlation for every number of labels and way count, so that all means are over
    the same tasks; empty if there are no such tasks.
    """
    wide = trials.pivot(index=["dataset", "task"], columns=["n_labels", "way"], values="spearman")
    tried = [column for column in wide if wide[column].notna().any()]
    whole = wide[tried].dropna().index
    keys = pd.MultiIndex.from_frame(trials[["dataset", "task"]])
    kept = trials[keys.isin(whole) & (trials["n_draws"] > 0)]
    means = kept.groupby(["n_labels", "way"], sort=False)[["spearman", "regret_at_1"]].mean().reset_index()
    return means.assign(n_tasks=len(whole))


def tables(ranked: "Ranked") -> dict[str, pd.DataFrame]:
    """The effect of a few labels of each task on one ranking."""
    files, given = ranked.files, ranked.settings
    score, effort = ordering_values(ranked["ranking"]), Effort(**given["effort"])
    corpora, vectors = files["task_corpora"], files["task_vectors"]
    data = labelled_data(given["datasets"], corpora, given["models"], vectors, effort.seed)
    return {"few_labels": try_tasks(given["tasks"], data, score, ranked["tasks"], effort)}
