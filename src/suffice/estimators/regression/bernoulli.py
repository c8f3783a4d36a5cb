r"""Bits and counts as targets: what a linear prediction of a dimension of few values is worth in nats.

A normal density of a bit has no largest value: a bit that is predicted well would count as much as a
continuous dimension known to many digits, though it holds at most log 2 = 0.69 nats. So a dimension with
exactly two values is taken to be Bernoulli, given the source with a log-odds that is affine in the linear
prediction:

.. math:: I_S = \sum_j h(p_j) + \frac1n \sum_i \log q_j(v_{ij} \mid u_i), \qquad
          q_j(1 \mid u) = \sigma(a_j + b_j \hat v_j(u))

with h the entropy of a bit and p its frequency. (The published code of Darrin et al. 2024, arXiv
2406.07640, fits mixtures of Bernoulli distributions where every entry of the target is 0 or 1.) The two
coefficients are those of the largest likelihood (logistic regression; Cox, J. R. Stat. Soc. B 20, 1958, used
like this to calibrate scores by Platt 1999) with predictions of items whose unit was left out of the fit.
The likelihood is then taken at the mean of these predictions and those of the fit to all items, one of which
knows nothing of the item and the other too much. With leverage h, pure noise has no slope and so no gain; for
a signal of share S beside that noise the slope is S / (S + h), and the gain S/2 to second order: what
unlimited items would give. It is lower where a bit is nearly determined and h is large. One more coefficient
than the entropy has costs 1/(2n), which is taken off (Akaike 1974, IEEE TAC 19).

A dimension with up to sixteen values, such as a count or a rating, is as many bits as there are steps from
one value to the next: whether the value is above the step, of items that are above the step before
(sequential logits; Agresti, Categorical Data Analysis, 3rd ed., section 8.3.6). The entropies and
log-likelihoods of the steps add up to those of the values, so that no number is above their entropy. Rare
values share a step.

What deleting an item does to the largest likelihood is its own log-likelihood, half way between that of the
fit with it and that of the fit without it. So the spread of blocks is that of log-likelihoods at this mean
prediction, but with the coefficients of largest likelihood for predictions of the fit to all items, as the
noise of predictions does not make these smaller. What blocks have more than once is taken off as for other
dimensions (see `squares`); the part of the variance that is due to pairs of items is less by (1 - h)^2 here.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suffice.estimators.regression.ridge import PreparedRegression, Residuals
from suffice.estimators.regression.squares import Units, block_squares, excess_of_blocks, variance_of_pairs
from suffice.estimators.result import Floats

Floats32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

N_STEPS = 8  # of Newton's method
MAX_LOGIT = 30.0  # beyond it a bit is certain in single precision
MAX_STEP = 4.0  # change of a coefficient in one step
STEPS_AT_ONCE = 4096  # from value to value, of all items in memory
RIDGE = 1e-3  # items' worth of prior weight, so that a bit that is predicted without error has coefficients


@dataclass(frozen=True)
class BitNats:
    """What one source tells of some bits, over the sampled items.

    Attributes:
        nats: of all bits together.
        marginal_entropy_nats: their entropies' sum.
        spread: how far the sum over the items of each block is from its share, shape (n_blocks,).
        excess: what blocks vary too much by, as deviations of blocks, shape (n_blocks,).
    """

    nats: float
    marginal_entropy_nats: float
    spread: Floats
    excess: Floats


@dataclass(frozen=True)
class Steps:
    """The steps from one value to the next of some dimensions, as bits, over the sampled items.

    Attributes:
        dimension: of each step, shape (s,).
        bits: 1 where an item's value is above the step, shape (n, s).
        reached: 1 where it is above the step before, so that the bit is asked at all, shape (n, s).
    """

    dimension: npt.NDArray[np.int64]
    bits: Floats32
    reached: Floats32

    @classmethod
    def of(cls, rows: Floats32, cuts: Floats) -> "Steps":
        """The steps of standardised rows, shape (n, d), at cuts, shape (d, most), rising, NaN at the end."""
        dimension, place = np.nonzero(~np.isnan(cuts))
        above = (rows[:, dimension] > cuts[dimension, place]).astype(np.float32)
        reached = np.ones_like(above)
        reached[:, place > 0] = above[:, np.flatnonzero(place > 0) - 1]
        return cls(dimension, above, reached)


def nats_of_bits(residuals: Residuals, cuts: Floats) -> BitNats:
    """Information sufficiency of a source for bits and other dimensions of few values.

    Args:
        residuals: of the standardised dimensions regressed on the source, for the plan's sample of units.
        cuts: between the values of each of them, shape (d, most); NaN where there are no more.
    """
    units = list(residuals.of_units())
    kept, left_out = (np.concatenate(part) for part in zip(*units, strict=True))
    rows = residuals.target_rows
    n_items, n_dims = rows.shape
    influence, varies = np.zeros(n_items), np.zeros(n_dims, dtype=bool)
    nats, entropy = 0.0, 0.0
    size = max(1, STEPS_AT_ONCE // cuts.shape[1])
    for start in range(0, n_dims, size):
        some = slice(start, start + size)
        steps = Steps.of(rows[:, some], cuts[some])
        told = _told(steps, rows[:, some] - kept[:, some], rows[:, some] - left_out[:, some])
        nats, entropy = nats + told.nats, entropy + told.entropy
        influence += told.influence
        varies[some] = told.varies
    return BitNats(nats, entropy, *_spread(residuals.source, units, influence, varies))


@dataclass(frozen=True)
class _Told:
    """What a source tells of some steps: nats, entropy, nats of each item, and which dimensions vary."""

    nats: float
    entropy: float
    influence: Floats
    varies: Mask


def _told(steps: Steps, seen: Floats32, unseen: Floats32) -> _Told:
    """What predictions of dimensions tell of their steps.

    Args:
        steps: s steps of d dimensions.
        seen: predictions of the fit to all items, shape (n, d).
        unseen: those of fits without the item's unit, shape (n, d).
    """
    seen, unseen = seen[:, steps.dimension], unseen[:, steps.dimension]
    prediction = (unseen + seen) / 2
    frequency = (steps.bits.sum(axis=0, dtype=np.float64)) / steps.reached.sum(axis=0, dtype=np.float64)
    marginal = _log_likelihood(steps, _log_odds(frequency))
    start = _log_odds(frequency), np.zeros_like(frequency, dtype=np.float32)
    offset, slope = _calibrated(steps, unseen, start)
    gain = _log_likelihood(steps, offset + slope * prediction) - marginal
    offset, slope = _calibrated(steps, seen, (offset, slope))
    influence = _log_likelihood(steps, offset + slope * prediction) - marginal
    varying = (frequency > 0) & (frequency < 1)
    varies = np.zeros(steps.dimension.max() + 1, dtype=bool)
    varies[steps.dimension[varying]] = True
    return _Told(
        float(gain.sum(axis=1, dtype=np.float64).mean()) - int(varying.sum()) / (2 * len(gain)),
        float(-marginal.mean(axis=0, dtype=np.float64).sum()),
        influence.sum(axis=1, dtype=np.float64),
        varies,
    )


def _spread(
    source: PreparedRegression, units: Units, influence: Floats, varies: Mask
) -> tuple[Floats, Floats]:
    """Deviations of the blocks' sums, and those of what they vary too much by, shape (n_blocks,) each.

    Args:
        source: the source.
        units: residuals of the sampled units.
        influence: what each sampled item adds to the number, shape (n,).
        varies: which dimensions vary in the sample, shape (d,).
    """
    sample = source.plan.sample
    of_units = np.add.reduceat(influence, sample.bounds[:-1])
    sums = sample.sum_by_block(of_units)
    of_pairs = variance_of_pairs(units, block_squares(units, sample), source, varies)
    spread = sums - sample.block_items * sums.sum() / sample.block_items.sum()
    least = of_pairs.variance / (1 + of_pairs.odds) ** 2
    excess = excess_of_blocks(of_pairs.by_block, spread, sample.block_items, of_pairs.excess, least)
    return spread, excess


def _log_odds(frequency: Floats) -> Floats32:
    """Log-odds, finite also for a bit that does not vary in the sample."""
    tiny = np.exp(-MAX_LOGIT)
    inside = np.clip(frequency, tiny, 1 - 1e-12)
    return np.log(inside / (1 - inside)).astype(np.float32)


def _log_likelihood(steps: Steps, logit: npt.NDArray[np.floating]) -> Floats32:
    """Log-probability of each bit given its log-odds, shape (n, s); 0 where it is not asked."""
    signed = np.where(steps.bits > 0, -logit, logit)
    logit = np.clip(signed, -MAX_LOGIT, MAX_LOGIT).astype(np.float32)
    return -np.logaddexp(np.float32(0), logit) * steps.reached


def _calibrated(
    steps: Steps, prediction: Floats32, start: tuple[Floats32, Floats32]
) -> tuple[Floats32, Floats32]:
    """Offset and slope of each bit's log-odds, by Newton's method on all bits at once, shape (s,) each.

    Changes are bounded, and begin at `start`.
    """
    offset, slope = start
    for _ in range(N_STEPS):
        logit = np.clip(offset + slope * prediction, -MAX_LOGIT, MAX_LOGIT)
        probability = 1 / (1 + np.exp(-logit))
        error = (steps.bits - probability) * steps.reached
        weight = probability * (1 - probability) * steps.reached
        gradient = np.array([error.sum(axis=0), (error * prediction).sum(axis=0)])
        weighted = weight * prediction
        flat, mixed = weight.sum(axis=0) + RIDGE, weighted.sum(axis=0)
        steep = (weighted * prediction).sum(axis=0) + RIDGE
        determinant = np.maximum(flat * steep - mixed**2, 1e-12 * flat * steep)
        step = (
            np.array([steep * gradient[0] - mixed * gradient[1], flat * gradient[1] - mixed * gradient[0]])
            / determinant
        )
        step = np.clip(step, -MAX_STEP, MAX_STEP)
        offset, slope = offset + step[0], slope + step[1]
    return offset.astype(np.float32), slope.astype(np.float32)
