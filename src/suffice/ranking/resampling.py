r"""Uncertainty from the items: noise of all pairs at once, and which differences are certain.

The estimate of a pair is a ratio over blocks of items. Its error is linear in the deviations of the blocks,

.. math:: e_b = \sqrt{\tfrac{B}{B - 1}} \; \frac{s_b - \hat\theta n_b}{\sum_b n_b},

with the nats s and items n of block b. The squares of e sum to the squared standard error (Cochran, Sampling
Techniques, 3rd ed., equation 6.13). To draw noise of all pairs at once, every block gets one normal weight
that all pairs share (the multiplier bootstrap of Chernozhukov, Chetverikov and Kato 2013, Annals of
Statistics 41, 2786-2819, doi 10.1214/13-AOS1161). In 95 % of draws the largest studentised difference stays
below the critical value. Differences beyond it are certain, all at once. The critical value is then computed
again over the remaining differences, as long as this makes more of them certain (the step-down method of
Romano and Wolf 2005, Econometrica 73, 1237-1282, doi 10.1111/j.1468-0262.2005.00615.x). With few blocks a
normal quantile is too small. It is replaced by that of Student's t at the same tail probability, with one
degree of freedom less than the number of blocks.

Some estimators know how much the squares of e are too large, as deviations x that add up over pairs as e do
(see `suffice.estimators.regression.squares`). The squares of x are subtracted in standard errors. Critical
values depend on correlations of the draws, and these are those of e. When items are few, the fit to each of
two similar sources has taken up part of the noise. The x that they share is then underestimated, and x of
their difference is too large. For a difference, only two thirds of the squares of x are subtracted.
"""

from collections.abc import Callable, Iterator

import numpy as np
import scipy

from suffice.estimators.result import left_of_variance
from suffice.ranking.arrays import Booleans, Floats, Integers, PairArrays, aggregate
from suffice.seeds import derive_seed

CONFIDENCE_LEVEL = 0.95  # of all intervals
TAIL = (1 - CONFIDENCE_LEVEL) / 2
VALUES_AT_ONCE = 4_000_000
OF_DIFFERENCES = 2 / 3  # share of the excess that is subtracted for differences of two sources
ROUNDING = 1e-12  # nats; a smaller difference is a tie


def block_deviations(arrays: PairArrays) -> Floats:
    """The deviations e above, shape (n_models, n_columns, n_blocks); NaN if a pair does not count."""
    left = arrays.block_nats - arrays.matrix()[..., None] * arrays.block_items
    return np.asarray(left * _scale(arrays))


def excess_deviations(arrays: PairArrays) -> Floats:
    """The deviations x above, shape (n_models, n_columns, n_blocks); NaN if a pair does not count."""
    x = arrays.block_excess_nats * _scale(arrays)
    return np.where(arrays.counted[..., None], x, np.nan)


def _scale(arrays: PairArrays) -> Floats:
    """The factor from nats of blocks to deviations of a pair's estimate, shape (n_columns, 1)."""
    n_scored = np.maximum((arrays.block_items > 0).sum(axis=1), 2)
    scale = np.sqrt(n_scored / (n_scored - 1)) / arrays.block_items.sum(axis=1)
    return np.asarray(scale[:, None])


def narrowing(deviation: Floats, excess: Floats, part: float = 1.0) -> Floats:
    """Ratio of standard errors to those between blocks, shape (..., n_blocks) -> (...)."""
    variance = np.square(deviation).sum(axis=-1)
    left = left_of_variance(variance, part * np.square(excess).sum(axis=-1))
    return np.sqrt(np.divide(left, variance, out=np.ones_like(variance), where=variance > 0))


def narrowing_of_scores(arrays: PairArrays) -> tuple[Floats, Floats]:
    """The same ratio for mean scores, shape (n_models,), and for their differences, (n_models, n_models).

    It is used for medians too. Medians depend on fewer pairs, so their ratio would be a little smaller.
    """
    deviation, excess = (
        np.nanmean(each, axis=1) for each in (block_deviations(arrays), excess_deviations(arrays))
    )
    of_differences = [
        narrowing(one - deviation, other - excess, OF_DIFFERENCES)
        for one, other in zip(deviation, excess, strict=True)
    ]
    return narrowing(deviation, excess), np.stack(of_differences)


def draw_noise(deviation: Floats, n_resamples: int, seed: int) -> Floats:
    """Noise from deviations of blocks, shape (..., n_blocks) -> (..., n_resamples)."""
    generator = np.random.default_rng(derive_seed(seed, "ranking"))
    return np.asarray(deviation @ generator.standard_normal((deviation.shape[-1], n_resamples)))


def for_few_blocks(critical: float, n_blocks: int) -> float:
    """A critical value of normal noise, enlarged for a small number of blocks."""
    return float(-scipy.special.stdtrit(max(n_blocks - 1, 1), scipy.special.ndtr(-critical)))


def certain_comparisons(arrays: PairArrays, n_resamples: int, seed: int) -> Floats:
    """How far apart two models must be on a column for their order to be certain, all statements at once.

    Returns:
        Nats per target dimension, shape (n_models, n_models, n_columns); infinite if a column does not count
        for both.
    """
    deviation, excess = np.nan_to_num(block_deviations(arrays)), np.nan_to_num(excess_deviations(arrays))
    matrix = np.nan_to_num(arrays.matrix())
    one, other, column = _comparisons(arrays.counted)
    between_blocks = _variances(deviation, one, other, column)
    of_excess = OF_DIFFERENCES * _variances(excess, one, other, column)
    error = np.sqrt(left_of_variance(between_blocks, of_excess))
    error_of_noise = np.sqrt(between_blocks)
    noise = draw_noise(deviation, n_resamples, seed)

    def largest(rows: Booleans) -> Floats:
        return _largest_noise(noise, error_of_noise[rows], one[rows], other[rows], column[rows])

    size = _in_errors(matrix[one, column] - matrix[other, column], error)
    threshold = np.full((len(matrix), len(matrix), matrix.shape[1]), np.inf)
    threshold[one, other, column] = step_down(size, largest, arrays.n_blocks) * error
    return np.minimum(threshold, threshold.swapaxes(0, 1))


def step_down(size: Floats, largest: Callable[[Booleans], Floats], n_blocks: int) -> float:
    """The critical value of the last step, or 0 if all differences are certain.

    Args:
        size: absolute studentised differences, shape (n_differences,).
        largest: the largest studentised noise of some of the differences in each draw.
        n_blocks: number of blocks of items.
    """
    left = np.isfinite(size)
    critical = 0.0
    while left.any():
        critical = for_few_blocks(float(np.quantile(largest(left), CONFIDENCE_LEVEL)), n_blocks)
        still_left = left & (size <= critical)
        if (still_left == left).all():
            break
        left = still_left
    return max(critical, ROUNDING)


def certain_differences(score: Floats, deviation: Floats, narrowed: Floats, n_blocks: int) -> Floats:
    """How far apart two scores must be for their order to be certain, all pairs of models at once.

    Source: Mogstad, Romano, Shaikh and Wilhelm, Review of Economic Studies 2024, doi 10.1093/restud/rdad006.

    Args:
        score: shape (n_models,).
        deviation: of the scores in resamples, shape (n_models, n_resamples).
        narrowed: ratio of the standard errors of differences to those of the resamples, shape (n_models,
            n_models), see `narrowing_of_scores`.
        n_blocks: number of blocks of items.

    Returns:
        In the unit of the score, shape (n_models, n_models).
    """
    one, other = np.triu_indices(len(score), 1)
    noise = (deviation[one] - deviation[other]) * narrowed[one, other, None]
    error = noise.std(axis=1)

    def largest(rows: Booleans) -> Floats:
        return _in_errors(noise[rows], error[rows, None]).max(axis=0)

    size = _in_errors(score[one] - score[other], error)
    threshold = np.zeros((len(score), len(score)))
    threshold[one, other] = step_down(size, largest, n_blocks) * error
    return threshold + threshold.T


def score_deviations(arrays: PairArrays, how: str, n_resamples: int, seed: int) -> Floats:
    """Distance of scores in resamples of items from the scores, shape (n_models, n_resamples)."""
    deviation, matrix = block_deviations(arrays), arrays.matrix()
    drawn = [
        aggregate((values[:, None] + draw_noise(each, n_resamples, seed)).T, how)
        for values, each in zip(matrix, deviation, strict=True)
    ]
    return np.stack(drawn) - aggregate(matrix, how)[:, None]


def score_interval(arrays: PairArrays, how: str, deviation: Floats) -> tuple[Floats, Floats]:
    """95 % interval of each score over items, within the values of single blocks of items.

    Args:
        arrays: the pairs.
        how: "mean" or "median" over targets.
        deviation: see `score_deviations`.
    """
    score = aggregate(arrays.matrix(), how)
    widening = for_few_blocks(-float(scipy.special.ndtri(TAIL)), arrays.n_blocks) / -scipy.special.ndtri(TAIL)
    low, high = np.quantile(deviation, [TAIL, 1 - TAIL], axis=1) * widening * narrowing_of_scores(arrays)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        by_block = arrays.block_nats / arrays.block_items
    by_block = np.where(arrays.counted[..., None] & np.isfinite(by_block), by_block, np.nan)
    of_blocks = aggregate(np.moveaxis(by_block, -1, 0), how)  # (n_blocks, n_models)
    least, most = np.fmin(np.nanmin(of_blocks, axis=0), score), np.fmax(np.nanmax(of_blocks, axis=0), score)
    return np.maximum(score + np.minimum(low, 0.0), least), np.minimum(score + np.maximum(high, 0.0), most)


def _comparisons(counted: Booleans) -> tuple[Integers, Integers, Integers]:
    """Every two models on every column that counts for both: first, second, column."""
    one, other, column = np.nonzero(counted[:, None] & counted[None])
    kept = one < other
    return one[kept], other[kept], column[kept]


def _variances(deviation: Floats, one: Integers, other: Integers, column: Integers) -> Floats:
    """Squares of each comparison's difference."""
    variances = np.empty(len(one))
    for rows in _runs(len(one), deviation.shape[-1]):
        difference = deviation[one[rows], column[rows]] - deviation[other[rows], column[rows]]
        variances[rows] = np.square(difference).sum(axis=1)
    return variances


def _largest_noise(noise: Floats, error: Floats, one: Integers, other: Integers, column: Integers) -> Floats:
    """The largest studentised noise of some comparisons in each draw, shape (n_resamples,)."""
    largest = np.zeros(noise.shape[-1])
    for rows in _runs(len(one), noise.shape[-1]):
        difference = noise[one[rows], column[rows]] - noise[other[rows], column[rows]]
        largest = np.maximum(largest, _in_errors(difference, error[rows, None]).max(axis=0))
    return largest


def _in_errors(difference: Floats, error: Floats) -> Floats:
    """Absolute differences in standard errors: infinite without noise, 0 for a tie."""
    size = np.abs(difference)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size > ROUNDING, size / error, 0.0)


def _runs(n_rows: int, width: int) -> Iterator[slice]:
    """Slices of rows with at most a few million values."""
    step = max(1, VALUES_AT_ONCE // width)
    return (slice(start, start + step) for start in range(0, n_rows, step))
