"""A table of pairs as arrays: one row per source, one column per target of each estimator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.errors import EstimationError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
SAME_LOOK = "same"
ESTIMATOR, LOOKS, EXCESS = "estimator", "looks", "block_excess_nats"


@dataclass(frozen=True)
class PairArrays:
    """Pairs of N sources with the targets of one estimator or several.

    Attributes:
        models: names of the sources, shape (n_models,).
        targets: target of each column, shape (n_columns,).
        estimators: estimator of each column, in the order of the table, shape (n_columns,).
        block_nats: of each pair per target dimension, shape (n_models, n_columns, n_blocks).
        block_excess_nats: deviations of blocks whose variance is subtracted, of the same shape; 0 by default.
        block_items: items of each block, which represent all items, shape (n_columns, n_blocks).
        counted: which pairs enter the ranking, shape (n_models, n_columns).
        n_items: number of items of the estimates.
        relatives: group of relatives of each model, shape (n_models,).
        looks: how source and target look at an item.
    """

    models: list[str]
    targets: list[str]
    estimators: list[str]
    block_nats: Floats
    block_excess_nats: Floats
    block_items: Floats
    counted: Booleans
    n_items: int
    relatives: list[str]
    looks: str = SAME_LOOK

    def matrix(self, blocks: Integers | slice = slice(None)) -> Floats:
        """Nats per target dimension from some or all blocks; NaN if a pair does not count."""
        items = self.block_items[:, blocks].sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            nats = self.block_nats[:, :, blocks].sum(axis=2) / items
        return np.where(self.counted, nats, np.nan)

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return self.block_items.shape[1]

    @cached_property
    def model_weight(self) -> Floats:
        """One over the size of each model's group of relatives, shape (n_models,)."""
        return _one_over_count(self.relatives)

    @cached_property
    def group_of_column(self) -> Integers:
        """Group of relatives of each column's target, as a number, shape (n_columns,)."""
        group = dict(zip(self.models, self.relatives, strict=True))
        return pd.factorize(pd.Series([group[target] for target in self.targets]))[0].astype(np.int64)

    @cached_property
    def column_weight(self) -> Floats:
        """One over the number of an estimator's targets in the target's group, shape (n_columns,)."""
        return _one_over_count(list(zip(self.estimators, self.group_of_column.tolist(), strict=True)))

    @property
    def n_groups(self) -> int:
        """Number of groups of relatives among the targets."""
        return int(self.group_of_column.max()) + 1

    @property
    def n_targets(self) -> Integers:
        """Number of models that count as targets of each model, shape (n_models,)."""
        names = np.array(self.targets)
        return np.array([len(set(names[counted])) for counted in self.counted], dtype=np.int64)

    def of_estimator(self, name: str) -> "PairArrays":
        """The columns of one estimator."""
        kept = np.array([each == name for each in self.estimators])
        return replace(
            self,
            targets=[target for target, keep in zip(self.targets, kept, strict=True) if keep],
            estimators=[name] * int(kept.sum()),
            block_nats=self.block_nats[:, kept],
            block_excess_nats=self.block_excess_nats[:, kept],
            block_items=self.block_items[kept],
            counted=self.counted[:, kept],
        )


def _one_over_count(labels: Sequence[object]) -> Floats:
    """One over the number of times that each label occurs in the sequence."""
    codes = pd.factorize(pd.Series(list(labels), dtype=object))[0]
    return np.asarray(1 / np.bincount(codes)[codes])


def looks_of(pairs: pd.DataFrame) -> str:
    """How source and target look at an item; tables without the column have one look.

    Raises:
        EstimationError: the table mixes pairs of different looks.
    """
    found = sorted(set(pairs[LOOKS])) if LOOKS in pairs else [SAME_LOOK]
    if len(found) > 1:
        raise EstimationError(f"the pairs mix the looks {', '.join(found)}; rank each of them separately")
    return str(found[0])


def counts_self_pairs(pairs: pd.DataFrame, self_pairs: bool | None) -> bool:
    """Whether a model is a target of itself: as given; by default, if the looks differ."""
    return looks_of(pairs) != SAME_LOOK if self_pairs is None else self_pairs


def arrays_of(
    pairs: pd.DataFrame,
    self_pairs: bool | None = None,
    relatives: Mapping[str, str] | None = None,
    copies: Mapping[str, str] | None = None,
) -> PairArrays:
    """The arrays of a table of pairs; the targets are those in the table.

    Args:
        pairs: as for `rank_pairs`.
        self_pairs: whether a model is a target of itself; None: if the looks differ.
        relatives: group of relatives of each model; a model without an entry is its own group.
        copies: group of near-copies of each model, in the same form. If self pairs do not count, a near-copy
            is not a target either, unless the model has no other target.

    Raises:
        EstimationError: fewer than two models, a pair is missing or not finite, or a model has no target.
    """
    models = sorted(set(pairs["source"]) | set(pairs["target"]))
    if len(models) < 2:
        raise EstimationError(f"a ranking needs at least 2 models; given: {', '.join(models) or 'no model'}")
    looks = looks_of(pairs)
    ordered, columns = _ordered(pairs, models)
    shape = (len(models), len(columns), -1)
    block_nats, excess = _per_dimension(ordered)
    finite = (np.isfinite(block_nats) & np.isfinite(excess)).all(axis=1)
    if not finite.all():
        place = ordered.index[int(np.argmin(finite))]
        raise EstimationError(f"the pair {place[0]} -> {place[2]} is not finite; estimate it again")
    targets = [target for _, target in columns]
    counted = _counted(models, targets, counts_self_pairs(pairs, self_pairs), copies or {})
    first = ordered["block_items"].iloc[: len(columns)]  # of the first source, one for each column
    return PairArrays(
        models,
        targets,
        [estimator for estimator, _ in columns],
        block_nats.reshape(shape),
        excess.reshape(shape),
        np.stack([np.asarray(items, dtype=float) for items in first]),
        counted,
        int(ordered["n_test"].min()),
        [(relatives or {}).get(model, model) for model in models],
        looks,
    )


def _per_dimension(pairs: pd.DataFrame) -> tuple[Floats, Floats]:
    """Nats of blocks and their excess per target dimension, shape (n_pairs, n_blocks) each."""
    dims = pairs["target_dim"].to_numpy()[:, None]
    block_nats = np.stack(list(pairs["block_nats"])) / dims
    if EXCESS not in pairs:
        return block_nats, np.zeros_like(block_nats)
    return block_nats, np.stack(list(pairs[EXCESS])) / dims


def _counted(models: list[str], targets: list[str], self_pairs: bool, copies: Mapping[str, str]) -> Booleans:
    """Which pairs enter the ranking: without self pairs, those of a model with models other than its copies.

    If a model has no target except itself and its near-copies, these copies count.
    """
    by_name = np.array(models)[:, None] != np.array(targets)
    by_copy = np.array([copies.get(model, model) for model in models])[:, None] != np.array(
        [copies.get(target, target) for target in targets]
    )
    counted = np.where(by_copy.any(axis=1, keepdims=True), by_copy, by_name) | self_pairs
    if not counted.any(axis=1).all():
        raise EstimationError(
            f"{targets[0]} is the only target and is not a target of itself, so it has no score; "
            "choose at least 2 targets"
        )
    return np.asarray(counted)


def _ordered(pairs: pd.DataFrame, models: Sequence[str]) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Every source with every column, in order, and the columns: estimator and target."""
    keyed = pairs if ESTIMATOR in pairs else pairs.assign(**{ESTIMATOR: ""})
    keyed = keyed.set_index(["source", ESTIMATOR, "target"])
    if keyed.index.has_duplicates:
        source, _, target = keyed.index[keyed.index.duplicated()][0]
        raise EstimationError(f"the pair {source} -> {target} occurs twice; keep one of the two")
    names = list(dict.fromkeys(keyed.index.get_level_values(ESTIMATOR)))
    present = set(zip(*map(keyed.index.get_level_values, (ESTIMATOR, "target")), strict=True))
    columns = sorted(present, key=lambda column: (names.index(column[0]), column[1]))
    index = pd.MultiIndex.from_tuples([(model, *column) for model in models for column in columns])
    missing = index[~index.isin(keyed.index)]
    if len(missing):
        source, _, target = missing[0]
        raise EstimationError(
            f"{len(missing)} pairs are missing, such as {source} -> {target}; estimate them"
        )
    return keyed.loc[index], columns


def nats_matrix(pairs: pd.DataFrame) -> pd.DataFrame:
    """Nats per target dimension: sources as index, and for each estimator its targets as columns.

    With several estimators, a target has one column per estimator, those of the first estimator first.

    Args:
        pairs: source, target, nats_per_dim, and optionally estimator.

    Raises:
        EstimationError: a pair is missing.
    """
    estimators = pairs[ESTIMATOR] if ESTIMATOR in pairs else pd.Series("", index=pairs.index)
    parts = [
        own.pivot(index="source", columns="target", values="nats_per_dim")
        for _, own in pairs.groupby(estimators, sort=False)
    ]
    matrix = pd.concat(parts, axis=1).astype(float).rename_axis(None).rename_axis(None, axis=1)
    if matrix.isna().any(axis=None):
        row, column = np.argwhere(matrix.isna().to_numpy())[0]
        raise EstimationError(
            f"the pair {matrix.index[row]} -> {matrix.columns[column]} is missing; estimate it"
        )
    return matrix


def of_first_estimator(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs of the first estimator in a table of pairs; all pairs if no estimator is named."""
    if ESTIMATOR not in pairs or pairs.empty:
        return pairs
    return pairs[pairs[ESTIMATOR] == pairs[ESTIMATOR].iloc[0]].reset_index(drop=True)


def aggregate(matrix: Floats, how: str) -> Floats:
    """The values that order the models of a matrix of nats per target dimension: win rates, means or medians.

    Args:
        matrix: shape (..., n_models, n_targets); NaN marks pairs that do not count.
        how: "ranks", "mean" or "median"; with "ranks" models and targets have equal weights.

    Returns:
        Shape (..., n_models); NaN if there is nothing to summarise.
    """
    if how == "ranks":
        return _win_rates(matrix)
    count = (~np.isnan(matrix)).sum(axis=-1)
    none = np.where(count > 0, 0.0, np.nan)
    if how == "mean":
        return np.nansum(matrix, axis=-1) / np.maximum(count, 1) + none
    ordered = np.sort(matrix, axis=-1)  # NaN comes last
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    middle = [np.take_along_axis(ordered, index[..., None], axis=-1)[..., 0] for index in (low, high)]
    return np.where(count % 2 == 1, middle[0], (middle[0] + middle[1]) / 2) + none


def nats_summary(how: str) -> str:
    """How nats are summarised under an aggregate; win rates have no nats, so this is the mean."""
    return "median" if how == "median" else "mean"


def _win_rates(matrix: Floats) -> Floats:
    """Mean over the other models of the share of common targets on which each model has more nats."""
    one, other = matrix[..., :, None, :], matrix[..., None, :, :]  # (..., n_models, n_models, n_targets)
    common = ~(np.isnan(one) | np.isnan(other))
    n_common = common.sum(axis=-1)
    won = ((one > other) + 0.5 * (one == other)).sum(axis=-1)
    share = np.where(n_common > 0, won / np.maximum(n_common, 1), 0.5)
    others = share.sum(axis=-1) - np.diagonal(share, axis1=-2, axis2=-1)
    rate = others / max(matrix.shape[-2] - 1, 1)
    return np.where((~np.isnan(matrix)).any(axis=-1), rate, np.nan)
