"""The geometry of one model's vectors: spread over directions, and local dimension.

Each function maps vectors to a number. `suffice.baselines.registry` says which end of its scale is better,
and who claims this.
"""

import numpy as np
import numpy.typing as npt

from suffice.errors import EstimationError
from suffice.vectors import unit_rows

Floats = npt.NDArray[np.float64]
BLOCK_ROWS = 4096
RANKME_EPSILON = 1e-7
FIT_FROM, FIT_TO = 5, 100  # eigenvalues that the power law is fitted to
RELATIVE_ZERO = 1e-10
DISCARDED = 0.1
UNIFORMITY_SCALE = 2.0


def rankme(embedding: np.ndarray) -> float:
    r"""RankMe: the exponential of the entropy of the normalised singular values.

    .. math:: \exp\Big(-\sum_{k=1}^{\min(n, d)} p_k \log p_k\Big), \quad
              p_k = \frac{\sigma_k}{\|\sigma\|_1} + \varepsilon

    Source: Garrido et al., 2023, arXiv 2210.02885, equations 1 and 2; epsilon is 1e-7. Several "effective
    ranks" have similar names. This one uses the singular values themselves (not their squares) of the
    unchanged embedding: it is not centred, and rows are not scaled.

    The singular values are square roots of the eigenvalues of the second moments, which are summed in float64
    block by block. Memory is embed_dim squared, for any number of items. Singular values below 1e-8 of the
    largest are lost in rounding and count as at most that.

    Args:
        embedding: shape (n_items, embed_dim); a memory map is read in blocks.

    Returns:
        A number from 1 to about min(n_items, embed_dim).

    Raises:
        EstimationError: a value is not finite, or all are zero.
    """
    eigenvalues = np.linalg.eigvalsh(second_moments(embedding))[::-1][: min(embedding.shape)]
    if eigenvalues[0] <= 0:
        raise EstimationError("all vectors are zero, so RankMe is not defined; check the model")
    singular = np.sqrt(np.maximum(eigenvalues, 0))  # rounding leaves eigenvalues of 0 slightly negative
    shares = singular / singular.sum() + RANKME_EPSILON
    return float(np.exp(-(shares * np.log(shares)).sum()))


def second_moments(embedding: np.ndarray) -> Floats:
    """Sum over items of vector times vector transposed, float64, shape (embed_dim, embed_dim).

    Raises:
        EstimationError: a value is not finite.
    """
    moments = np.zeros((embedding.shape[1], embedding.shape[1]))
    for start in range(0, len(embedding), BLOCK_ROWS):
        block = np.asarray(embedding[start : start + BLOCK_ROWS], dtype=np.float64)
        if not np.isfinite(block).all():
            row = start + int((~np.isfinite(block).all(axis=1)).argmax())
            raise EstimationError(f"the vector in row {row} has NaN or infinite values; embed again")
        moments += block.T @ block
    return moments


def covariance_spectrum(embedding: np.ndarray) -> Floats:
    """Eigenvalues of the covariance, largest first, shape (embed_dim,); rounding below 0 is set to 0.

    Raises:
        EstimationError: a value is not finite, or all vectors are the same.
    """
    mean = np.zeros(embedding.shape[1])
    for start in range(0, len(embedding), BLOCK_ROWS):
        mean += np.asarray(embedding[start : start + BLOCK_ROWS], dtype=np.float64).sum(axis=0)
    mean /= len(embedding)
    moments = second_moments(embedding) / len(embedding)
    eigenvalues = np.maximum(np.linalg.eigvalsh(moments - np.outer(mean, mean))[::-1], 0)
    if eigenvalues[0] <= RELATIVE_ZERO * np.trace(moments):
        raise EstimationError("all vectors are the same, so their spectrum is not defined; check the model")
    return np.asarray(eigenvalues)


def stable_rank(embedding: np.ndarray) -> float:
    r"""Stable rank of the centred vectors, :math:`\sum_k \lambda_k / \lambda_1` of their covariance.

    Source: Tsitsulin, Munkhoeva and Perozzi, 2023, arXiv 2305.16562; the same as NESum of He and Ozay
    (2022) on centred vectors.

    Args:
        embedding: shape (n_items, embed_dim).

    Returns:
        A number from 1 to embed_dim.

    Raises:
        EstimationError: a value is not finite, or all vectors are the same.
    """
    eigenvalues = covariance_spectrum(embedding)
    return float(eigenvalues.sum() / eigenvalues[0])


def alpha_req(embedding: np.ndarray) -> float:
    """Distance from 1 of the exponent α of the decay of eigenvalues, |α − 1|; eigenvalue k falls as k to −α.

    It is fitted by least squares of log eigenvalue on log rank, from rank 5 to rank 100 or half the width,
    whichever is smaller, and on all ranks for models of fewer than 20 dimensions. Eigenvalues below 1e-10 of
    the largest are left out.

    Source: Agrawal et al., 2022, alpha-ReQ (NeurIPS); the window of the fit is ours.

    Args:
        embedding: shape (n_items, embed_dim).

    Raises:
        EstimationError: a value is not finite, or fewer than 3 eigenvalues are left to fit.
    """
    eigenvalues = covariance_spectrum(embedding)
    dim = len(eigenvalues)
    first, last = (FIT_FROM, min(FIT_TO, dim // 2)) if dim >= 4 * FIT_FROM else (1, dim)
    rank = np.arange(1, dim + 1)
    used = (rank >= first) & (rank <= last) & (eigenvalues > RELATIVE_ZERO * eigenvalues[0])
    if used.sum() < 3:
        raise EstimationError(
            f"only {used.sum()} eigenvalues are left for a power law, but at least 3 are needed"
        )
    slope = np.polyfit(np.log(rank[used]), np.log(eigenvalues[used]), 1)[0]
    return float(abs(-slope - 1))


def uniformity(vectors: np.ndarray) -> float:
    r"""Uniformity on the sphere, :math:`\log E[e^{-2 \lVert x - y \rVert^2}]` over pairs of different items.

    Source: Wang and Isola, ICML 2020, arXiv 2005.10242, equation 2 with t = 2. Rows are scaled to length
    one; a zero row stays zero.

    Args:
        vectors: shape (n_items, embed_dim), in memory.

    Returns:
        A number from -8 (spread out) to 0 (all equal).
    """
    rows = unit_rows(np.asarray(vectors, dtype=np.float64))
    n = len(rows)
    norms = (rows**2).sum(axis=1)
    total = 0.0
    for start in range(0, n, BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        squared = norms[start : start + BLOCK_ROWS, None] + norms - 2 * block @ rows.T
        total += float(np.exp(-UNIFORMITY_SCALE * np.maximum(squared, 0)).sum())
    return float(np.log((total - n) / (n * (n - 1))))


def two_nn(vectors: np.ndarray) -> float:
    r"""Intrinsic dimension from the ratio of the distances to the two nearest neighbours.

    With :math:`\mu = r_2 / r_1` and F its empirical distribution, it is the slope through the origin of
    :math:`-\log(1 - F(\mu))` on :math:`\log \mu`. The tenth of items with the largest ratios is left out.

    Source: Facco, d'Errico, Rodriguez and Laio, 2017, doi 10.1038/s41598-017-11873-y. Items with the same
    vector count once.

    Args:
        vectors: shape (n_items, embed_dim), in memory.

    Raises:
        EstimationError: fewer than 10 different vectors.
    """
    distinct = np.unique(np.asarray(vectors, dtype=np.float64), axis=0)
    n = len(distinct)
    if n < 10:
        raise EstimationError(f"there are only {n} different vectors; a local dimension needs at least 10")
    nearest = np.empty((n, 2))
    norms = (distinct**2).sum(axis=1)
    for start in range(0, n, BLOCK_ROWS):
        block = distinct[start : start + BLOCK_ROWS]
        squared = norms[start : start + BLOCK_ROWS, None] + norms - 2 * block @ distinct.T
        squared[np.arange(len(block)), start + np.arange(len(block))] = np.inf
        nearest[start : start + BLOCK_ROWS] = np.partition(squared, 1, axis=1)[:, :2]
    nearest = np.sqrt(np.maximum(nearest, np.finfo(float).tiny))
    ratio = np.sort(nearest[:, 1] / nearest[:, 0])
    kept = int(n * (1 - DISCARDED))
    x, y = np.log(ratio[:kept]), -np.log(1 - np.arange(1, kept + 1) / n)
    if not x.any():
        raise EstimationError("every item has the same distance to its first and second neighbour")
    return float((x * y).sum() / (x * x).sum())
