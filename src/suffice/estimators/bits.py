r"""Bits as targets: what a linear prediction of a two-valued dimension is worth in nats.

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

What deleting an item does to the largest likelihood is its own log-likelihood, half way between that of the
fit with it and that of the fit without it. So the spread of blocks is that of log-likelihoods at this mean
prediction, but with the coefficients of largest likelihood for predictions of the fit to all items, as the
noise of predictions does not make these smaller. What blocks have more than once is taken off as for other
dimensions (see `squares`); the part of the variance that is due to pairs of items is less by (1 - h)^2 here.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suffice.estimators.regression import PreparedRegression, Residuals
from suffice.estimators.result import Floats
from suffice.estimators.squares import Units, block_squares, excess_of_blocks, variance_of_pairs
from suffice.estimators.standardise import chunks_of

Floats32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

N_STEPS = 8  # of Newton's method
MAX_LOGIT = 30.0  # beyond it a bit is certain in single precision
MAX_STEP = 4.0  # change of a coefficient in one step
RIDGE = 1e-3  # items' worth of prior weight, so that a bit that is predicted without error has coefficients


def two_valued(embedding: npt.NDArray[np.floating]) -> Mask:
    """Which dimensions have exactly two values, shape (embed_dim,); streamed, and quick if there are none."""
    low = high = np.asarray(embedding[0])
    is_two = np.ones(embedding.shape[1], dtype=bool)
    for rows in chunks_of(len(embedding)):
        values = np.asarray(embedding[rows])[:, is_two]
        before = low[is_two], high[is_two]
        least, most = np.minimum(before[0], values.min(axis=0)), np.maximum(before[1], values.max(axis=0))
        fits = ((values == least) | (values == most)).all(axis=0)
        for old in before:
            fits &= (old == least) | (old == most)
        low, high = _filled(low, is_two, least), _filled(high, is_two, most)
        is_two[is_two] = fits
        if not is_two.any():
            return is_two
    return is_two & (low < high)


def _filled(whole: npt.NDArray[np.floating], where: Mask, values: npt.NDArray[np.floating]) -> Floats:
    filled = np.array(whole)
    filled[where] = values
    return filled


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


def nats_of_bits(residuals: Residuals) -> BitNats:
    """Information sufficiency of a source for bits, which are the residuals' target.

    Args:
        residuals: of the standardised bits regressed on the source, for the plan's sample of units.
    """
    units = list(residuals.of_units())
    kept, left_out = (np.concatenate(part) for part in zip(*units, strict=True))
    rows = residuals.target_rows
    bits = (rows > 0).astype(np.float32)  # of two standardised values one is above 0
    frequency = bits.mean(axis=0, dtype=np.float64)
    seen, unseen = rows - kept, rows - left_out
    prediction = (unseen + seen) / 2
    marginal = _log_likelihood(bits, _log_odds(frequency))
    start = _log_odds(frequency), np.zeros_like(rows[0])
    offset, slope = _calibrated(bits, unseen, start)
    gain = _log_likelihood(bits, offset + slope * prediction) - marginal
    offset, slope = _calibrated(bits, seen, (offset, slope))
    influence = _log_likelihood(bits, offset + slope * prediction) - marginal
    varies = (frequency > 0) & (frequency < 1)
    nats = float(gain.sum(axis=1, dtype=np.float64).mean()) - int(varies.sum()) / (2 * len(bits))
    entropy = float(-marginal.mean(axis=0, dtype=np.float64).sum())
    return BitNats(nats, entropy, *_spread(residuals.source, units, influence, varies))


def _spread(
    source: PreparedRegression, units: Units, influence: Floats32, varies: Mask
) -> tuple[Floats, Floats]:
    """Deviations of the blocks' sums, and those of what they vary too much by, shape (n_blocks,) each.

    Args:
        source: the source.
        units: residuals of the sampled units.
        influence: what each sampled item adds to each bit's number, shape (n, d).
        varies: which bits have both values in the sample, shape (d,).
    """
    sample = source.plan.sample
    of_units = np.add.reduceat(influence.sum(axis=1, dtype=np.float64), sample.bounds[:-1])
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


def _log_likelihood(bits: Floats32, logit: Floats32) -> Floats32:
    """Log-probability of each bit given its log-odds, shape (n, d)."""
    signed = np.where(bits > 0, -logit, logit)
    return -np.logaddexp(np.float32(0), np.clip(signed, -MAX_LOGIT, MAX_LOGIT))


def _calibrated(
    bits: Floats32, prediction: Floats32, start: tuple[Floats32, Floats32]
) -> tuple[Floats32, Floats32]:
    """Offset and slope of each bit's log-odds, by Newton's method on all bits at once, shape (d,) each.

    Steps are bounded, and begin at `start`.
    """
    offset, slope = start
    for _ in range(N_STEPS):
        logit = np.clip(offset + slope * prediction, -MAX_LOGIT, MAX_LOGIT)
        probability = 1 / (1 + np.exp(-logit))
        error = bits - probability
        weight = probability * (1 - probability)
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
