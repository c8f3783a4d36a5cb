"""Which items are near each other: cosines of some items with all, in blocks, and the nearest of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt

from suffice.estimators.items import Integers, ItemPlan
from suffice.estimators.regression.tiling import Pool
from suffice.estimators.standardise import Standardisation, chunks_of
from suffice.vectors import unit_rows

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
T = TypeVar("T")

TIE = 1e-6  # cosines that differ by less are equal, in single precision
MAX_TIES = 32  # among the nearest items of one item, so thousands of copies take no memory
BLOCK_ENTRIES = 1 << 22  # cosines that are computed at once


@dataclass(frozen=True)
class Candidates:
    """For each item the candidates that may be near it: all items of other groups.

    Items of its own group (copies, paragraphs of one document) are near it in every model. As right answers
    they would carry no information. As wrong answers they would count against a model that is right.

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
        """Number of candidates for each of some items."""
        return self.plan.n_items - self._sizes[self.plan.group[items]] + int(self.with_own)

    def hide_others(self, similarity: Floats32, items: Integers) -> None:
        """Set entries that are not candidates to minus infinity, in rows of shape (len(items), n_items)."""
        group = self.plan.group[items]
        sizes = self._sizes[group]
        rows = np.repeat(np.arange(len(items)), sizes)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        columns = self._by_group[self._starts[group][rows] + within]
        hidden = columns != items[rows] if self.with_own else slice(None)
        similarity[rows[hidden], columns[hidden]] = -np.inf


@dataclass(frozen=True)
class Nearest:
    """The nearest items of each asked one, as the rows of a sparse matrix that sum to 1.

    Attributes:
        counts: number of them, shape (n_asked,).
        items: their positions, one asked item after the other.
        weights: weight of each: 1/k, or its share of that if several are as near as the k-th.
        following: position of the nearest item that is not among them, shape (n_asked,).
    """

    counts: Integers
    items: Integers
    weights: Floats32
    following: Integers

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several runs of items as one."""
        names = vars(parts[0])
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    @classmethod
    def themselves(cls, asked: Integers) -> Self:
        """Each item has one nearest item, itself in its other look, and no next nearest."""
        return cls(np.ones_like(asked), asked, np.ones(len(asked), dtype=np.float32), asked)


def standard_unit_rows(embedding: npt.NDArray[np.floating], standardisation: Standardisation) -> Floats32:
    """Rows with standardised dimensions, scaled to unit length, shape (n_items, d)."""
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
    """Call a function with each block of cosines and the positions of the items of its rows.

    Args:
        function: receives cosines of shape (n, n_items), minus infinity if an item is not a candidate.
        rows: rows of unit length of all items, as queries and as candidates.
        asked: positions of the queries.
        candidates: the candidates for each item.
        threads: each thread works on its own block.
    """

    def block(part: slice) -> T:
        items = asked[part]
        similarity = rows[0][items] @ rows[1].T
        candidates.hide_others(similarity, items)
        return function(similarity, items)

    return threads.map(block, chunks_of(len(asked), max(1, BLOCK_ENTRIES // len(rows[1]))))


def nearest(similarity: Floats32, k: int, generator: np.random.Generator) -> Nearest:
    """The k nearest candidates of each row.

    Candidates as near as the k-th, within 1e-6, share the weight left after the nearer ones. If there are
    more than 32 of them, a random 32 represent all.

    Args:
        similarity: shape (n, n_items).
        k: number of nearest candidates.
        generator: chooses among many ties.

    Returns:
        The nearest; `similarity` is overwritten.
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
    similarity[rows, items] = -np.inf
    return Nearest(counts, items, weights.astype(np.float32), similarity.argmax(axis=1))


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
