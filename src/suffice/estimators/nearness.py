r"""Which items are near which: cosines of all items with some, in blocks, and what is kept of them.

Of each block of cosines two things are kept: the nearest items of each asked one, and the logarithms of

.. math:: Z_i(\beta) = \sum_{l \in C_i} e^{\beta s_{il}}

for inverse temperatures beta between 1/4 and 1024 in steps of the square root of 2. A softmax at any
temperature between is a cubic spline over log beta away, with an error of the mean below 0.001 nats.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from suffice.estimators.items import Integers, ItemPlan
from suffice.estimators.sharing import Pool
from suffice.estimators.standardise import Standardisation, chunks_of
from suffice.vectors import unit_rows

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
T = TypeVar("T")

BETAS = 2.0 ** np.arange(-2, 10.5, 0.5)
FINE_BETAS = np.r_[0.0, 2.0 ** np.arange(-2, 10 + 1 / 64, 1 / 32)]  # among which the temperature is fitted
SQUARINGS = 4  # of an exponential before it is computed anew, since each doubles its relative error
LEAST_EXPONENT = np.float32(-40)
LEAST_ROOT = np.float32(2e-19)  # its square is still a normal number; others are slow
TIE = 1e-6  # cosines that differ by less are equal, in single precision
MAX_TIES = 32  # of the nearest items of one item, so that thousands of copies take no memory
BLOCK_ENTRIES = 1 << 22  # cosines that are computed at once
WORK_ENTRIES = 1 << 17  # of these, what is worked on at once, so that it stays in the processor's cache


@dataclass(frozen=True)
class Candidates:
    """For each item the others that may be near it: all of other groups.

    Items of its own group (copies, paragraphs of one document) are near it in every model. As neighbours to
    be found they would say nothing; as wrong answers they would count against a model that is right.

    Attributes:
        plan: the division of the items.
        with_own: whether the item itself, in its other look, is one more candidate.
    """

    plan: ItemPlan
    with_own: bool = False

    @cached_property
    def _by_group(self) -> Integers:
        return np.argsort(self.plan.group, kind="stable")

    @cached_property
    def _sizes(self) -> Integers:
        return np.bincount(self.plan.group)

    @cached_property
    def _starts(self) -> Integers:
        return np.cumsum(self._sizes) - self._sizes

    def number(self, items: Integers) -> Integers:
        """How many candidates each of some items has."""
        return self.plan.n_items - self._sizes[self.plan.group[items]] + int(self.with_own)

    def hide_others(self, similarity: Floats32, items: Integers) -> None:
        """Set what is no candidate to minus infinity, in rows of some items, shape (len(items), n_items)."""
        group = self.plan.group[items]
        sizes = self._sizes[group]
        rows = np.repeat(np.arange(len(items)), sizes)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        columns = self._by_group[self._starts[group][rows] + within]
        hidden = columns != items[rows] if self.with_own else slice(None)
        similarity[rows[hidden], columns[hidden]] = -np.inf


@dataclass(frozen=True)
class LogSums:
    """Logarithms of Z_i(beta) for some items.

    Attributes:
        top: largest cosine of each item with a candidate, shape (n_asked,).
        about_top: log Z_i(beta) - beta top_i on the grid of beta, shape (n_asked, n_betas).
    """

    top: Floats32
    about_top: Floats32

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Those of several runs of items as one."""
        return cls(**_joined(parts))


@dataclass(frozen=True)
class Nearest:
    """The nearest items of each asked one, as the rows of a sparse matrix that sum to 1.

    Attributes:
        counts: number of them, shape (n_asked,).
        items: their positions, one asked item after the other.
        weights: how much each counts: 1/k, or its share of that where several are as near as the k-th.
    """

    counts: Integers
    items: Integers
    weights: Floats32

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Those of several runs of items as one."""
        return cls(**_joined(parts))

    @classmethod
    def nothing(cls) -> Self:
        """Those of no item."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))

    def mean_rows(self, rows: Floats32) -> Floats32:
        """The weighted mean of the rows of each one's nearest items, shape (n_asked, d)."""
        from scipy.sparse import csr_array  # slow to import, and few jobs need it

        bounds = np.r_[0, np.cumsum(self.counts)]
        matrix = csr_array((self.weights, self.items, bounds), shape=(len(self.counts), len(rows)))
        mean: Floats32 = matrix @ rows
        return mean


def _joined(parts: Sequence["LogSums"] | Sequence["Nearest"]) -> dict[str, npt.NDArray[Any]]:
    """The arrays of several runs of items, one after the other."""
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])}


def standard_unit_rows(embedding: npt.NDArray[np.floating], standardisation: Standardisation) -> Floats32:
    """Rows with standardised dimensions, then of unit length, shape (n_items, d)."""
    rows = np.empty((len(embedding), standardisation.dim), dtype=np.float32)
    for chunk in chunks_of(len(embedding)):
        rows[chunk] = unit_rows(standardisation.apply(np.asarray(embedding[chunk])))
    return rows


def over_blocks(
    function: Callable[[Floats32, Integers], T],
    rows: tuple[Floats32, Floats32],
    asked: Integers,
    candidates: Candidates,
    threads: Pool,
) -> list[T]:
    """Call a function with each block of cosines, and the positions of the items that its rows are of.

    Args:
        function: gets cosines of shape (n, n_items), minus infinity where an item is no candidate.
        rows: of unit length, of all items: as those that ask, and as candidates.
        asked: positions of the items that ask.
        candidates: of each item.
        threads: each works on a block of its own.
    """

    def block(part: slice) -> T:
        items = asked[part]
        similarity = rows[0][items] @ rows[1].T
        candidates.hide_others(similarity, items)
        return function(similarity, items)

    return threads.map(block, chunks_of(len(asked), max(1, BLOCK_ENTRIES // len(rows[1]))))


def log_sums(similarity: Floats32) -> LogSums:
    """Log Z on the grid of beta for each row, shape (n, n_items)."""
    n_rows, n_items = similarity.shape
    top = similarity.max(axis=1)
    sums = np.empty((n_rows, len(BETAS)), dtype=np.float32)
    step = max(1, WORK_ENTRIES // n_items)
    work = np.empty((2, min(step, n_rows), n_items), dtype=np.float32)
    ones = np.ones(n_items, dtype=np.float32)
    for part in chunks_of(n_rows, step):
        below, power = work[:, : part.stop - part.start]
        np.subtract(similarity[part], top[part, None], out=below)
        for first in (0, 1):
            _sum_powers(below, power, np.arange(first, len(BETAS), 2), ones, sums[part])
    return LogSums(top, np.log(sums))


def _sum_powers(below: Floats32, power: Floats32, which: Integers, ones: Floats32, sums: Floats32) -> None:
    """Sums of exp(beta x) for values of beta that double, by squaring."""
    for turn, index in enumerate(which):
        if turn % SQUARINGS == 0:
            np.multiply(below, np.float32(BETAS[index]), out=power)
            np.maximum(power, LEAST_EXPONENT, out=power)
            np.exp(power, out=power)
        else:
            np.maximum(power, LEAST_ROOT, out=power)
            np.square(power, out=power)
        sums[:, index] = power @ ones


def nearest(similarity: Floats32, k: int, generator: np.random.Generator) -> Nearest:
    """The k nearest candidates of each row.

    Those that are as near as the k-th, within 1e-6, share what is left after the nearer ones; of more than
    32 such a random 32 stand for all.

    Args:
        similarity: shape (n, n_items).
        k: how many.
        generator: chooses among many ties.
    """
    n_items = similarity.shape[1]
    last = similarity.max(axis=1) if k == 1 else np.partition(similarity, n_items - k, axis=1)[:, n_items - k]
    rows, items = np.nonzero(similarity >= (last - TIE)[:, None])
    is_tie = similarity[rows, items] <= (last + TIE)[rows]
    kept = _few_ties(rows, is_tie, len(similarity), generator)
    rows, items, is_tie = rows[kept], items[kept], is_tie[kept]
    counts = np.bincount(rows, minlength=len(similarity))
    n_ties = np.bincount(rows[is_tie], minlength=len(similarity))
    shares = (k - (counts - n_ties)) / n_ties
    weights = np.where(is_tie, shares[rows], 1.0) / k
    return Nearest(counts, items, weights.astype(np.float32))


def _few_ties(
    rows: Integers, is_tie: npt.NDArray[np.bool_], n_rows: int, generator: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Which entries to keep so that no row has more than 32 ties."""
    kept = np.ones(len(rows), dtype=bool)
    n_ties = np.bincount(rows[is_tie], minlength=n_rows)
    for row in np.flatnonzero(n_ties > MAX_TIES):
        start, stop = np.searchsorted(rows, [row, row + 1])
        ties = start + np.flatnonzero(is_tie[start:stop])
        kept[generator.permutation(ties)[MAX_TIES:]] = False
    return kept


@cache
def _spline_weights() -> Floats:
    """What values on the grid count for one at each fine beta but 0, shape (n_fine - 1, n_betas)."""
    from scipy.interpolate import CubicSpline  # slow to import, and few jobs need it

    weights: Floats = CubicSpline(np.log(BETAS), np.eye(len(BETAS)))(np.log(FINE_BETAS[1:]))
    return weights


@dataclass(frozen=True)
class Softmax:
    """A softmax over cosines as a distribution over each asked item's candidates.

    Attributes:
        sums: logarithms of what it sums to.
        found: cosine with the right answer, or the weighted mean over right answers, shape (n_asked,).
        log_number: logarithm of the number of candidates, shape (n_asked,).
    """

    sums: LogSums
    found: Floats
    log_number: Floats

    def nats_of_items(self, is_first_half: npt.NDArray[np.bool_]) -> Floats:
        """Nats of each asked item over chance, with beta fitted on the half that it is not in.

        Args:
            is_first_half: of each asked item, shape (n_asked,).
        """
        nats = np.empty(len(self.found))
        for scored in (is_first_half, ~is_first_half):
            nats[scored] = (self.log_number - self._loss(self._best(~scored)))[scored]
        return nats

    def _best(self, fitted: npt.NDArray[np.bool_]) -> int:
        """Position in `FINE_BETAS` of the beta at which some items lose least."""
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
