"""Are two groups of losses equal within a margin? Two one-sided tests."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import scipy

from suffice.errors import DataError

LEVEL = 0.05


@dataclass(frozen=True)
class Equivalence:
    """Result of two one-sided tests.

    Attributes:
        difference: mean of the first minus mean of the second.
        low: lower end of the 90 % interval of the difference, which the test uses.
        high: upper end.
        p_value: the larger of the two p-values.
        equivalent: whether the difference is within the margin at the 5 % level.
    """

    difference: float
    low: float
    high: float
    p_value: float
    equivalent: bool


def two_one_sided_tests(first: np.ndarray, second: np.ndarray, margin: float) -> Equivalence:
    """Welch's two one-sided tests that two means differ by less than a margin.

    Source: Schuirmann 1987, doi 10.1007/BF01068419, with Welch's degrees of freedom.

    Args:
        first: independent values, shape (n,).
        second: the same of the other group.
        margin: largest difference that counts as equal, in the same unit.

    Raises:
        DataError: a group has fewer than 2 values, or the margin is not positive.
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if min(len(first), len(second)) < 2:
        raise DataError(f"groups have {len(first)} and {len(second)} values; a test needs at least 2 in each")
    if not margin > 0:
        raise DataError(f"the margin is {margin}; it must be positive")
    shares = np.array([first.var(ddof=1) / len(first), second.var(ddof=1) / len(second)])
    difference, error = float(first.mean() - second.mean()), float(np.sqrt(shares.sum()))
    if error == 0:
        inside = abs(difference) < margin
        return Equivalence(difference, difference, difference, 0.0 if inside else 1.0, inside)
    freedom = shares.sum() ** 2 / (shares**2 / [len(first) - 1, len(second) - 1]).sum()
    p_value = float(scipy.stats.t.sf((margin - abs(difference)) / error, freedom))
    half = float(scipy.stats.t.ppf(1 - LEVEL, freedom)) * error
    return Equivalence(difference, difference - half, difference + half, p_value, p_value < LEVEL)


def equivalence_table(runs: pd.DataFrame, value: str, group: str, margin: float) -> pd.DataFrame:
    """Two one-sided tests of every two groups.

    Args:
        runs: one row per run.
        value: column that is compared.
        group: column that names the group.
        margin: largest difference that counts as equal.

    Returns:
        first, second, difference, low, high, p_value, equivalent, n_first, n_second, margin.
    """
    values = {str(name): rows[value].to_numpy() for name, rows in runs.groupby(group, sort=False)}
    rows = []
    for first, second in combinations(values, 2):
        result = two_one_sided_tests(values[first], values[second], margin)
        sizes = {"n_first": len(values[first]), "n_second": len(values[second]), "margin": margin}
        rows.append({"first": first, "second": second, **vars(result), **sizes})
    return pd.DataFrame(rows)
