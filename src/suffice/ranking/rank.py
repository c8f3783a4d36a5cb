"""A ranking from arrays: the pairs with all targets or some, then the scores."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.arrays import as_matrices
from suffice.errors import EstimationError
from suffice.estimators.base import Estimator, Prepared
from suffice.estimators.items import ItemPlan, divide_items
from suffice.estimators.registry import DEFAULT_ESTIMATOR, get_estimator
from suffice.estimators.standardise import check_embedding
from suffice.files import write_table
from suffice.ranking.sample_size import describe_items_needed
from suffice.ranking.scores import rank_pairs
from suffice.ranking.settings import RankingSettings
from suffice.ranking.targets import Targets, check_targets, choose_targets, describe_targets, targets_within

Embedding = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Ranking:
    """A ranking and the pairs it was made from.

    Attributes:
        table: one row a model, best first: model, score, score_low, score_high (nats per target
            dimension), rank, rank_low, rank_high, tie_group, embed_dim, the parts of the interval, and
            what they rest on, see `rank_pairs`.
        pairs: one row an ordered pair: source, target, nats, nats_per_dim, standard_error_nats,
            marginal_entropy_nats, conditional_entropy_nats, n_train, n_test, converged, warnings, ...
    """

    table: pd.DataFrame
    pairs: pd.DataFrame

    @property
    def advice(self) -> str:
        """Which models were targets, and what more items would tell apart, in a few sentences."""
        return f"{describe_targets(self.table)} {describe_items_needed(self.table)}"

    def save(self, folder: Path | str) -> None:
        """Write `ranking.csv` and `pairs.parquet` into `folder`."""
        write_table(self.pairs, Path(folder) / "pairs.parquet")
        write_table(self.table, Path(folder) / "ranking.csv")


def rank(  # noqa: PLR0913 - each is a choice of the user's
    embeddings: Mapping[str, Embedding],
    estimator: str = DEFAULT_ESTIMATOR,
    aggregate: str = RankingSettings.model_fields["aggregate"].default,
    self_pairs: bool = RankingSettings.model_fields["self_pairs"].default,
    seed: int = 0,
    device: str = "cpu",
    *,
    groups: npt.ArrayLike | None = None,
    targets: Targets = "all",
    budget: int | None = None,
    **settings: Any,
) -> Ranking:
    """Rank models by the information that each one's vectors carry about the others'.

    Args:
        embeddings: one array for each model, shape (n_items, embed_dim), the same items in the same order.
        estimator: name of the density family.
        aggregate: "median" or "mean" over targets.
        self_pairs: whether a model is a target of itself.
        seed: seed of the division of the items, of the fits and of the resamples.
        device: torch device, for families that are fitted with torch.
        groups: group of each item, shape (n_items,); items of one group are never separated.
        targets: which models the others tell of: "all", names, or a number, for which the models that stand
            best for all are chosen, see `choose_targets`. Every model is a source.
        budget: the largest number of pairs, which decides the number of targets; in place of `targets`.
        **settings: the estimator's own settings.

    Raises:
        EstimationError: (a ValueError) fewer than two models, different numbers of items, targets that
            cannot be had, or an embedding that cannot be used; the message names the model.

    Example:
        >>> import numpy as np
        >>> from suffice import rank
        >>> full = np.random.default_rng(0).normal(size=(500, 6))
        >>> rank({"all": full, "half": full[:, :3], "one": full[:, :1]}).table["model"][0]
        'all'
    """
    how = _ranking_settings(aggregate, self_pairs)
    arrays = as_matrices(embeddings)
    plan = _common_plan(arrays, groups, seed)
    wanted = _wanted_targets(arrays, targets, budget, self_pairs)
    chosen = get_estimator(estimator)(seed=seed, device=device, **settings)
    prepared = _prepare(chosen, arrays, plan)
    asked = _names_of_targets(arrays, wanted, seed)
    rows = [
        {"source": source, "target": target, **result.as_row()}
        for source, target, result in chosen.all_pairs(prepared, asked)
    ]
    pairs = pd.DataFrame(rows)
    return Ranking(rank_pairs(pairs, how, seed), pairs)


def _wanted_targets(
    arrays: Mapping[str, Embedding], targets: Targets, budget: int | None, self_pairs: bool
) -> Targets:
    """The targets that are asked for, after a check that they can be had.

    Raises:
        EstimationError: both targets and a budget are given, or they cannot be had.
    """
    targets = _plain_targets(targets)
    if budget is not None:
        if not isinstance(budget, Integral):
            raise EstimationError(f"budget {budget!r} is no whole number of pairs; give one")
        if targets != "all":
            raise EstimationError(f"both targets ({targets}) and a budget ({budget}) are given; give one")
        targets = targets_within(int(budget), len(arrays), self_pairs)
    check_targets(targets, list(arrays), self_pairs)
    return targets


def _names_of_targets(arrays: Mapping[str, Embedding], targets: Targets, seed: int) -> list[str]:
    """The names of the targets; a number of them is chosen by the vectors, which must be fit for use."""
    if isinstance(targets, int):
        return choose_targets(arrays, targets, seed) if targets < len(arrays) else list(arrays)
    return list(arrays) if targets == "all" else list(targets)


def _plain_targets(targets: Any) -> Targets:
    """The targets as a text, a whole number or a list of names, whatever holds them."""
    if targets == "all":
        return "all"
    if isinstance(targets, Integral):
        return int(targets)
    is_names = isinstance(targets, Iterable) and not isinstance(targets, str)
    if is_names and all(isinstance(name, str) for name in targets):
        return [str(name) for name in targets]
    raise EstimationError(f"targets {targets!r}: write 'all', a whole number, or a list of names")


def _ranking_settings(aggregate: str, self_pairs: bool) -> RankingSettings:
    choices = ("mean", "median")
    if aggregate not in choices:
        raise EstimationError(f"unknown aggregate {aggregate!r}; choose one of {', '.join(choices)}")
    return RankingSettings(aggregate=aggregate, self_pairs=self_pairs)


def _common_plan(arrays: Mapping[str, Embedding], groups: npt.ArrayLike | None, seed: int) -> ItemPlan:
    """The division of the items that all models share.

    Raises:
        EstimationError: fewer than two models, or their numbers of items differ.
    """
    for name in arrays:
        if not isinstance(name, str):
            raise EstimationError(f"the model's name {name!r} is no text; name models by texts")
    if len(arrays) < 2:
        raise EstimationError(f"a ranking needs at least 2 models; there is {', '.join(arrays) or 'none'}")
    for name, array in arrays.items():
        check_embedding(array, name)
    first, *others = arrays
    for name in others:
        if len(arrays[name]) != len(arrays[first]):
            raise EstimationError(
                f"{name} has {len(arrays[name])} rows but {first} has {len(arrays[first])}; "
                "embed all models on the same items, in the same order"
            )
    return divide_items(len(arrays[first]), groups, seed)


def _prepare(
    chosen: Estimator[Any], embeddings: Mapping[str, Embedding], plan: ItemPlan
) -> dict[str, Prepared]:
    try:
        return chosen.prepare_all(embeddings, plan)
    except EstimationError as error:
        raise EstimationError(f"model {error}") from error
