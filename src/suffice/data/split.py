"""The split of a data set into items for training and for testing, by whole groups."""

from collections import Counter

import numpy as np
import pandas as pd

from suffice.data.columns import GROUP, SPLIT, TEST, TOGETHER, TRAIN
from suffice.errors import DataError
from suffice.seeds import derive_seed

MODULE, PACKAGE = "module", "package"
NAMES_OF_SPLITS = {
    TRAIN: TRAIN,
    "validation": TRAIN,
    "valid": TRAIN,
    "val": TRAIN,
    "dev": TRAIN,
    TEST: TEST,
}


def split_of(items: pd.DataFrame, test_share: float, seed: int, by_module: bool = False) -> np.ndarray:
    """The side of each item, "train" or "test": that of its own column, or by whole groups in seeded order.

    Args:
        items: the columns that `columns_for_split` names.
        test_share: wanted share of the test side.
        seed: base seed.
        by_module: whether each module that is a label is split on its own, and the rest of each package.
    """
    if SPLIT in items:
        return items[SPLIT].to_numpy(dtype=object)
    strata = items[MODULE].fillna(items[PACKAGE]) if by_module else None
    together = items[TOGETHER if TOGETHER in items else GROUP]
    wholes = items.assign(**{GROUP: together})
    in_test = groups_of_test_split(wholes, test_share, derive_seed(seed, "split"), strata)
    return np.where(together.isin(in_test), TEST, TRAIN).astype(object)


def columns_for_split(columns: list[str], by_module: bool) -> list[str]:
    """The columns of a corpus that its split depends on."""
    wanted = [SPLIT] if SPLIT in columns else [GROUP, TOGETHER, *([MODULE, PACKAGE] if by_module else [])]
    return [name for name in wanted if name in columns]


def known_splits(splits: pd.Series, dataset: str) -> pd.Series:
    """The table's own split as "train" and "test"; validation items count as train."""
    unknown = sorted(set(splits) - set(NAMES_OF_SPLITS))
    if unknown:
        raise DataError(
            f"data set {dataset}: the split {unknown[0]!r} is unknown; known are {', '.join(NAMES_OF_SPLITS)}"
        )
    return splits.map(NAMES_OF_SPLITS)


def groups_of_test_split(
    items: pd.DataFrame, test_share: float, seed: int, strata: pd.Series | None
) -> set[str]:
    """Groups of the test split; if there are strata, each is split on its own."""
    if strata is None:
        return groups_for_test(items, test_share, seed)
    parts = [items[strata == stratum] for stratum in sorted(strata.unique())]
    return set().union(*(groups_for_test(part, test_share, seed) for part in parts))


def groups_for_test(items: pd.DataFrame, test_share: float, seed: int) -> set[str]:
    """Groups of the test split: in seeded order, each group that brings the share nearer to `test_share`."""
    wanted, taken = test_share * len(items), set()
    for group, size in groups_in_seeded_order(items, seed):
        if size <= 2 * wanted:
            taken.add(group)
            wanted -= size
        if wanted <= 0:
            break
    return taken


def groups_in_seeded_order(items: pd.DataFrame, seed: int) -> list[tuple[str, int]]:
    """Name and size of each group, in the order of seeds derived from their names."""
    sizes = Counter(items[GROUP])
    return sorted(sizes.items(), key=lambda entry: (derive_seed(seed, entry[0]), entry[0]))
