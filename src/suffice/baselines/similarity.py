"""Similarity of the models of a pool: by geometry, by neighbours, by consensus, and by regression.

Each function takes vectors of the same items by all models. It returns one number per model, which compares
the model with the others but not with itself.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from suffice.baselines.geometry import BLOCK_ROWS
from suffice.ranking.relatives import linear_cka
from suffice.vectors import unit_rows

Floats = npt.NDArray[np.float64]
N_NEIGHBOURS = 10
FUSED_DEPTH = 50  # neighbours of each model that enter the fused list
FUSION_CONSTANT = 60.0
PENALTY = 1e-3  # of cross-embedding regression, as a share of the source's mean variance
CONSTANT = 1e-6


def median_over_others(values: Floats) -> Floats:
    """Median of each row without its diagonal entry; shape (n_models,)."""
    others = values[~np.eye(len(values), dtype=bool)].reshape(len(values), -1)
    known = [row[np.isfinite(row)] for row in others]
    return np.array([np.median(row) if len(row) else np.nan for row in known])


def median_cka(vectors: Sequence[np.ndarray]) -> Floats:
    """Median unbiased linear CKA with the other models.

    Source: Kornblith et al., ICML 2019, arXiv 1905.00414, with the centring of Székely and Rizzo (2014,
    doi 10.1214/14-AOS1255, equation 2.3), which removes the bias that grows with width.
    """
    return median_over_others(linear_cka(vectors))


def nearest_neighbours(vectors: np.ndarray, n_neighbours: int) -> npt.NDArray[np.int64]:
    """The other items with the highest cosine to each item, nearest first; shape (n_items, n_neighbours).

    Equal cosines are in the order of the items.
    """
    rows = unit_rows(np.asarray(vectors, dtype=np.float64))
    found = np.empty((len(rows), n_neighbours), dtype=np.int64)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        cosine = block @ rows.T
        cosine[np.arange(len(block)), start + np.arange(len(block))] = -np.inf
        order = np.argsort(-cosine, axis=1, kind="stable")
        found[start : start + BLOCK_ROWS] = order[:, :n_neighbours]
    return found


def overlap(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> float:
    """Mean share of common neighbours in two lists of neighbours of the same length."""
    n_items, n_neighbours = first.shape
    both = np.sort(np.concatenate([first, second], axis=1), axis=1)
    return float((both[:, 1:] == both[:, :-1]).sum() / (n_items * n_neighbours))


def median_mutual_neighbours(neighbours: Sequence[npt.NDArray[np.int64]]) -> Floats:
    """Median over the other models of the mean share of common nearest neighbours.

    Source: mutual k-nearest-neighbour metric of Huh, Cheung, Wang and Isola, ICML 2024, arXiv 2405.07987,
    which uses unchanged vectors. `baselines_of_pool` uses standardised dimensions, so a few dimensions of
    large scale do not decide which items are near.

    Args:
        neighbours: lists of each model, shape (n_items, at least 10); the first 10 count.
    """
    lists = [each[:, :N_NEIGHBOURS] for each in neighbours]
    return median_over_others(np.array([[overlap(one, other) for other in lists] for one in lists]))


def consensus_retrieval(neighbours: Sequence[npt.NDArray[np.int64]]) -> Floats:
    r"""Agreement of each model's 10 nearest neighbours with the fused lists of all other models.

    Lists are fused by reciprocal ranks: an item's weight is the sum over models of 1 / (60 + rank), for the
    first 50 of each list. The 10 items with the largest weights are the consensus. Source: Cormack, Clarke
    and Büttcher, SIGIR 2009, doi 10.1145/1571941.1572114.

    Args:
        neighbours: lists of each model, shape (n_items, at least 10).

    Returns:
        Mean share of common items, shape (n_models,).
    """
    depth = min(FUSED_DEPTH, neighbours[0].shape[1])
    shares = 1 / (FUSION_CONSTANT + np.arange(1, depth + 1))
    n_items = len(neighbours[0])
    rows = np.arange(n_items)[:, None]
    weight = np.zeros((n_items, n_items), dtype=np.float32)
    for each in neighbours:
        weight[rows, each[:, :depth]] += shares.astype(np.float32)
    agreement = []
    for each in neighbours:
        own = each[:, :depth]
        weight[rows, own] -= shares.astype(np.float32)
        top = np.argpartition(-weight, N_NEIGHBOURS - 1, axis=1)[:, :N_NEIGHBOURS]
        agreement.append(overlap(own[:, :N_NEIGHBOURS], top))
        weight[rows, own] += shares.astype(np.float32)
    return np.array(agreement)


def cross_regression(vectors: Sequence[np.ndarray]) -> Floats:
    r"""Median over targets of the share of a target's variance that linear regression on the source gives.

    This is the reconstruction error that Darrin et al. (NeurIPS 2024) use as a baseline, as R², without the
    gain that a fit has on its own items. The residual variance of a target dimension is the mean of
    :math:`e_i^2 / (1 - h_i)`, with residuals e of the fit to all items and their leverages h. Dimensions are
    standardised, and R² is averaged over them.

    Args:
        vectors: shape (n_items, its embed_dim) each.
    """
    standard = [standardised(each) for each in vectors]
    given = np.zeros((len(standard), len(standard)))
    for row, source in enumerate(standard):
        if not source.shape[1]:
            given[row] = np.nan
            continue
        basis, shrinkage = _basis(source)
        leverage = np.minimum((basis**2 * shrinkage).sum(axis=1), 1 - CONSTANT)
        for column, target in enumerate(standard):
            if not target.shape[1]:
                given[row, column] = np.nan
                continue
            residual = target - basis @ (shrinkage[:, None] * (basis.T @ target))
            given[row, column] = 1 - ((residual**2) / (1 - leverage)[:, None]).mean()
    return median_over_others(given)


def standardised(vectors: np.ndarray) -> np.ndarray:
    """Dimensions with mean 0 and variance 1, float32; constant ones are left out."""
    rows = np.asarray(vectors, dtype=np.float32)
    spread = rows.std(axis=0, dtype=np.float64)
    varies = spread > CONSTANT * np.maximum(np.abs(rows).max(axis=0), np.finfo(float).tiny)
    return np.asarray((rows[:, varies] - rows[:, varies].mean(axis=0)) / spread[varies], dtype=np.float32)


def _basis(source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left singular vectors of the source and how much ridge regression keeps of each."""
    left, singular, _ = np.linalg.svd(source, full_matrices=False)
    penalty = PENALTY * (singular**2).mean()
    return left, singular**2 / (singular**2 + penalty)
