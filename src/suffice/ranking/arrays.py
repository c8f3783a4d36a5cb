"""A table of pairs as arrays, and the summary over targets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.errors import EstimationError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PairArrays:
    """Pairs of N sources with T targets, which are some or all of the sources.

    Attributes:
        models: names of the sources, shape (n_models,).
        targets: names of the targets, shape (n_targets,).
        block_nats: of each pair per target dimension, shape (n_models, n_targets, n_blocks).
        block_items: items of each block that stand for all, shape (n_blocks,), none of them 0.
        counted: which pairs enter the score, shape (n_models, n_targets).
        n_items: number of items that the estimates rest on.
    """

    models: list[str]
    targets: list[str]
    block_nats: Floats
    block_items: Floats
    counted: npt.NDArray[np.bool_]
    n_items: int

    def matrix(self, blocks: npt.NDArray[np.int64] | slice = slice(None)) -> Floats:
        """Nats per target dimension from some or all blocks; NaN where a pair does not count."""
        nats = self.block_nats[:, :, blocks].sum(axis=2) / self.block_items[blocks].sum()
        return np.where(self.counted, nats, np.nan)


def arrays_of(pairs: pd.DataFrame, self_pairs: bool) -> PairArrays:
    """The arrays of a table of pairs; the targets are those that the table has.

    Raises:
        EstimationError: fewer than two models, a pair is missing or not finite, or a model has no target.
    """
    models = sorted(set(pairs["source"]) | set(pairs["target"]))
    targets = sorted(set(pairs["target"]))
    if len(models) < 2:
        raise EstimationError(f"a ranking needs at least 2 models; there is {', '.join(models) or 'none'}")
    ordered = _ordered(pairs, models, targets)
    block_nats = np.stack(list(ordered["block_nats"])) / ordered["target_dim"].to_numpy()[:, None]
    if not np.isfinite(block_nats).all():
        source, target = ordered.index[int(np.argmin(np.isfinite(block_nats).all(axis=1)))]
        raise EstimationError(f"the pair {source} -> {target} is not finite; estimate it again")
    counted = np.array(models)[:, None] != np.array(targets)
    counted |= self_pairs
    if not counted.any(axis=1).all():
        raise EstimationError(
            f"{targets[0]} is the only target, and no target of itself, so that it has no score; "
            "choose at least 2 targets"
        )
    block_items = np.asarray(ordered["block_items"].iloc[0], dtype=float)
    has_items = block_items > 0
    shape = (len(models), len(targets), -1)
    return PairArrays(
        models,
        targets,
        block_nats[:, has_items].reshape(shape),
        block_items[has_items],
        counted,
        int(ordered["n_test"].min()),
    )


def _ordered(pairs: pd.DataFrame, models: Sequence[str], targets: Sequence[str]) -> pd.DataFrame:
    """Every source with every target, in order."""
    index = pd.MultiIndex.from_product([models, targets], names=["source", "target"])
    indexed = pairs.set_index(["source", "target"])
    if indexed.index.has_duplicates:
        source, target = indexed.index[indexed.index.duplicated()][0]
        raise EstimationError(f"the pair {source} -> {target} stands twice; keep one of the two")
    missing = index[~index.isin(indexed.index)]
    if len(missing):
        source, target = missing[0]
        raise EstimationError(
            f"{len(missing)} pairs are missing, the first is {source} -> {target}; estimate them"
        )
    return indexed.loc[index]


def aggregate(matrix: Floats, how: str) -> Floats:
    """Mean or median over targets (the last axis); NaN marks pairs that do not count."""
    count = (~np.isnan(matrix)).sum(axis=-1)
    none = np.where(count > 0, 0.0, np.nan)
    if how == "mean":
        return np.nansum(matrix, axis=-1) / np.maximum(count, 1) + none
    ordered = np.sort(matrix, axis=-1)  # NaN comes last
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    middle = [np.take_along_axis(ordered, index[..., None], axis=-1)[..., 0] for index in (low, high)]
    return np.where(count % 2 == 1, middle[0], (middle[0] + middle[1]) / 2) + none
