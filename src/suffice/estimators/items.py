"""How items are divided: blocks for resampling, folds for cross-fitting.

Items of one group always share a block, and a block always lies in one fold, so neither a fold nor a
resample ever separates a document's paragraphs or a molecule's salts.
"""

import hashlib
import heapq
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from suffice.errors import EstimationError

MIN_ITEMS = 50
N_BLOCKS = 200
N_FOLDS = 5
MAX_FOLD_SHARE = 0.4


@dataclass(frozen=True)
class ItemPlan:
    """The division of a data set's items that all pairs of an estimate share.

    Attributes:
        block: block of each item, shape (n_items,), values in [0, n_blocks).
        n_folds: number of cross-fitting folds; the fold of a block is its number modulo `n_folds`.
    """

    block: npt.NDArray[np.int64]
    n_folds: int = N_FOLDS

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.block)

    @cached_property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return int(self.block.max()) + 1

    @cached_property
    def fold(self) -> npt.NDArray[np.int64]:
        """Fold of each item, shape (n_items,)."""
        return self.block % self.n_folds

    @cached_property
    def block_items(self) -> npt.NDArray[np.int64]:
        """Number of items in each block, shape (n_blocks,)."""
        return np.bincount(self.block, minlength=self.n_blocks)

    @cached_property
    def sha256(self) -> str:
        """Hash of the division, part of the key of every result that was made with it."""
        return hashlib.sha256(self.block.tobytes() + bytes([self.n_folds])).hexdigest()

    def fold_sizes(self) -> npt.NDArray[np.int64]:
        """Number of items in each fold, shape (n_folds,)."""
        return np.bincount(self.fold, minlength=self.n_folds)


def uneven_folds_warning(plan: ItemPlan) -> tuple[str, ...]:
    """A warning if one fold holds so much that the density scored on it was fitted on few other items."""
    largest = plan.fold_sizes().max() / plan.n_items
    if largest <= MAX_FOLD_SHARE:
        return ()
    return (f"one group is so large that a fold holds {largest:.0%} of the items",)


def divide_items(n_items: int, groups: npt.ArrayLike | None = None, seed: int = 0) -> ItemPlan:
    """Divide items into at most 200 blocks of nearly equal size, and these into 5 folds.

    Args:
        n_items: number of items.
        groups: group of each item, shape (n_items,), any hashable values; None: every item its own.
        seed: seed of the random order in which groups are dealt to blocks.

    Raises:
        EstimationError: fewer than 50 items, or fewer than 10 groups, or `groups` of another length.
    """
    if n_items < MIN_ITEMS:
        raise EstimationError(
            f"{n_items} items are too few: an estimate needs at least {MIN_ITEMS}; embed more items"
        )
    generator = np.random.default_rng(seed)
    if groups is None:
        return ItemPlan(generator.permutation(n_items) % min(N_BLOCKS, n_items))
    codes, sizes = _group_codes(groups, n_items)
    blocks_of_groups = _deal_groups(sizes, generator)
    return ItemPlan(blocks_of_groups[codes])


def _group_codes(groups: npt.ArrayLike, n_items: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    values = np.asarray(groups)
    if len(values) != n_items:
        raise EstimationError(
            f"groups has {len(values)} entries but there are {n_items} items; give one each"
        )
    _, codes, sizes = np.unique(values.astype(str), return_inverse=True, return_counts=True)
    if len(sizes) < 2 * N_FOLDS:
        raise EstimationError(
            f"{len(sizes)} groups are too few for {N_FOLDS} folds; at least {2 * N_FOLDS} are needed: "
            "use a finer group column or none"
        )
    return codes, sizes


def _deal_groups(sizes: npt.NDArray[np.int64], generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """Deal groups, largest first and otherwise in random order, to the block that has fewest items."""
    n_blocks = min(N_BLOCKS, len(sizes))
    order = generator.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    loads = [(0, block) for block in range(n_blocks)]
    block_of_group = np.empty(len(sizes), dtype=np.int64)
    for group in order:
        load, block = heapq.heappop(loads)
        block_of_group[group] = block
        heapq.heappush(loads, (load + int(sizes[group]), block))
    return block_of_group
