"""From a matrix of pairs to one score per model; targets of one family may count once."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def median(matrix: Floats, weights: Floats) -> Floats:
    """Weighted median over counted targets.

    Args:
        matrix: sources by targets, NaN where a pair does not count.
        weights: of the targets.
    """
    return np.array([_weighted_median(row, weights) for row in matrix])


def _weighted_median(row: Floats, weights: Floats) -> float:
    counted = np.isfinite(row)
    values, shares = row[counted], weights[counted]
    order = np.argsort(values)
    reached = np.cumsum(shares[order]) / shares.sum()
    low, high = np.searchsorted(reached, [0.5 - 1e-9, 0.5 + 1e-9])
    return float((values[order][low] + values[order][min(high, len(values) - 1)]) / 2)


def mean(matrix: Floats, weights: Floats) -> Floats:
    """Weighted mean over counted targets."""
    counted = np.isfinite(matrix)
    return np.asarray(np.nansum(matrix * weights, axis=1) / (counted * weights).sum(axis=1))


def scaled(matrix: Floats, weights: Floats) -> Floats:
    """Mean of nats on one scale per target: minus the target's mean, divided by its standard deviation."""
    centred = matrix - np.nanmean(matrix, axis=0)
    return mean(centred / np.nanstd(matrix, axis=0), weights)


def win_rate(matrix: Floats, weights: Floats) -> Floats:
    """Share of the other models that a model beats, each compared on the targets that both have.

    Over targets that all models have, an increasing function of the mean of within-target ranks.
    """
    n_models = len(matrix)
    rates = np.zeros(n_models)
    for model in range(n_models):
        difference = matrix[model] - matrix  # (n_models, n_targets)
        shares = np.where(np.isfinite(difference), weights, 0.0)
        won = (np.nan_to_num(np.sign(difference)) + 1) / 2 * shares
        others = np.arange(n_models) != model
        rates[model] = (won.sum(axis=1)[others] / shares.sum(axis=1)[others]).mean()
    return rates


def predictable(matrix: Floats, weights: Floats) -> Floats:
    """Mean over sources of their nats about a model as target: how well the others predict it."""
    return np.asarray(np.nanmean(matrix, axis=0))


def two_sided(matrix: Floats, weights: Floats) -> Floats:
    """How well a model predicts the others and the others predict it, together."""
    return mean(matrix, weights) + predictable(matrix, weights)


def net_flow(matrix: Floats, weights: Floats) -> Floats:
    """How well a model predicts the others minus how well they predict it."""
    return mean(matrix, weights) - predictable(matrix, weights)


def authority(matrix: Floats, weights: Floats) -> Floats:
    """PageRank with damping 0.85 on the graph whose edges lead from targets to what predicts them.

    Source: Page, Brin, Motwani and Winograd 1999 (Stanford InfoLab 1999-66). Negative numbers count as 0.
    """
    edges = np.clip(np.nan_to_num(matrix), 0, None)
    share = edges / np.maximum(edges.sum(axis=0), 1e-12)
    rank = np.full(len(matrix), 1 / len(matrix))
    for _ in range(100):
        rank = 0.15 / len(matrix) + 0.85 * share @ rank
    return rank


AGGREGATES = {"median": median, "mean": mean, "scaled": scaled, "ranks": win_rate}
FAILING = {
    "predictable": predictable,
    "two-sided": two_sided,
    "net flow": net_flow,
    "authority": authority,
}
"""Ways that others may want to try; `failed.csv` says how they do."""


def family_weights(families: list[str]) -> Floats:
    """One over the size of each target's family, so that relatives count once."""
    names, codes, counts = np.unique(families, return_inverse=True, return_counts=True)
    return 1 / counts[codes].astype(float)


def without_self(matrix: Floats) -> Floats:
    """The matrix with NaN for pairs of a model with itself."""
    return np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix)
