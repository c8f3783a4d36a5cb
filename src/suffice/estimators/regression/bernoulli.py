r"""Bits and counts as targets: the value in nats of a linear prediction of a dimension with few values.

The normal density of a bit has no upper limit. A well-predicted bit would count as much as a continuous
dimension known to many digits, although it holds at most log 2 = 0.69 nats. A dimension with exactly two
values is therefore Bernoulli. Given the source, its log-odds is affine in the linear prediction:

.. math:: I_S = \sum_j h(p_j) + \frac1n \sum_i \log q_j(v_{ij} \mid u_i), \qquad
          q_j(1 \mid u) = \sigma(a_j + b_j \hat v_j(u))

where h is the entropy of a bit and p its frequency. (The published code of Darrin et al. 2024, arXiv
2406.07640, fits mixtures of Bernoulli distributions if every entry of the target is 0 or 1.) The two
coefficients maximise the likelihood (logistic regression; Cox, J. R. Stat. Soc. B 20, 1958; Platt 1999 uses
it in the same way to calibrate scores) with predictions of items whose unit was left out of the fit. The
likelihood is then evaluated at the mean of these predictions and those of the fit to all items. The first
know nothing about the item, and the second too much. With leverage h, pure noise has no slope and therefore
no gain. For a signal of share S beside that noise, the slope is S / (S + h), and the gain is S/2 to second
order, the value with unlimited items. The gain is lower if a bit is nearly determined and h is large. There
is one more coefficient than in the entropy. It costs 1/(2n), which is subtracted (Akaike 1974, IEEE TAC 19).

A dimension with up to sixteen values, such as a count or a rating, becomes one bit for each step from one
value to the next. Among the items above the previous step, the bit says whether the value is above this one
(sequential logits; Agresti, Categorical Data Analysis, 3rd ed., section 8.3.6). The entropies and
log-likelihoods of the steps add up to those of the values, so no estimate exceeds their entropy. Rare values
share a step.

Deleting an item changes the largest likelihood by the item's own log-likelihood, halfway between the fit with
it and the fit without it. The spread of blocks is therefore that of log-likelihoods at this mean prediction.
Its coefficients maximise the likelihood for predictions of the fit to all items, because the noise of
predictions does not make these smaller. The part that blocks count more than once is subtracted as for other
dimensions (see `squares`). The part of the variance from pairs of items is smaller by (1 - h)^2 here.
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
MAX_LOGIT = 30.0  # beyond this, a bit is certain in single precision
MAX_STEP = 4.0  # change of a coefficient in one step
STEPS_AT_ONCE = 4096  # steps between values that are in memory at once, for all items
RIDGE = 1e-3  # prior weight in items, so a bit that is predicted without error has finite coefficients


@dataclass(frozen=True)
class BernoulliNats:
    """Information of one source about some bits, over the sampled items.

    Attributes:
        nats: total of all bits.
        marginal_entropy_nats: sum of their entropies.
        spread: distance of each block's sum from its share, shape (n_blocks,).
        excess: excess variation of the blocks, as deviations of blocks, shape (n_blocks,).
    """

    nats: float
    marginal_entropy_nats: float
    spread: Floats
    excess: Floats


@dataclass(frozen=True)
class Steps:
    """The steps from one value to the next of some dimensions, as bits, over the sampled items.

    Attributes:
        dimension: dimension of each step, shape (s,).
        bits: 1 if an item's value is above the step, shape (n, s).
        reached: 1 if it is above the previous step, so the bit is defined, shape (n, s).
    """

    dimension: npt.NDArray[np.int64]
    bits: Floats32
    reached: Floats32

    @classmethod
    def of(cls, rows: Floats32, cuts: Floats) -> "Steps":
        """The steps of standardised rows (n, d) at increasing cuts (d, most), with NaN after the last."""
        dimension, place = np.nonzero(~np.isnan(cuts))
        above = (rows[:, dimension] > cuts[dimension, place]).astype(np.float32)
        reached = np.ones_like(above)
        reached[:, place > 0] = above[:, np.flatnonzero(place > 0) - 1]
        return cls(dimension, above, reached)


def bernoulli_nats(residuals: Residuals, cuts: Floats) -> BernoulliNats:
    """Information sufficiency of a source for bits and other dimensions with few values.

    Args:
        residuals: of the standardised dimensions regressed on the source, for the plan's sample of units.
        cuts: between the values of each dimension, shape (d, most); NaN after the last.
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
    return BernoulliNats(nats, entropy, *_spread(residuals.source, units, influence, varies))


@dataclass(frozen=True)
class _Told:
    """A source's information about some steps: nats, entropy, nats per item, and which dimensions vary."""

    nats: float
    entropy: float
    influence: Floats
    varies: Mask


def _told(steps: Steps, seen: Floats32, unseen: Floats32) -> _Told:
    """The information in predictions of dimensions about their steps.

    Args:
        steps: s steps of d dimensions.
        seen: predictions of the fit to all items, shape (n, d).
        unseen: predictions of fits without the item's unit, shape (n, d).
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
    """Deviations of the sums of blocks, and of their excess variation, shape (n_blocks,) each.

    Args:
        source: the source.
        units: residuals of the sampled units.
        influence: contribution of each sampled item to the estimate, shape (n,).
        varies: which dimensions vary in the sample, shape (d,).
    """
    sample = source.plan.sample
    of_units = np.add.reduceat(influence, sample.bounds[:-1])
    sums = sample.sum_by_block(of_units)
    of_pairs = variance_of_pairs(block_squares(units, sample), source, varies)
    spread = sums - sample.block_items * sums.sum() / sample.block_items.sum()
    least = of_pairs.variance / (1 + of_pairs.odds) ** 2
    excess = excess_of_blocks(of_pairs.by_block, spread, sample.block_items, of_pairs.excess, least)
    return spread, excess


def _log_odds(frequency: Floats) -> Floats32:
    """Log-odds; finite even for a bit that does not vary in the sample."""
    tiny = np.exp(-MAX_LOGIT)
    inside = np.clip(frequency, tiny, 1 - 1e-12)
    return np.log(inside / (1 - inside)).astype(np.float32)


def _log_likelihood(steps: Steps, logit: npt.NDArray[np.floating]) -> Floats32:
    """Log-probability of each bit given its log-odds, shape (n, s); 0 if the bit is not defined."""
    signed = np.where(steps.bits > 0, -logit, logit)
    logit = np.clip(signed, -MAX_LOGIT, MAX_LOGIT).astype(np.float32)
    return -np.logaddexp(np.float32(0), logit) * steps.reached


def _calibrated(
    steps: Steps, prediction: Floats32, start: tuple[Floats32, Floats32]
) -> tuple[Floats32, Floats32]:
    """Offset and slope of each bit's log-odds, by Newton's method on all bits at once, shape (s,) each.

    Changes are bounded, and start at `start`.
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
