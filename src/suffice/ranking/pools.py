r"""Uncertainty from the choice of targets: would another pool like this one have the same order?

The targets are treated as a random sample of groups of relatives. On the columns of each group, two models
differ by the sum x_g of their within-target ranks (under the aggregates mean and median: of their nats). If
another group were as likely to favour one model as the other, the sign of each x_g would be random. The sum
is therefore compared with sums under random signs, with the same signs for all pairs of models. The largest
studentised sum over all pairs,

.. math:: \max_{a, b} \frac{|\sum_g \epsilon_g x_g|}{\sqrt{\sum_g x_g^2}},

makes all statements hold at once. Source: Romano and Wolf 2005, Journal of the American Statistical
Association 100, 94-108, doi 10.1198/016214504000000539; sign changes as a randomisation test: Lehmann and
Romano, Testing Statistical Hypotheses, 3rd ed., section 15.2. More items cannot replace groups: with five
groups or fewer nothing can be certain. A model stands above another for pools like this one only if it also
does in this pool, where the items add their own uncertainty.
"""

import numpy as np
import pandas as pd

from suffice.ranking.arrays import Booleans, Floats, PairArrays
from suffice.ranking.resampling import CONFIDENCE_LEVEL
from suffice.ranking.wins import transitive
from suffice.seeds import derive_seed

MIN_GROUPS = 3  # fewer groups of targets say nothing about other pools
MAX_EXACT_GROUPS = 11  # up to this number, all combinations of signs are used
ROUNDING = 1e-9
PAIRS_AT_ONCE = 4000


def stands_above_in_pools(
    arrays: PairArrays, how: str, on_this_pool: Booleans, n_resamples: int, seed: int
) -> Booleans | None:
    """Which models (rows) stand above which (columns) for pools like this one; None with too few groups.

    Args:
        arrays: the pairs.
        how: "ranks", "mean" or "median".
        on_this_pool: which models stand above which in this pool.
        n_resamples: number of random combinations of signs, if not all are used.
        seed: seed of the signs.
    """
    if arrays.n_groups < MIN_GROUPS:
        return None
    one, other = np.triu_indices(len(arrays.models), 1)
    sums = group_differences(arrays, how)[one, other]  # (n_pairs, n_groups)
    size = np.sqrt(np.square(sums).sum(axis=1))
    studentised = np.divide(sums, size[:, None], out=np.zeros_like(sums), where=size[:, None] > 0)
    largest = _largest_sums(studentised, _signs(arrays.n_groups, n_resamples, seed))
    total = studentised.sum(axis=1)
    exceeded = (largest[None] >= np.abs(total)[:, None] - ROUNDING).mean(axis=1)
    certain = (exceeded <= 1 - CONFIDENCE_LEVEL) & (total != 0)
    above = np.zeros_like(on_this_pool)
    above[one, other], above[other, one] = certain & (total > 0), certain & (total < 0)
    return transitive(above & on_this_pool)


def group_differences(arrays: PairArrays, how: str) -> Floats:
    """The contribution of each group of targets to the difference of two models, row minus column.

    Returns:
        Shape (n_models, n_models, n_groups); 0 for a group that does not count for both models.
    """
    values = _within_target_ranks(arrays) if how == "ranks" else np.nan_to_num(arrays.matrix())
    weight = arrays.counted * arrays.column_weight
    groups = np.eye(arrays.n_groups)[arrays.group_of_column]  # (n_columns, n_groups)
    ours = np.einsum("ac,bc,cg->abg", weight * values, arrays.counted, groups, optimize=True)
    return np.asarray(ours - ours.swapaxes(0, 1))


def _within_target_ranks(arrays: PairArrays) -> Floats:
    """Total weight of the models below each model on each column; ties and itself count half."""
    matrix = arrays.matrix()
    ranks = np.zeros_like(matrix)
    for other, weight in zip(matrix, arrays.model_weight, strict=True):
        ranks += weight * ((matrix > other) + 0.5 * (matrix == other))
    return ranks


def _signs(n_groups: int, n_resamples: int, seed: int) -> Floats:
    """All combinations of signs, with the first fixed, or random ones and the observed one."""
    if n_groups <= MAX_EXACT_GROUPS:
        codes = np.arange(2 ** (n_groups - 1))
        return np.asarray(1.0 - 2 * (codes[:, None] >> np.arange(n_groups) & 1))
    generator = np.random.default_rng(derive_seed(seed, "pools"))
    drawn = generator.choice([-1.0, 1.0], size=(n_resamples, n_groups))
    return np.concatenate([np.ones((1, n_groups)), drawn])


def _largest_sums(studentised: Floats, signs: Floats) -> Floats:
    """The largest absolute sum over pairs of models under each combination of signs."""
    largest = np.zeros(len(signs))
    for start in range(0, len(studentised), PAIRS_AT_ONCE):
        sums = np.abs(studentised[start : start + PAIRS_AT_ONCE] @ signs.T)
        largest = np.maximum(largest, sums.max(axis=0))
    return largest


def groups_of_targets(table: pd.DataFrame) -> int:
    """The number of groups of relatives among the targets of a ranking table."""
    return int(table.loc[table["is_target"].astype(bool), "relatives"].nunique())
