"""Standard errors and rank statistics in which items of one group count as one draw."""

from collections.abc import Callable, Iterator

import numpy as np

from suffice.errors import DataError

N_RESAMPLES = 500  # relative error of a bootstrap standard error: 1 / sqrt(2 * 500) = 3 %


def check_group_count(groups: np.ndarray) -> int:
    """The number of groups, which are numbered from 0.

    Raises:
        DataError: there is only one group, so the standard error is unknown.
    """
    n_groups = len(np.unique(groups))
    if n_groups < 2:
        raise DataError("all scored items belong to one group; a standard error needs at least two")
    return n_groups


def clustered_standard_error(values: np.ndarray, groups: np.ndarray) -> float:
    r"""Standard error of the mean of `values`, when items of a group are dependent.

    .. math:: \sqrt{\tfrac{G}{G-1} \sum_g \big(\sum_{i \in g} (x_i - \bar x)\big)^2} \, / \, n

    Source: Liang and Zeger, Biometrika 73 (1986), the intercept-only case, with the usual G/(G-1).

    Raises:
        DataError: there is only one group.
    """
    n_groups = check_group_count(groups)
    sums = np.bincount(groups, weights=values - values.mean())
    return float(np.sqrt(n_groups / (n_groups - 1) * (sums**2).sum()) / len(values))


def resampled_weights(groups: np.ndarray, n_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each item is drawn when whole groups are drawn with replacement, `n_resamples` times."""
    rng = np.random.default_rng(seed)
    numbers, codes = np.unique(groups, return_inverse=True)
    for _ in range(n_resamples):
        draws = rng.integers(len(numbers), size=len(numbers))
        yield np.bincount(draws, minlength=len(numbers)).astype(np.float64)[codes]


def bootstrap_standard_error(
    statistic: Callable[[np.ndarray], float], groups: np.ndarray, seed: int, n_resamples: int = N_RESAMPLES
) -> float:
    """Standard deviation of a statistic of item weights over resamples of whole groups.

    Raises:
        DataError: there is one group only, or the statistic has no value on a resample.
    """
    check_group_count(groups)
    draws = [statistic(weights) for weights in resampled_weights(groups, n_resamples, seed)]
    if not np.isfinite(draws).all():
        raise DataError(
            "too few different values or groups for a standard error: a resample of the groups has only one "
            "value; label more items, in more groups"
        )
    return float(np.std(draws, ddof=1))


def weighted_ranks(codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mid-ranks when item i occurs `weights[i]` times; `codes` number the distinct values in order."""
    counts = np.bincount(codes, weights=weights)
    middle = np.cumsum(counts) - (counts - 1) / 2
    return middle[codes]


def weighted_spearman(first: np.ndarray, second: np.ndarray, weights: np.ndarray) -> float:
    """Spearman's rho when item i occurs `weights[i]` times; NaN if one side is then constant.

    Args:
        first: number of each item's value among the sorted distinct values, shape (n_items,).
        second: the same for the other variable.
        weights: shape (n_items,).
    """
    x, y = weighted_ranks(first, weights), weighted_ranks(second, weights)
    x, y = x - np.average(x, weights=weights), y - np.average(y, weights=weights)
    scale = np.sqrt((weights * x * x).sum() * (weights * y * y).sum())
    return float((weights * x * y).sum() / scale) if scale > 0 else float("nan")
