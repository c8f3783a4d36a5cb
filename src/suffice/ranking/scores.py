"""From pairs to a ranking: the order of the models, and two kinds of uncertainty about it.

*In this pool*: models and targets are fixed, and more items could change the pairs. The columns `score_low`,
`win_rate_low`, `rank_low`, `tie_group`, `could_be_first` and similar ones are about this alone. *For pools
like this one*: another pool of such models would have other targets. The columns that end in `_pools` are
about both. They are empty if there are too few groups of targets.

Each question is answered by one set of statements "this model stands above that one". All of them hold at
once with a confidence of 95 %. Rank intervals, tie groups and the models that could be first follow from
this set alone.
"""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from suffice.ranking.arrays import (
    SAME_LOOK,
    Booleans,
    Integers,
    PairArrays,
    aggregate,
    arrays_of,
    counts_self_pairs,
    nats_summary,
)
from suffice.ranking.order import ByWins, Order, by_nats, by_wins, ranks_of
from suffice.ranking.pools import stands_above_in_pools
from suffice.ranking.relatives import alone, names_of_copies, with_families
from suffice.ranking.resampling import score_deviations, score_interval
from suffice.ranking.sample_size import items_needed
from suffice.ranking.settings import RankingSettings
from suffice.ranking.table import RANKING_COLUMNS
from suffice.ranking.wins import rate_bounds


def rank_pairs(
    pairs: pd.DataFrame,
    settings: RankingSettings | None = None,
    seed: int = 0,
    families: Mapping[str, str] | None = None,
    copies: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The ranking from a table of pairs.

    Args:
        pairs: one row for each source with each target of each estimator, all scored on the same blocks of
            items. Required columns: source, target, source_dim, target_dim, n_test, warnings, block_nats and
            block_items. Optional columns and their defaults: block_excess_nats (0), estimator (one without a
            name) and looks ("same"). The targets are all models or some of them.
        settings: settings of the ranking; None: the defaults.
        seed: seed of the resamples.
        families: family of each model; models of one family count once together.
        copies: group of near-copies of every model, which count once too, see
            `suffice.ranking.relatives.near_copies`.

    Returns:
        One row per model, best first:

        - score, score_low, score_high: mean over targets (under the aggregate "median" the median) of nats
          per target dimension, by the first estimator, with its 95 % interval over items.
        - win_rate, win_rate_low, win_rate_high: share of comparisons with other models on common targets
          that the model wins, see `suffice.ranking.wins`; it orders the models under the aggregate "ranks".
        - rank, rank_low, rank_high, tie_group, could_be_first: in this pool. Models of one tie group are not
          distinguishable. Those of group 1 could be first. Every model of a later group is below a model of
          the group before it.
        - rank_low_pools, rank_high_pools, could_be_first_pools: for pools like this one; empty with fewer
          than 3 groups of relatives among the targets.
        - median_nats: median over targets, including near-copies, by the first estimator; published_score:
          the same if source and target have the same look, otherwise empty.
        - n_targets, is_target, relatives (group that counts once), near_copies (names of the others),
          embed_dim, n_items, items_needed (see `suffice.ranking.sample_size`), looks, aggregate, warnings.

    Raises:
        EstimationError: fewer than two models, a pair is missing or not finite, a model has no target, or
            the aggregate does not work with several estimators.
    """
    settings = settings or RankingSettings()
    models = sorted(set(pairs["source"]) | set(pairs["target"]))
    copies = dict(copies or alone(models))
    relatives = with_families(copies, families)
    arrays = arrays_of(pairs, settings.self_pairs, relatives, copies)
    widths = pairs.groupby("source")["source_dim"].first()
    wins = by_wins(arrays, settings.n_resamples, seed)
    how = settings.aggregate
    order: Order = wins if how == "ranks" else by_nats(arrays, how, settings.n_resamples, seed)
    table = pd.DataFrame({"model": arrays.models, "embed_dim": widths.reindex(arrays.models).to_numpy()})
    parts = [
        _nats(arrays, how, settings.n_resamples, seed),
        _medians(arrays_of(pairs, settings.self_pairs)),
        _win_rates(arrays, wins),
        _on_this_pool(arrays, order),
        _for_pools(arrays, how, order, settings.n_resamples, seed),
        _what_it_rests_on(arrays, order, int(widths.max())),
    ]
    table = pd.concat([table, *parts], axis=1).assign(aggregate=how)
    self_pairs = counts_self_pairs(pairs, settings.self_pairs)
    counted = pairs if self_pairs else pairs[pairs["source"] != pairs["target"]]
    table["warnings"] = table["model"].map(_warnings_of_sources(counted))
    table["near_copies"] = table["model"].map(names_of_copies(copies))
    return table.sort_values(["rank", "model"], ignore_index=True)[RANKING_COLUMNS]


def _nats(arrays: PairArrays, how: str, n_resamples: int, seed: int) -> pd.DataFrame:
    """Scores with their intervals, in nats per target dimension of the first estimator."""
    first, summary = arrays.of_estimator(arrays.estimators[0]), nats_summary(how)
    low, high = score_interval(first, summary, score_deviations(first, summary, n_resamples, seed))
    score = aggregate(first.matrix(), summary)
    return pd.DataFrame({"score": score, "score_low": low, "score_high": high})


def _medians(arrays: PairArrays) -> pd.DataFrame:
    """Medians over all targets, including near-copies: the published summary of pairs with one look."""
    median = aggregate(arrays.of_estimator(arrays.estimators[0]).matrix(), "median")
    published = median if arrays.looks == SAME_LOOK else np.full(len(median), np.nan)
    return pd.DataFrame({"median_nats": median, "published_score": published})


def _win_rates(arrays: PairArrays, wins: ByWins) -> pd.DataFrame:
    matrix = arrays.matrix()
    low, high = rate_bounds(wins.shares, wins.known(matrix))
    return pd.DataFrame({"win_rate": wins.value(matrix), "win_rate_low": low, "win_rate_high": high})


def _on_this_pool(arrays: PairArrays, order: Order) -> pd.DataFrame:
    """Ranks, their intervals and tie groups, given the uncertainty from items."""
    value, above = order.value(arrays.matrix()), order.above(arrays.matrix())
    low, high = rank_bounds(above)
    cells = {"rank": ranks_of(value), "rank_low": low, "rank_high": high}
    return pd.DataFrame(cells | {"tie_group": tie_groups(above), "could_be_first": ~above.any(axis=0)})


def _for_pools(arrays: PairArrays, how: str, order: Order, n_resamples: int, seed: int) -> pd.DataFrame:
    """Rank intervals for pools like this one; empty if there are too few groups of targets."""
    on_this_pool = order.above(arrays.matrix())
    above = stands_above_in_pools(arrays, how, on_this_pool, n_resamples, seed)
    low, high = rank_bounds(on_this_pool if above is None else above)
    first = ~(on_this_pool if above is None else above).any(axis=0)
    table = pd.DataFrame({"rank_low_pools": low, "rank_high_pools": high, "could_be_first_pools": first})
    table = table.astype(
        {"rank_low_pools": "Int64", "rank_high_pools": "Int64", "could_be_first_pools": "boolean"}
    )
    return table.where(np.full(table.shape, above is not None))


def _what_it_rests_on(arrays: PairArrays, order: Order, widest_dim: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "n_targets": arrays.n_targets,
            "is_target": np.isin(arrays.models, arrays.targets),
            "relatives": arrays.relatives,
            "n_items": arrays.n_items,
            "items_needed": items_needed(order, arrays, widest_dim),
            "looks": arrays.looks,
        }
    )


def rank_bounds(above: Booleans) -> tuple[Integers, Integers]:
    """Best and worst rank of each model, from the numbers of models that stand above it and below it."""
    return 1 + above.sum(axis=0), len(above) - above.sum(axis=1)


def tie_groups(above: Booleans) -> Integers:
    """Group of each model: one plus the length of the longest chain of models above it."""
    groups = np.zeros(len(above), dtype=np.int64)
    group = 0
    while (left := groups == 0).any():
        group += 1
        groups[left & ~above[left].any(axis=0)] = group
    return groups


def with_health_warnings(ranking: pd.DataFrame, health: dict[str, list[str]]) -> pd.DataFrame:
    """The ranking with the warnings about each model's embedding before those about its pairs."""
    own = zip(ranking["model"].astype(str), ranking["warnings"].astype(str), strict=True)
    warnings = ["; ".join([*health.get(model, []), *([said] if said else [])]) for model, said in own]
    return ranking.assign(warnings=warnings)


def _warnings_of_sources(pairs: pd.DataFrame) -> "pd.Series[str]":
    """The warnings of each source's pairs, each only once, with the number of its pairs."""
    return pairs.groupby("source")["warnings"].agg(_count_warnings)


def _count_warnings(warnings: "pd.Series[str]") -> str:
    said = [text for cell in warnings for text in str(cell).split("; ") if text]
    kinds = pd.Series([_without_numbers(text) for text in said], dtype=object).value_counts(sort=False)
    return "; ".join(f"{kind} ({count} of {len(warnings)} pairs)" for kind, count in kinds.items())


def _without_numbers(text: str) -> str:
    """The warning without its leading count, so that equal warnings are counted as one."""
    return re.sub(r"^\d+ of \d+ (?=dimensions)", "", text)
