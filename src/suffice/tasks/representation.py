"""Representational similarity: are items alike in the vectors if people, or brains, treat them as alike?"""

import numpy as np
import pandas as pd

from suffice.errors import DataError, ModelError
from suffice.tasks.inputs import group_numbers, labelled_rows, number_labels, unit_vectors, vectors_of
from suffice.tasks.result import ProbeResult
from suffice.tasks.settings import TaskSettings
from suffice.tasks.similarity import COSINE_DECIMALS
from suffice.tasks.statistics import bootstrap_standard_error, weighted_spearman
from suffice.text_vectors import is_text_vector, parse_text_vectors

MAX_ITEMS = 1000  # 499,500 pairs
MIN_ITEMS = 4
N_RESAMPLES = 200  # relative error of the standard error: 5 %


def probe_representation(
    settings: TaskSettings, embedding: np.ndarray, table: pd.DataFrame, seed: int
) -> ProbeResult:
    """Spearman's rho between the dissimilarities of items in the vectors and in another measure of them.

    The measure is a number for each item, such as a rating or a reading time, or a vector written as text
    (`[0.1, 0.2, ...]`), such as a profile of ratings or the response of voxels. Two items differ by the
    distance of their numbers, or by one minus the correlation of their measured vectors (one minus the cosine
    for vectors of two numbers). In the vectors of a model they differ by one minus the cosine. Every pair of
    items counts. If more than 1,000 items have a measure, a sample of 1,000 is used, the same for all models.
    Nothing is fitted, so items of both splits are used. The standard error is a bootstrap over groups of
    items. Chance is 0.

    Source: Kriegeskorte, Mur and Bandettini, Frontiers in Systems Neuroscience 2 (2008).

    Raises:
        DataError: fewer than four items, a measure that is not a number or a vector, or is the same for all.
        ModelError: a vector is not finite, or all vectors have the same cosine.
    """
    rows = _sampled(labelled_rows(table, str(settings.label)), seed)
    if len(rows) < MIN_ITEMS:
        raise DataError(
            f"{len(rows)} items have a value in {settings.label!r}; representational similarity needs "
            f"{MIN_ITEMS} or more"
        )
    first, second = np.triu_indices(len(rows), k=1)
    measured = measured_dissimilarities(table, rows, str(settings.label))[first, second]
    units = unit_vectors(vectors_of(embedding, rows))
    modelled = np.round(1 - (units @ units.T)[first, second], COSINE_DECIMALS)
    if np.ptp(measured) == 0:
        raise DataError(f"all items are equally far apart in {settings.label!r}; there is nothing to compare")
    if np.ptp(modelled) == 0:
        raise ModelError("all pairs of items have the same cosine; check how they were embedded")
    codes = [np.unique(values, return_inverse=True)[1] for values in (modelled, measured)]

    def agreement(weights: np.ndarray) -> float:
        return weighted_spearman(codes[0], codes[1], weights[first] * weights[second])

    return ProbeResult(
        metric="spearman",
        value=agreement(np.ones(len(rows))),
        standard_error=bootstrap_standard_error(agreement, group_numbers(table, rows), seed, N_RESAMPLES),
        chance=0.0,
        n_train=0,
        n_test=len(rows),
    )


def _sampled(rows: np.ndarray, seed: int) -> np.ndarray:
    if len(rows) <= MAX_ITEMS:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, MAX_ITEMS, replace=False))


def measured_dissimilarities(table: pd.DataFrame, rows: np.ndarray, column: str) -> np.ndarray:
    """Dissimilarity of each two items by the measure in `column`, shape (len(rows), len(rows)).

    Raises:
        DataError: a value is neither a finite number nor a vector, or a measured vector is constant.
    """
    values = table[column].iloc[rows]
    if not is_text_vector(str(values.iloc[0])):
        numbers = number_labels(table, rows, column)
        return np.abs(numbers[:, None] - numbers)
    try:
        vectors = parse_text_vectors([str(value) for value in values], f"column {column!r}")
    except ModelError as error:
        raise DataError(str(error)) from None
    if vectors.shape[1] > 2:
        vectors = vectors - vectors.mean(axis=1, keepdims=True)
    flat = ~np.isfinite(vectors).all(axis=1) | ~np.any(np.abs(vectors) > 0, axis=1)
    if flat.any():
        bad = str(values.iloc[int(flat.argmax())])[:40]
        raise DataError(f"column {column!r} has the vector {bad}, which has no direction; leave it empty")
    units = unit_vectors(vectors)
    return np.round(1 - units @ units.T, COSINE_DECIMALS)
