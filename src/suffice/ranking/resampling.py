r"""How far scores would move with other items and other targets, and which differences are sure.

A bootstrap sample of n draws has a variance that is too small by (n - 1) / n, and its quantiles are
those of a normal distribution where Student's t is due. With 200 blocks of items that is nothing; with
five targets an interval meant to hold in 95 % of cases holds in fewer than 80 %. So every deviation
from the score is widened by

.. math:: f(n) = \sqrt{n / (n - 1)} \; t_{n-1,\,0.975} / z_{0.975}

which makes the interval of a mean over n targets that of Student; source: Hesterberg (2015), The
American Statistician 69, 371-386, doi 10.1080/00031305.2015.1089789, section 4.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from suffice.ranking.arrays import Floats, PairArrays, aggregate
from suffice.seeds import derive_seed

CONFIDENCE_LEVEL = 0.95  # of all intervals
MIN_TARGETS = 3  # fewer targets than this say nothing of the spread over targets
RESAMPLES_AT_ONCE = 100
TAIL = (1 - CONFIDENCE_LEVEL) / 2
Z = float(stats.norm.ppf(1 - TAIL))


@dataclass(frozen=True)
class Deviations:
    """How far scores in resamples lie from the scores, widened for small samples.

    Attributes:
        items: items resampled, shape (n_resamples, n_models).
        targets: targets resampled; NaN with fewer than three.
        together: both, each model's targets widened for their own number.
        alike: both, all models' targets widened by one factor: errors that models share cancel.
    """

    items: Floats
    targets: Floats
    together: Floats
    alike: Floats


def deviations(arrays: PairArrays, how: str, n_resamples: int, seed: int) -> Deviations:
    """Resample blocks of items and, apart from them, targets; each resample serves all models at once."""
    score = aggregate(arrays.matrix(), how)
    n_targets = arrays.counted.sum(axis=1)
    drawn_items, drawn_targets = _resample(arrays, how, n_resamples, seed)
    items = (drawn_items - score) * widening(np.array(len(arrays.block_items)))
    if n_targets.min() < MIN_TARGETS:
        return Deviations(items, np.full_like(items, np.nan), items, items)
    targets = drawn_targets - score
    own, most = widening(n_targets), widening(n_targets.min())
    return Deviations(items, targets * own, items + targets * own, items + targets * most)


def widening(n: npt.NDArray[np.int64]) -> Floats:
    """The factor f(n) above."""
    return np.asarray(np.sqrt(n / (n - 1)) * stats.t.ppf(1 - TAIL, n - 1) / Z)


def _resample(arrays: PairArrays, how: str, n_resamples: int, seed: int) -> tuple[Floats, Floats]:
    """Scores in resamples of items and in resamples of targets, shape (n_resamples, n_models) each."""
    generator = np.random.default_rng(derive_seed(seed, "ranking"))
    n_blocks, n_targets = len(arrays.block_items), len(arrays.targets)
    matrix, mask = arrays.matrix(), np.where(arrays.counted, 0.0, np.nan)
    over_items, over_targets = [], []
    for start in range(0, n_resamples, RESAMPLES_AT_ONCE):
        n_now = min(RESAMPLES_AT_ONCE, n_resamples - start)
        weights = generator.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=n_now)
        drawn = np.moveaxis(arrays.block_nats @ weights.T, -1, 0)  # (n_now, n_models, n_targets)
        over_items.append(aggregate(drawn / (weights @ arrays.block_items)[:, None, None] + mask, how))
        chosen = generator.integers(n_targets, size=(n_now, n_targets))
        over_targets.append(aggregate(np.moveaxis(matrix[:, chosen], 0, 1), how))
    return np.concatenate(over_items), np.concatenate(over_targets)


def interval(score: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """Interval of each model's score, which always holds the score; NaN where there are no resamples."""
    if np.isnan(deviation).all():
        return np.full(len(score), np.nan), np.full(len(score), np.nan)
    low, high = np.nanquantile(deviation, [TAIL, 1 - TAIL], axis=0)
    return score + np.minimum(low, 0.0), score + np.maximum(high, 0.0)


def sure_differences(score: Floats, deviation: Floats) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which models are surely better, and which surely worse, than each model: two (n_models, n_models).

    Entry (j, k) speaks of model k against model j; each row holds at the confidence level at once.
    """
    n_models = len(score)
    better = np.zeros((n_models, n_models), dtype=bool)
    worse = np.zeros((n_models, n_models), dtype=bool)
    for model in range(n_models):
        others = np.arange(n_models) != model
        difference = (score - score[model])[others]
        noise = (deviation - deviation[:, [model]])[:, others]  # (n_resamples, n_models - 1)
        noise = noise[~np.isnan(noise).any(axis=1)]
        spread = noise.std(axis=0, ddof=1)
        spread = np.where(spread > 0, spread, np.finfo(float).tiny)
        critical = np.quantile(np.abs(noise / spread).max(axis=1), CONFIDENCE_LEVEL)
        better[model, others] = difference > critical * spread
        worse[model, others] = difference < -critical * spread
    return better, worse
