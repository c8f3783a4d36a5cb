"""A ranking from arrays: the pairs with all or some targets, then the scores."""

import html
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.alignment import Ids
from suffice.errors import DoubtWarning, EstimationError
from suffice.estimators.base import Estimator
from suffice.estimators.names import DEFAULT_ESTIMATOR, WITH_TWO_LOOKS
from suffice.estimators.registry import get_estimator
from suffice.estimators.regression.tiling import every_pair
from suffice.progress import counted, tell
from suffice.ranking.arrays import SAME_LOOK
from suffice.ranking.embedded_items import Model, embed_with
from suffice.ranking.given_items import GivenItems, join_items
from suffice.ranking.given_looks import GivenLooks, arrange_looks
from suffice.ranking.health import health_of, warnings_of_health
from suffice.ranking.relatives import near_copies
from suffice.ranking.row_order import by_model, order_doubts
from suffice.ranking.sample_size import describe_items_needed
from suffice.ranking.scores import rank_pairs, with_health_warnings
from suffice.ranking.settings import Aggregate, LooksChoice, RankingSettings
from suffice.ranking.targets import Targets, check_targets, choose_targets, describe_targets, targets_within
from suffice.storage.files import write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Embedding = npt.NDArray[np.floating]
SHOWN = [
    "rank", "model", "win_rate", "score", "rank_low", "rank_high", "rank_low_pools", "rank_high_pools",
    "tie_group", "embed_dim",
]  # fmt: skip
"""Columns of a ranking that a reader sees first."""
WRITTEN = ("ranking.csv", "health.csv", "pairs.parquet")


@dataclass(frozen=True, repr=False)
class Ranking:
    """A ranking and its pairs.

    Attributes:
        table: one row per model, best first: model, score, score_low, score_high (nats per target
            dimension), rank, rank_low, rank_high, tie_group, could_be_first, embed_dim, win_rate, and more
            columns, see `rank_pairs`.
        pairs: one row per ordered pair and estimator: source, target, estimator, looks, nats, nats_per_dim,
            standard_error_nats, marginal_entropy_nats, conditional_entropy_nats, n_train, n_test, converged,
            warnings, ...
        notes: notes for the reader on the items and the looks that were used.
        health: one row per model on its vectors, as on a study's page, see `health_of`.
        items: the vectors that were ranked, which other ways to choose are computed from; None if unknown.
        seed: seed of samples of them.

    Example:
        >>> import numpy as np
        >>> from suffice import rank
        >>> generator = np.random.default_rng(0)
        >>> signal = generator.normal(size=(500, 6))
        >>> noise = {"clear": 0.2, "noisy": 0.5, "poor": 2.0}
        >>> vectors = {name: signal + sd * generator.normal(size=(500, 6)) for name, sd in noise.items()}
        >>> ranking = rank(vectors)
        >>> ranking
        Ranking(3 models by linear; could be first: clear)
        >>> ranking.to_pandas()[["model", "rank"]].values.tolist()
        [['clear', 1], ['noisy', 2], ['poor', 3]]
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    notes: tuple[str, ...] = ()
    health: pd.DataFrame = field(default_factory=pd.DataFrame)
    items: GivenItems | None = field(default=None, compare=False)
    seed: int = 0

    @property
    def advice(self) -> str:
        """Which models were targets, and what more items would distinguish, in a few sentences."""
        return f"{describe_targets(self.table)} {describe_items_needed(self.table)}"

    @property
    def warnings(self) -> list[str]:
        """The warnings about each model's vectors and pairs, one sentence per model with warnings."""
        given = zip(self.table["model"], self.table["warnings"], strict=True)
        return [f"{model}: {text}" for model, text in given if text]

    def __repr__(self) -> str:
        """The models that could be first, in one line; the table and the pairs are attributes."""
        could_be = self.table.loc[self.table["could_be_first"].astype(bool), "model"]
        by = " and ".join(dict.fromkeys(self.pairs["estimator"]))
        first = ", ".join(map(str, could_be))
        return f"Ranking({len(self.table)} models by {by}; could be first: {first})"

    def _repr_html_(self) -> str:
        """The ranking as a table, for notebooks."""
        table = self.table[SHOWN].round(3).to_html(index=False)
        return f"<p>{html.escape(repr(self))}</p>{table}"

    def to_pandas(self) -> pd.DataFrame:
        """A copy of the table, one row per model, best first."""
        return self.table.copy()

    def recommend(self) -> Any:
        """Which model to take, how sure that is, and what to do next: a `suffice.analyses.Recommendation`.

        The other ways to choose that it compares with are those that need the vectors alone: RankMe, the
        width, finding an item's second look, and each estimator alone.

        Raises:
            EstimationError: the ranking was made without the vectors.
        """
        if self.items is None:
            raise EstimationError("this ranking has no vectors to compare with; make it with suffice.rank")
        first, second = self.items.first, self.items.second
        free_ways = import_module("suffice.baselines.free_ways")
        ways = free_ways.ways_from_vectors(self.pairs, first, second, self.seed)
        return import_module("suffice.analyses.recommendation").recommend(self.table, ways)

    def plot(self, families: Mapping[str, str] | None = None) -> "Figure":
        """A figure of scores and ranks with their intervals.

        Args:
            families: family of each model, which decides its colour; None: all have the same colour.
        """
        named = families or dict.fromkeys(self.table["model"], "models")
        plots = import_module("suffice.plots")
        return plots.draw_rank_bars(self.table, plots.Families(named)).figure

    def save(self, folder: Path | str) -> None:
        """Write `ranking.csv`, `health.csv` and `pairs.parquet` into `folder`."""
        write_table(self.health, Path(folder) / "health.csv")
        write_table(self.pairs, Path(folder) / "pairs.parquet")
        write_table(self.table, Path(folder) / "ranking.csv")


def rank(  # noqa: PLR0913 - each is a choice of the user's
    first: Mapping[str, Embedding] | None = None,
    second: Mapping[str, Embedding] | None = None,
    estimator: str | Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
    aggregate: str = RankingSettings.model_fields["aggregate"].default,
    self_pairs: bool | None = RankingSettings.model_fields["self_pairs"].default,
    seed: int = 0,
    device: str = "cpu",
    *,
    groups: npt.ArrayLike | None = None,
    looks: LooksChoice = "auto",
    families: Mapping[str, str] | None = None,
    targets: Targets = "all",
    budget: int | None = None,
    ids: Ids = None,
    models: Mapping[str, Model] | None = None,
    items: Sequence[Any] | None = None,
    **settings: Any,
) -> Ranking:
    """Rank models by the information that the vectors of each carry about those of the others.

    Args:
        first: one array per model, shape (n_items, embed_dim), with the same items in the same order. If all
            are tables with ids (a column `id`, or an index other than 0, 1, 2, ...), they are joined by id.
        second: a second look at the same items by the same models. For example, `first` holds the vectors of
            the first halves of texts, and `second` those of the second halves. Source and target then see
            different looks.
        estimator: name of the density family, or several names, or several with the settings of each. Pairs
            of several estimators are columns of one ranking. None: linear, or linear and neighbours with two
            looks under "ranks".
        aggregate: what orders the models: "ranks", the share of comparisons on common targets that a model
            wins, or the "mean" or "median" over targets.
        self_pairs: whether a model is a target of itself; None: if source and target see different looks.
        seed: seed for dividing the items, for the fits and for the resamples.
        device: torch device, for families that are fitted with torch.
        groups: group of each item, shape (n_items,). Items of one group are never separated. Neither are
            copies of items, which are found by their vectors.
        looks: what source and target see: "same", the same vectors; "files", `first` and `second`;
            "group", different items of one group; "auto", the second look if there is one, otherwise other
            items of the group if at least 50 groups have two items with different vectors, otherwise the
            same.
        families: family of each model. Models of one family count once together. So do near-copies, which are
            found by their vectors.
        targets: which models are targets: "all", names, or a number. For a number, models are drawn at random
            from as many families as possible, see `choose_targets`. Every model is a source.
        budget: largest number of pairs, which decides the number of targets; use it instead of `targets`.
        ids: ids of the rows of all inputs without ids, shape (n_items,), or ids by model.
        models: embedding functions by name, from `items` to vectors of shape (n_items, embed_dim); use them
            instead of `first`.
        items: the items to embed, such as texts.
        **settings: settings of the estimator if there is one, or of linear if no estimator is named.

    Raises:
        EstimationError: (a ValueError) fewer than two models, different numbers of items, repeated or missing
            ids, targets or looks that are not available, or an embedding that cannot be used; the message
            names the model.

    Example:
        >>> import numpy as np
        >>> from suffice import rank
        >>> full = np.random.default_rng(0).normal(size=(500, 6))
        >>> rank({"all": full, "half": full[:, :3], "one": full[:, :1]}).table["model"][0]
        'all'
    """
    how = _ranking_settings(aggregate, self_pairs)
    if estimator is not None:
        _estimators(estimator, seed, device, settings)  # report an unknown one before the arrays are read
    vectors = _vectors(first, models, items)
    joined = join_items(vectors, _second_look(second), groups, ids)
    arrays = joined.first
    given = arrange_looks(arrays, joined.second, joined.groups, looks, seed)
    counts_self = given.looks != SAME_LOOK if self_pairs is None else self_pairs
    wanted = _wanted_targets(arrays, targets, budget, counts_self)
    asked = _default_estimators(given.looks, aggregate, settings) if estimator is None else estimator
    names = _names_of_targets(list(arrays), wanted, families, seed)
    found = [_pairs(one, given, names) for one in _estimators(asked, seed, device, settings)]
    pairs = pd.concat(found, ignore_index=True)
    table = rank_pairs(pairs, how, seed, families, near_copies(arrays, seed))
    doubts = {} if joined.have_ids else order_doubts(arrays, joined.second, seed)
    notes = (*joined.notes, *given.notes, *doubts.values())
    health = health_of(arrays)
    own, said = warnings_of_health(health), by_model(doubts)
    odd = {name: [*own.get(name, []), *said.get(name, [])] for name in arrays}
    table = with_health_warnings(table, odd)
    _warn(table)
    return Ranking(table, pairs, notes, health, joined, seed)


def _vectors(
    first: Mapping[str, Embedding] | None, models: Mapping[str, Model] | None, items: Sequence[Any] | None
) -> Mapping[str, Any]:
    """The vectors that are given, or those that the models make of the items.

    Raises:
        EstimationError: both or neither are given, or names or models cannot be used.
    """
    given = first if models is None else models
    if given is None or (first is not None and (models is not None or items is not None)):
        raise EstimationError("give either vectors by model, or models={name: function} with items=[...]")
    _check_names(given)
    return given if models is None else embed_with(models, items)


def _warn(table: pd.DataFrame) -> None:
    """Give the warnings of models as one Python warning."""
    warned = table.loc[table["warnings"].fillna("") != "", ["model", "warnings"]]
    if len(warned):
        said = "; ".join(f"{row.model}: {row.warnings}" for row in warned.itertuples())
        what = f"{len(warned)} of {len(table)} models have warnings: {said}"
        warnings.warn(what, DoubtWarning, stacklevel=3)


def _second_look(second: Any) -> Mapping[str, Any] | None:
    """The second look, checked.

    Raises:
        EstimationError: it is not a mapping of models to arrays.
    """
    if second is not None and not isinstance(second, Mapping):
        raise EstimationError(
            f"the second look is {second!r}, not arrays by model; give an estimator by its keyword, "
            "estimator='linear'"
        )
    return second


def _default_estimators(looks: str, aggregate: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The default estimators: several with two looks, if nats need not be on one scale."""
    if looks == SAME_LOOK or aggregate != "ranks" or settings:
        return (DEFAULT_ESTIMATOR,)
    return WITH_TWO_LOOKS


def _estimators(
    asked: str | Sequence[str] | Mapping[str, Mapping[str, Any]],
    seed: int,
    device: str,
    settings: Mapping[str, Any],
) -> list[Estimator[Any]]:
    """The requested density families.

    Raises:
        EstimationError: an unknown name, no name, a repeated name, or settings for several.
    """
    names = [asked] if isinstance(asked, str) else list(asked)
    if not names or len(set(names)) < len(names):
        raise EstimationError(f"estimators {names}: name at least one estimator, and each only once")
    if settings and len(names) > 1:
        raise EstimationError(
            f"settings ({', '.join(settings)}) belong to one estimator, but the ranking uses "
            f"{' and '.join(names)}; name one, such as estimator={names[0]!r}"
        )
    own = asked if isinstance(asked, Mapping) else dict.fromkeys(names, settings)
    return [get_estimator(name)(seed=seed, device=device, **own[name]) for name in names]


def _pairs(estimator: Estimator[Any], given: GivenLooks, targets: Sequence[str]) -> pd.DataFrame:
    """The pairs of all models with some targets by one density family, one row per pair."""
    wanted = every_pair(given.first, targets)
    tell(f"{estimator.name}: {len(given.first)} models ({', '.join(given.first)})")
    try:
        if given.second is None:
            made = estimator.all_pairs(estimator.prepare_all(given.first, given.plan), wanted)
        else:
            prepared = estimator.prepare_all_looks(given.first, given.second, given.plan)
            made = estimator.all_look_pairs(prepared, wanted)
        found = list(counted(made, estimator.name, len(wanted), "pairs"))
    except EstimationError as error:
        raise EstimationError(f"model {error}") from error
    made_by = {"estimator": estimator.name, "looks": given.looks}
    return pd.DataFrame(
        [
            {"source": source, "target": target, **made_by, **result.as_row()}
            for source, target, result in found
        ]
    )


def _wanted_targets(
    arrays: Mapping[str, Embedding], targets: Targets, budget: int | None, self_pairs: bool
) -> Targets:
    """The requested targets, after a check that they are available.

    Raises:
        EstimationError: both targets and a budget are given, or the targets are not available.
    """
    targets = _plain_targets(targets)
    if budget is not None:
        if not isinstance(budget, Integral):
            raise EstimationError(f"budget {budget!r} is not a whole number; give a whole number of pairs")
        if targets != "all":
            raise EstimationError(
                f"both targets ({targets}) and a budget ({budget}) are given; give one of the two"
            )
        targets = targets_within(int(budget), len(arrays), self_pairs)
    check_targets(targets, list(arrays), self_pairs)
    return targets


def _names_of_targets(
    models: list[str], targets: Targets, families: Mapping[str, str] | None, seed: int
) -> list[str]:
    """The names of the targets, drawn at random if only their number is given."""
    if isinstance(targets, int):
        return choose_targets(models, targets, families, seed) if targets < len(models) else models
    return models if targets == "all" else list(targets)


def _plain_targets(targets: Any) -> Targets:
    """The targets as a text, a whole number or a list of names, from any container."""
    if targets == "all":
        return "all"
    if isinstance(targets, Integral):
        return int(targets)
    is_names = isinstance(targets, Iterable) and not isinstance(targets, str)
    if is_names and all(isinstance(name, str) for name in targets):
        return [str(name) for name in targets]
    raise EstimationError(f"targets {targets!r}: write 'all', a whole number, or a list of names")


def _ranking_settings(aggregate: str, self_pairs: bool | None) -> RankingSettings:
    choices = get_args(Aggregate)
    if aggregate not in choices:
        raise EstimationError(f"unknown aggregate {aggregate!r}; choose one of {', '.join(choices)}")
    return RankingSettings(aggregate=aggregate, self_pairs=self_pairs)


def _check_names(first: Mapping[str, Any]) -> None:
    """Check that there are at least two models, and that their names are texts.

    Raises:
        EstimationError: there are fewer than two, or a name is not a text.
    """
    for name in first:
        if not isinstance(name, str):
            raise EstimationError(f"model names must be text, but one is {name!r}; use a text such as 'a'")
    if len(first) < 2:
        raise EstimationError(f"a ranking needs at least 2 models; given: {', '.join(first) or 'no model'}")
