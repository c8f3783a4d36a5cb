"""Does a predictor agree with the tasks beyond size and width? Partial correlation."""

import numpy as np
import pandas as pd

from suffice.analyses.choice import Estimate
from suffice.analyses.correlation import DEGENERATE, Bootstrap, _centred, _ranks
from suffice.errors import DataError

PARTIAL_STATISTICS = ("pearson", "spearman")


def partial_correlation(
    x: pd.Series, y: pd.Series, covariates: pd.DataFrame, bootstrap: Bootstrap, statistic: str = "pearson"
) -> Estimate:
    r"""Correlation of x and y after removing a linear fit on the covariates from both, with its interval.

    .. math:: r_{xy \cdot Z} = \frac{s_{xy} - s_{xZ} S_{ZZ}^{+} s_{Zy}}
              {\sqrt{(s_{xx} - s_{xZ} S_{ZZ}^{+} s_{Zx}) (s_{yy} - s_{yZ} S_{ZZ}^{+} s_{Zy})}}

    Source: Anderson, An Introduction to Multivariate Statistical Analysis, 3rd ed., section 2.5. "spearman"
    is the same on mean ranks.

    Args:
        x: value by model.
        y: value by model.
        covariates: columns to hold fixed, models as index; take logarithms of sizes first.
        bootstrap: makes the percentile interval over models; each resample is fitted separately.
        statistic: "pearson" or "spearman".

    Returns:
        A value in [-1, 1]; NaN if the covariates leave no variance in x or y, or if fewer than n_covariates +
        3 models have all values.

    Raises:
        DataError: the statistic is unknown, or there is no covariate.
    """
    table = _complete(x, y, covariates, statistic)
    values, n_models = table.to_numpy(), len(table)
    value = float(weighted_partial(values, np.ones((1, n_models)), statistic)[0])
    if np.isnan(value):
        note = f"no value: {n_models} models with {covariates.shape[1]} covariates leave nothing to compare"
        return Estimate(np.nan, np.nan, np.nan, n_models, note)
    draws = weighted_partial(values, bootstrap.weights(table.index), statistic)
    low, high, note = bootstrap.interval(draws)
    return Estimate(value, low, high, n_models, note)


def weighted_partial(values: np.ndarray, weights: np.ndarray, statistic: str = "pearson") -> np.ndarray:
    """The partial correlation of the first two columns given the others, under each row of weights.

    Args:
        values: shape (n_models, 2 + n_covariates).
        weights: shape (n_resamples, n_models).
        statistic: "pearson" or "spearman".

    Returns:
        Shape (n_resamples,); NaN as `partial_correlation`, with distinct models counted.
    """
    columns = [_ranks(v, weights) if statistic == "spearman" else v for v in values.T]
    centred = np.stack([_centred(v, weights) for v in columns], axis=-1)  # (n_resamples, n_models, n_columns)
    moments = np.einsum("rm,rmi,rmj->rij", weights, centred, centred)
    by_others = moments[:, :2, 2:] @ np.linalg.pinv(moments[:, 2:, 2:], hermitian=True) @ moments[:, 2:, :2]
    left = moments[:, :2, :2] - by_others
    spread = np.stack([left[:, i, i] / np.maximum(moments[:, i, i], DEGENERATE) for i in (0, 1)])
    usable = (spread > 1e-10).all(axis=0) & ((weights > 0).sum(axis=1) >= values.shape[1] + 1)
    scale = np.sqrt(np.where(usable, left[:, 0, 0] * left[:, 1, 1], np.nan))
    return np.asarray(np.clip(left[:, 0, 1] / scale, -1.0, 1.0))


def _complete(x: pd.Series, y: pd.Series, covariates: pd.DataFrame, statistic: str) -> pd.DataFrame:
    """The models that have all values, in order of name."""
    if statistic not in PARTIAL_STATISTICS:
        raise DataError(f"unknown statistic {statistic!r}; choose one of {', '.join(PARTIAL_STATISTICS)}")
    if covariates.shape[1] == 0:
        raise DataError("there is no covariate; give at least one column, or use the plain correlation")
    return pd.concat([x, y, covariates], axis=1, join="inner").astype(float).dropna().sort_index()
