"""How items are divided: units that are left out together, blocks for resampling, folds for cross-fitting.

Items of one group always share a unit. A unit is always in one block, and a block in one fold. Nothing
therefore separates the paragraphs of a document or the salts of a molecule. Units hold items that are near
each other in the data set, so a file can be read from front to back. Blocks hold units from anywhere, so
the spread between blocks is the spread between items even if the file is sorted.
"""

import hashlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.errors import EstimationError

MIN_ITEMS = 50
N_BLOCKS = 200
N_FOLDS = 5
MAX_UNIT_SHARE = 0.2
UNIT_ITEMS = 64  # a unit holds no more, unless one group is larger
SCORED_ITEMS = 5000  # enough for statistics that vary little between items, and for their spread
SCORED_UNITS = 100
WINDOW_ITEMS = 4096  # items that are read at once; the items of a unit are at most this far apart

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ItemPlan:
    """The division of the items of a data set, which all pairs of an estimate share.

    Attributes:
        unit: unit of each item, shape (n_items,), values in [0, n_units).
        block_of_unit: block of each unit, shape (n_units,), values in [0, n_blocks).
        group: group of each item, shape (n_items,), values in [0, n_groups).
        n_folds: number of cross-fitting folds; the fold of a block is its number modulo `n_folds`.
    """

    unit: Integers
    block_of_unit: Integers
    group: Integers
    n_folds: int = N_FOLDS

    @cached_property
    def n_groups(self) -> int:
        """Number of groups of items that belong together; `n_items` if every item is its own group."""
        return int(self.group.max()) + 1

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.unit)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.block_of_unit)

    @cached_property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return int(self.block_of_unit.max()) + 1

    @cached_property
    def block(self) -> Integers:
        """Block of each item, shape (n_items,)."""
        return self.block_of_unit[self.unit]

    @cached_property
    def fold(self) -> Integers:
        """Fold of each item, shape (n_items,)."""
        return self.block % self.n_folds

    @cached_property
    def block_items(self) -> Integers:
        """Number of items in each block, shape (n_blocks,)."""
        return np.bincount(self.block, minlength=self.n_blocks)

    @cached_property
    def order(self) -> Integers:
        """Positions of the items, one unit after the other, shape (n_items,)."""
        return np.argsort(self.unit, kind="stable")

    @cached_property
    def unit_bounds(self) -> Integers:
        """Where each unit begins in `order`, and where the last one ends, shape (n_units + 1,)."""
        return np.r_[0, np.cumsum(np.bincount(self.unit, minlength=self.n_units))]

    @property
    def largest_unit(self) -> int:
        """Number of items in the largest unit."""
        return int(np.diff(self.unit_bounds).max())

    @cached_property
    def sha256(self) -> str:
        """Hash of the division; it is part of the key of every result computed with it."""
        group = self.group.tobytes() if self.n_groups < self.n_items else b""
        parts = (self.unit.tobytes(), self.block_of_unit.tobytes(), group)
        return hashlib.sha256(b"".join(parts) + f"{self.n_groups} {self.n_folds}".encode()).hexdigest()

    def windows(self) -> Iterator[range]:
        """Runs of whole units of at most 4096 items, or one larger unit."""
        yield from runs_within(self.unit_bounds, WINDOW_ITEMS)

    def items_of(self, units: range) -> Integers:
        """Positions of the items of a run of units, unit by unit."""
        return self.order[self.unit_bounds[units.start] : self.unit_bounds[units.stop]]

    @cached_property
    def sample(self) -> "UnitSample":
        """Units with at least 5000 items in total, or all units; see `sample_of`."""
        return self.sample_of(SCORED_ITEMS)

    def sample_of(self, n_items: int) -> "UnitSample":
        """Random units from as many blocks as possible, with at least this many items in total, or all."""
        by_block = np.argsort(self.block_of_unit, kind="stable")
        first = np.searchsorted(self.block_of_unit[by_block], self.block_of_unit[by_block])
        turn = np.empty(self.n_units, dtype=np.int64)
        turn[by_block] = np.arange(self.n_units) - first
        in_turn = np.lexsort((self.block_of_unit, turn))
        items = np.cumsum(np.diff(self.unit_bounds)[in_turn])
        n_sampled = max(SCORED_UNITS, int(np.searchsorted(items, n_items)) + 1)
        units = np.sort(in_turn[:n_sampled])
        parts = [self.order[self.unit_bounds[unit] : self.unit_bounds[unit + 1]] for unit in units]
        return UnitSample(self.block_of_unit[units], parts, self.n_items, self.n_blocks)


@dataclass(frozen=True)
class UnitSample:
    """Some of the units of a plan, for statistics that do not need all items.

    Attributes:
        block: block of each sampled unit, shape (n_sampled,).
        parts: positions of each sampled unit's items.
        n_all_items: number of items of the plan.
        n_blocks: number of blocks of the plan.
    """

    block: Integers
    parts: list[Integers]
    n_all_items: int
    n_blocks: int

    @cached_property
    def items(self) -> Integers:
        """Positions of all sampled items, unit by unit."""
        return np.concatenate(self.parts)

    @cached_property
    def bounds(self) -> Integers:
        """Where each sampled unit begins in `items`, and where the last one ends."""
        return np.r_[0, np.cumsum([len(part) for part in self.parts])]

    @property
    def share(self) -> float:
        """Share of all items that is sampled."""
        return len(self.items) / self.n_all_items

    @cached_property
    def block_items(self) -> npt.NDArray[np.float64]:
        """Number of sampled items of each block, shape (n_blocks,)."""
        return self.sum_by_block(np.diff(self.bounds).astype(float))

    def sum_by_block(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sums over each block of values of the sampled units, shape (n_sampled, ...) -> (n_blocks, ...)."""
        order, blocks, starts = self._by_block
        sums = np.zeros((self.n_blocks, *values.shape[1:]))
        sums[blocks] = np.add.reduceat(values[order], starts, axis=0)
        return sums

    @cached_property
    def _by_block(self) -> tuple[Integers, Integers, Integers]:
        """Order of the units by block, the blocks that have any, and where each begins in that order."""
        order = np.argsort(self.block, kind="stable")
        return order, *np.unique(self.block[order], return_index=True)


def runs_within(bounds: Integers, max_items: int) -> Iterator[range]:
    """Runs of consecutive units of at most `max_items` items, or one larger unit.

    Args:
        bounds: where each unit begins, and where the last one ends.
        max_items: largest number of items in a run.
    """
    first, end = 0, len(bounds) - 1
    while first < end:
        fitting = int(np.searchsorted(bounds, bounds[first] + max_items, side="right")) - 1
        last = max(first + 1, fitting)
        yield range(first, last)
        first = last


def large_group_warning(plan: ItemPlan) -> tuple[str, ...]:
    """A warning if one group is so large that the spread between units does not represent it."""
    largest = plan.largest_unit / plan.n_items
    if largest <= MAX_UNIT_SHARE:
        return ()
    return (f"one group holds {largest:.0%} of the items, so standard errors are too small",)


def divide_items(n_items: int, groups: npt.ArrayLike | None = None, seed: int = 0) -> ItemPlan:
    """Divide items into units of at most 64, these into at most 200 blocks, and these into 5 folds.

    Args:
        n_items: number of items.
        groups: group of each item, shape (n_items,), numbers or texts; None: every item is its own group.
        seed: seed of the random order in which groups are dealt to units and units to blocks.

    Raises:
        EstimationError: fewer than 50 items, fewer than 10 groups, `groups` of another length or with missing
            entries, or an invalid seed.
    """
    if n_items < MIN_ITEMS:
        raise EstimationError(
            f"{n_items} items are too few: an estimate needs at least {MIN_ITEMS}; embed more items"
        )
    check_seed(seed)
    codes, sizes = group_codes(groups, n_items)
    generator = np.random.default_rng(seed)
    unit = _units_of_groups(sizes, generator)[codes]
    unit_sizes = np.bincount(unit)
    return ItemPlan(unit, _deal(unit_sizes, min(N_BLOCKS, len(unit_sizes)), generator), codes)


def check_seed(seed: int) -> None:
    """Raise EstimationError unless every random generator accepts `seed`."""
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
        raise EstimationError(f"seed {seed!r} is not a whole number from 0 to 2**63 - 1; use one, such as 0")


def group_codes(groups: npt.ArrayLike | None, n_items: int) -> tuple[Integers, Integers]:
    """Group of each item, numbered in the order of their first items, and the size of each group."""
    if groups is None:
        return np.arange(n_items), np.ones(n_items, dtype=np.int64)
    values = pd.Series(groups, dtype=object) if isinstance(groups, list) else pd.Series(np.asarray(groups))
    if len(values) != n_items:
        raise EstimationError(
            f"groups has {len(values)} entries but there are {n_items} items; give one entry per item"
        )
    if values.isna().any():
        row = int(values.isna().to_numpy().argmax())
        raise EstimationError(f"groups: the entry of item {row} is missing; give each item a group")
    codes = pd.factorize(values)[0].astype(np.int64)
    sizes = np.bincount(codes)
    if len(sizes) < 2 * N_FOLDS:
        raise EstimationError(
            f"{len(sizes)} groups are too few for {N_FOLDS} folds; at least {2 * N_FOLDS} are needed: "
            "use smaller groups, or no groups"
        )
    return codes, sizes


def _units_of_groups(sizes: Integers, generator: np.random.Generator) -> Integers:
    """Unit of each group. Neighbouring groups form windows, and each window has its own units."""
    n_items = int(sizes.sum())
    n_units = N_BLOCKS * max(1, -(-n_items // (UNIT_ITEMS * N_BLOCKS)))
    n_windows = -(-n_items // WINDOW_ITEMS)
    window = (np.cumsum(sizes) - sizes) * n_windows // n_items
    unit = np.empty(len(sizes), dtype=np.int64)
    n_dealt = 0
    for number in np.unique(window):
        members = np.flatnonzero(window == number)
        share = round(n_units * int(sizes[members].sum()) / n_items)
        n_here = min(len(members), max(1, share))
        unit[members] = n_dealt + _deal(sizes[members], n_here, generator)
        n_dealt += n_here
    return unit


def _deal(sizes: Integers, n_hands: int, generator: np.random.Generator) -> Integers:
    """Assign things, largest first and otherwise in random order, to the bin that holds least so far."""
    order = generator.permutation(len(sizes))
    hand_of = np.empty(len(sizes), dtype=np.int64)
    if (sizes == sizes[0]).all():
        hand_of[order] = np.arange(len(sizes)) % n_hands
        return hand_of
    order = order[np.argsort(-sizes[order], kind="stable")]
    loads = [(0, hand) for hand in range(n_hands)]
    for thing in order:
        load, hand = heapq.heappop(loads)
        hand_of[thing] = hand
        heapq.heappush(loads, (load + int(sizes[thing]), hand))
    return hand_of
