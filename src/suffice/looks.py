"""Looks at an item without extra cost: other items of its group."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.seeds import derive_seed

Integers = npt.NDArray[np.int64]


class GroupPairs(NamedTuple):
    """Pairs of items of one group. Each item is the first look once and the second look once.

    Attributes:
        first_rows: positions of the first looks, in increasing order, shape (n_pairs,).
        second_rows: positions of the second looks, shape (n_pairs,).
        group_of_pair: number of the pair's group, shape (n_pairs,); its pairs are not independent.
    """

    first_rows: Integers
    second_rows: Integers
    group_of_pair: Integers

    @property
    def n_groups(self) -> int:
        """Number of groups with at least two items."""
        return len(np.unique(self.group_of_pair))


def paired_within_groups(groups: npt.ArrayLike, seed: int = 0) -> GroupPairs:
    """Pair each item with the next of its group, in a random cyclic order.

    Every item of a group of two or more is used once on each side, and a large group has no more pairs than
    items. An item that is alone in its group has no partner and is left out.

    Args:
        groups: group of each item, shape (n_items,), numbers or texts.
        seed: seed of the order.

    Example:
        >>> paired_within_groups(["a", "b", "a"])
        GroupPairs(first_rows=array([0, 2]), second_rows=array([2, 0]), group_of_pair=array([0, 0]))
    """
    codes = pd.factorize(np.asarray(groups), use_na_sentinel=False)[0].astype(np.int64)
    shuffled = np.random.default_rng(derive_seed(seed, "group looks")).permutation(len(codes))
    order = shuffled[np.argsort(codes[shuffled], kind="stable")]
    ordered = codes[order]
    starts = np.searchsorted(ordered, ordered)
    is_last = np.r_[ordered[1:] != ordered[:-1], True] if len(order) else np.zeros(0, dtype=bool)
    following = np.where(is_last, starts, np.arange(len(order)) + 1)
    partner = np.empty_like(order)
    partner[order] = order[following]
    first = np.flatnonzero(partner != np.arange(len(codes)))
    return GroupPairs(first, partner[first], codes[first])
