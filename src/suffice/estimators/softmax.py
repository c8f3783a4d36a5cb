r"""A softmax over cosines at any temperature, from its sums at some temperatures.

For each query i with candidates C_i, the logarithm of

.. math:: Z_i(\beta) = \sum_{l \in C_i} e^{\beta s_{il}}

is stored for inverse temperatures beta from 1/2 to 1024 in steps of the square root of 2. A cubic spline over
log beta interpolates between them, with a mean error below 0.001 nats.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from suffice.estimators.items import Integers
from suffice.estimators.standardise import chunks_of

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

BETAS = 2.0 ** np.arange(-1, 10.5, 0.5)
FINE_BETAS = np.r_[0.0, 2.0 ** np.arange(-1, 10 + 1 / 64, 1 / 32)]  # candidates for the temperature
SQUARINGS = 6  # before an exponential is computed again; each doubles its relative error
LEAST_EXPONENT = np.float32(-20)  # smaller terms add less than 0.0001 to the largest, which is 1
LEAST_ROOT = np.float32(2e-19)  # its square is still a normal number; others are slow
SAFE_SQUARINGS = 2  # of the smallest exponential, after which its root is below that
WORK_ENTRIES = 1 << 18  # cosines processed at once, so they stay in the processor's cache


@dataclass(frozen=True)
class LogSums:
    """The softmax sum of each query, and the share of each block's items in it.

    Attributes:
        top: largest cosine of each item with a candidate, shape (n_asked,).
        about_top: log Z_i(beta) - beta top_i on the grid of beta, shape (n_asked, n_betas).
        shares: probabilities summed over the asked items of each half and over a block's items, shape
            (2, n_betas, n_blocks).
    """

    top: Floats32
    about_top: Floats32
    shares: Floats

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several runs of items as one."""
        top = np.concatenate([part.top for part in parts])
        about_top = np.concatenate([part.about_top for part in parts])
        return cls(top, about_top, np.sum([part.shares for part in parts], axis=0))


def log_sums(similarity: Floats32, half: Integers, block: Integers) -> LogSums:
    """The sum of each row on the grid of beta.

    Args:
        similarity: cosines, minus infinity if an item is not a candidate, shape (n, n_items).
        half: of the item of each row, 0 or 1, shape (n,).
        block: of each candidate, shape (n_items,).
    """
    n_rows, n_items = similarity.shape
    top = similarity.max(axis=1)
    sums = np.empty((n_rows, len(BETAS)), dtype=np.float32)
    shares = np.zeros((2, len(BETAS), n_items), dtype=np.float32)
    work = np.empty((2, max(1, WORK_ENTRIES // n_items), n_items), dtype=np.float32)
    for number in (0, 1):
        of_half = np.flatnonzero(half == number)
        for part in chunks_of(len(of_half), work.shape[1]):
            rows = of_half[part]
            below, power = work[:, : len(rows)]
            np.subtract(similarity[rows], top[rows, None], out=below)
            sums[rows] = _add_powers(below, power, shares[number])
    by_block = [[np.bincount(block, each) for each in of_number] for of_number in shares]
    return LogSums(top, np.log(sums), np.array(by_block))


def _add_powers(below: Floats32, power: Floats32, shares: Floats32) -> Floats32:
    """Sums of exp(beta x) over each row, shape (n, n_betas); its shares are added up over columns.

    Args:
        below: x, cosines minus the largest of their row, shape (n, n_items).
        power: work array of the same shape.
        shares: array that the shares are added to, shape (n_betas, n_items).
    """
    sums = np.empty((len(below), len(BETAS)), dtype=np.float32)
    ones = np.ones(below.shape[1], dtype=np.float32)
    for first in (0, 1):
        for turn, index in enumerate(range(first, len(BETAS), 2)):
            _to_power(below, power, index, turn % SQUARINGS)
            sums[:, index] = power @ ones
            shares[index] += (1 / sums[:, index]) @ power
    return sums


def _to_power(below: Floats32, power: Floats32, index: int, n_squarings: int) -> None:
    """Compute exp(beta x) from its value at half of beta, or from scratch."""
    if n_squarings == 0:
        np.multiply(below, np.float32(BETAS[index]), out=power)
        np.maximum(power, LEAST_EXPONENT, out=power)
        np.exp(power, out=power)
        return
    if n_squarings > SAFE_SQUARINGS:
        np.maximum(power, LEAST_ROOT, out=power)
    np.square(power, out=power)


@cache
def _spline_weights() -> Floats:
    """Weights of the grid values for the value at each fine beta except 0, shape (n_fine - 1, n_betas)."""
    from scipy.interpolate import CubicSpline  # slow to import, and few jobs need it

    weights: Floats = CubicSpline(np.log(BETAS), np.eye(len(BETAS)))(np.log(FINE_BETAS[1:]))
    return weights


class Fit(NamedTuple):
    """A softmax with a fitted temperature.

    Attributes:
        item_nats: of each asked item over chance, shape (n_asked,).
        betas: beta that each item was scored with, shape (n_asked,).
        shares: share of each block's items in the probabilities of each half, shape (2, n_blocks); 0 if beta
            is 0.
    """

    item_nats: Floats
    betas: Floats
    shares: Floats


@dataclass(frozen=True)
class Softmax:
    """A softmax over cosines as a distribution over each asked item's candidates.

    Attributes:
        sums: its sums.
        found: cosine with the right answer, or the weighted mean over right answers, shape (n_asked,).
        log_number: logarithm of the number of candidates, shape (n_asked,).
    """

    sums: LogSums
    found: Floats
    log_number: Floats

    def fit(self, half: Integers) -> Fit:
        """Score each query with the beta that was fitted on the other half.

        Args:
            half: of each asked item, 0 or 1, shape (n_asked,).
        """
        nats, betas = np.empty((2, len(self.found)))
        shares = np.zeros((2, self.sums.shares.shape[2]))
        for number in (0, 1):
            scored = half == number
            position = self._best(~scored)
            nats[scored] = (self.log_number - self._loss(position))[scored]
            betas[scored] = FINE_BETAS[position]
            if position > 0:
                shares[number] = _spline_weights()[position - 1] @ self.sums.shares[number]
        return Fit(nats, betas, shares)

    def _best(self, fitted: npt.NDArray[np.bool_]) -> int:
        """Position in `FINE_BETAS` of the beta with the smallest loss for some items."""
        about_top = self.sums.about_top[fitted].mean(axis=0, dtype=np.float64)
        below_top = (self.sums.top[fitted] - self.found[fitted]).mean()
        losses = _spline_weights() @ about_top + FINE_BETAS[1:] * below_top
        return int(np.argmin(np.r_[self.log_number[fitted].mean(), losses]))

    def _loss(self, position: int) -> Floats:
        """Minus the log-probability of the right answer of each item, shape (n_asked,)."""
        if position == 0:
            return self.log_number
        about_top = self.sums.about_top @ _spline_weights()[position - 1]
        return about_top + FINE_BETAS[position] * (self.sums.top - self.found)
