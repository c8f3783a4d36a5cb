"""One call for every kind of task, and the table of a model's tasks."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from suffice.errors import SufficeError
from suffice.seeds import derive_seed
from suffice.tasks.classification import probe_classification
from suffice.tasks.clustering import probe_clustering
from suffice.tasks.inputs import check_lengths
from suffice.tasks.regression import probe_regression
from suffice.tasks.result import ProbeResult
from suffice.tasks.retrieval import probe_retrieval
from suffice.tasks.settings import TaskSettings, check_task
from suffice.tasks.similarity import probe_similarity

Probe = Callable[[TaskSettings, np.ndarray, pd.DataFrame, int], ProbeResult]

PROBES: dict[str, Probe] = {
    "classification": probe_classification,
    "regression": probe_regression,
    "similarity": probe_similarity,
    "retrieval": probe_retrieval,
    "clustering": probe_clustering,
}
TASK_COLUMNS = (
    "task",
    "kind",
    "dataset",
    "model",
    "metric",
    "value",
    "standard_error",
    "chance",
    "n_train",
    "n_test",
    "n_classes",
    "seconds",
)

logger = logging.getLogger(__name__)


def run_probe(settings: TaskSettings, embedding: np.ndarray, table: pd.DataFrame, seed: int) -> ProbeResult:
    """Measure one task.

    Args:
        settings: the task.
        embedding: vectors of all items, shape (n_items, embed_dim); a memory map is read by need.
        table: one row an item in the same order, with the columns of `columns_of_task(settings)`.
        seed: seed of folds, starts and resamples; use one seed for all models, so that they share them.

    Raises:
        StudyError: a column is missing.
        DataError: the labels, groups or splits are not fit for this kind of task.
        ModelError: the vectors are not.
    """
    check_task(settings, table.columns)
    check_lengths(embedding, table)
    return PROBES[settings.kind](settings, embedding, table, seed)


def probe_table(
    tasks: Mapping[str, TaskSettings],
    embedding: np.ndarray,
    table: pd.DataFrame,
    *,
    dataset: str,
    model: str,
    seed: int,
) -> pd.DataFrame:
    """Measure several tasks on one model's embedding of one data set; a row a task, `TASK_COLUMNS`.

    Each task has a seed of its own, derived from `seed`, data set and task but not from the model: all
    models meet the same folds. Warnings go to the log, with the names of task and model.

    Raises:
        SufficeError: as `run_probe`, with the names of task, data set and model before the message.
    """
    rows = [
        _row(task, settings, _Place(dataset, model, embedding, table, derive_seed(seed, dataset, task)))
        for task, settings in tasks.items()
    ]
    return pd.DataFrame(rows, columns=list(TASK_COLUMNS)).astype({"n_classes": "Int64"})


@dataclass(frozen=True)
class _Place:
    """Where one task is measured."""

    dataset: str
    model: str
    embedding: np.ndarray
    table: pd.DataFrame
    seed: int


def _row(task: str, settings: TaskSettings, place: _Place) -> dict[str, object]:
    """One task's row; its warnings go to the log."""
    words = f"task {task!r} on data set {place.dataset!r}, model {place.model!r}"
    start = time.perf_counter()
    try:
        result = run_probe(settings, place.embedding, place.table, place.seed)
    except SufficeError as error:
        raise type(error)(f"{words}: {error}") from error
    for warning in result.warnings:
        logger.warning("%s: %s", words, warning)
    named = {"task": task, "kind": settings.kind, "dataset": place.dataset, "model": place.model}
    measured = {name: getattr(result, name) for name in TASK_COLUMNS if hasattr(result, name)}
    return {**named, **measured, "seconds": time.perf_counter() - start}
