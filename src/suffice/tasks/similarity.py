"""Similarity probe: how well the cosine of two items' vectors follows human scores of the pair."""

import numpy as np
import pandas as pd

from suffice.errors import DataError, ModelError
from suffice.links import components
from suffice.tasks.inputs import group_numbers, number_labels, unit_vectors, vectors_of
from suffice.tasks.result import ProbeResult
from suffice.tasks.settings import TaskSettings
from suffice.tasks.statistics import bootstrap_standard_error, weighted_spearman

COSINE_DECIMALS = 12  # cosines that differ only by float64 rounding are ties


def probe_similarity(
    settings: TaskSettings, embedding: np.ndarray, table: pd.DataFrame, seed: int
) -> ProbeResult:
    """Spearman's rho between the cosine of a pair's two vectors and its score.

    Nothing is fitted, so the pairs of both splits are used. The standard error is a bootstrap over groups.
    Pairs that share a group, directly or through other pairs, are drawn together. The cosine with a zero
    vector is 0. Chance is 0.

    Raises:
        DataError: no complete pair, or scores that are all equal, differ within a pair, or are not numbers.
        ModelError: a vector is not finite, or all cosines are equal.
    """
    pairs, warnings = find_pairs(settings, table)
    scores = _scores_of(settings, table, pairs)
    cosines = _cosines(embedding, pairs)
    first, second = (np.unique(v, return_inverse=True)[1] for v in (cosines, scores))
    clusters = linked_groups(table, pairs)
    ones = np.ones(len(pairs))
    return ProbeResult(
        metric="spearman",
        value=weighted_spearman(first, second, ones),
        standard_error=bootstrap_standard_error(
            lambda weights: weighted_spearman(first, second, weights), clusters, seed
        ),
        chance=0.0,
        n_train=0,
        n_test=len(pairs),
        warnings=warnings,
    )


def find_pairs(settings: TaskSettings, table: pd.DataFrame) -> tuple[np.ndarray, tuple[str, ...]]:
    """Positions of the two items of each scored pair, shape (n_pairs, 2), and what was left out.

    Raises:
        DataError: a pair has too many items, or no pair is complete.
    """
    names = [settings.pair, settings.side, str(settings.label)]
    rows = np.flatnonzero(table[names].notna().all(axis=1).to_numpy())
    sides = table.iloc[rows][[settings.pair, settings.side]].assign(row=rows)
    twice = sides.duplicated([settings.pair, settings.side])
    sizes = sides.groupby(settings.pair, sort=False)["row"].transform("size")
    if twice.any() or (sizes > 2).any():
        bad = sides[settings.pair][twice | (sizes > 2)].iloc[0]
        raise DataError(
            f"pair {bad!r} has more than one item per side or more than two sides; "
            f"columns {settings.pair!r} and {settings.side!r} must name two items per pair"
        )
    whole = sides[sizes == 2].sort_values(settings.pair, kind="stable")
    if len(whole) == 0:
        raise DataError(f"no pair in {settings.pair!r} has two items with a {settings.label!r}; add some")
    n_single = int((sizes == 1).sum())
    warnings = (f"left out {n_single} pairs with only one item",) if n_single else ()
    return whole["row"].to_numpy().reshape(-1, 2), warnings


def _scores_of(settings: TaskSettings, table: pd.DataFrame, pairs: np.ndarray) -> np.ndarray:
    """The score of each pair, shape (n_pairs,)."""
    scores = number_labels(table, pairs.ravel(), str(settings.label)).reshape(-1, 2)
    differ = scores[:, 0] != scores[:, 1]
    if differ.any():
        bad = table[settings.pair].iloc[pairs[differ.argmax(), 0]]
        raise DataError(
            f"the two items of pair {bad!r} have different {settings.label!r}; give both the same value"
        )
    if np.ptp(scores) == 0:
        raise DataError(f"all pairs have the same {settings.label!r}; there is nothing to compare")
    return np.asarray(scores[:, 0])


def _cosines(embedding: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Cosine of the two vectors of each pair, shape (n_pairs,)."""
    left, right = (unit_vectors(vectors_of(embedding, rows)) for rows in pairs.T)
    cosines = np.round((left * right).sum(axis=1), COSINE_DECIMALS)
    if np.ptp(cosines) == 0:
        raise ModelError(
            f"all {len(pairs)} pairs have the cosine {cosines[0]:g}; check how they were embedded"
        )
    return np.asarray(cosines)


def linked_groups(table: pd.DataFrame, pairs: np.ndarray) -> np.ndarray:
    """Number of the cluster of each pair; two groups with a pair in common are one cluster."""
    groups = group_numbers(table, pairs.ravel()).reshape(-1, 2)
    n_groups = int(groups.max()) + 1
    one, other = groups.T
    return components(one, other, n_groups)[one]
