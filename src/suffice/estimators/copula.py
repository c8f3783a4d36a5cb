r"""The Gaussian copula family: `gaussian` after the rank-normal scores of each dimension.

Each value is replaced by the normal quantile of its rank, Phi^{-1}((rank - 1/2) / n). Ties get that of their
mean rank. If continuous dimensions are monotone functions of jointly normal ones, this undoes the
functions, and the estimate is that of the mutual information itself.

Source: van der Waerden scores; the estimator in this form, Ince et al., Human Brain Mapping 2017, doi
10.1002/hbm.23471.
"""

import numpy as np
import numpy.typing as npt
import scipy

from suffice.estimators.base import Embedding
from suffice.estimators.gaussian import Gaussian
from suffice.estimators.regression.ridge import StandardRows
from suffice.estimators.standardise import standardise

COLUMNS_AT_ONCE = 64


class Copula(Gaussian):
    """Mutual information of vectors that are jointly normal up to a monotone map of each dimension."""

    name = "copula"
    summary = "gaussian after rank-normal scores of each dimension: any monotone maps of normal dimensions"
    about = (
        "Each dimension is replaced by normal scores of its ranks, and the scores are assumed to be jointly "
        "normal. Monotone changes of a dimension and outliers do not matter. Dependence that is not "
        "monotone is not detected."
    )

    def memory_bytes(self, n_items: int, dim: int) -> int:
        """The moments, and all scores as float32."""
        return super().memory_bytes(n_items, dim) + 4 * n_items * dim

    def rows_of(self, rows: StandardRows) -> StandardRows:
        """Normal scores of the dimensions that vary, kept in memory, shape (n_items, d)."""
        scores = normal_scores(rows.embedding, rows.standardisation.kept)
        return StandardRows(scores, rows.plan, standardise(scores))


def normal_scores(embedding: Embedding, columns: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Rank-normal scores of some columns, shape (n_items, len(columns))."""
    from scipy.stats import rankdata  # slow to import, and few jobs need it

    scores = np.empty((len(embedding), len(columns)), dtype=np.float32)
    for start in range(0, len(columns), COLUMNS_AT_ONCE):
        some = columns[start : start + COLUMNS_AT_ONCE]
        ranks = rankdata(np.asarray(embedding[:, some]), axis=0)
        scores[:, start : start + COLUMNS_AT_ONCE] = scipy.special.ndtri((ranks - 0.5) / len(embedding))
    return scores
