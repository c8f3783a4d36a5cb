"""One call for every kind of task, and the table of a model's tasks."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from suffice.tasks.classification import probe_classification
from suffice.tasks.clustering import probe_clustering
from suffice.tasks.inputs import check_lengths
from suffice.tasks.regression import probe_regression
from suffice.tasks.representation import probe_representation
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
    "representational_similarity": probe_representation,
}


def run_probe(settings: TaskSettings, embedding: np.ndarray, table: pd.DataFrame, seed: int) -> ProbeResult:
    """Measure one task.

    Args:
        settings: the task.
        embedding: vectors of all items, shape (n_items, embed_dim); a memory map is read as needed.
        table: one row per item in the same order, with the columns of `columns_of_task(settings)`.
        seed: seed of folds, starts and resamples. Use one seed for all models, so they share these.

    Raises:
        StudyError: a column is missing.
        DataError: the labels, groups or splits do not suit this kind of task.
        ModelError: the vectors do not suit it.
    """
    check_task(settings, table.columns)
    check_lengths(embedding, table)
    return PROBES[settings.kind](settings, embedding, table, seed)
