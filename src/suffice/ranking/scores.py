r"""From pairs to a ranking that says how sure it is.

A model's score is the mean (or the median) over targets of I_S(U -> V) / d_V, in nats per target
dimension. Two things are uncertain: the items, which are a sample, and the targets, which are a
sample of the models one could have asked. Both are resampled, apart and together; every resample is
applied to all models at once, so that errors which they share cancel in their differences.

Rank intervals follow Mogstad, Romano, Shaikh and Wilhelm (Review of Economic Studies 2024, doi
10.1093/restud/rdad006): a model's rank is at least one plus the number of models that are surely
better, and at most the number of all models less those that are surely worse, where "surely" means
that the difference leaves a band that holds for all its differences at once.
"""

import re

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.ranking.arrays import Floats, PairArrays, aggregate, arrays_of
from suffice.ranking.resampling import Deviations, deviations, interval, sure_differences
from suffice.ranking.sample_size import items_needed
from suffice.ranking.settings import RankingSettings

RANKING_COLUMNS = [
    "model", "score", "score_low", "score_high", "rank", "rank_low", "rank_high", "tie_group", "embed_dim",
    "score_low_items", "score_high_items", "score_low_targets", "score_high_targets", "n_targets",
    "is_target", "n_items", "items_needed", "warnings",
]  # fmt: skip


def rank_pairs(pairs: pd.DataFrame, settings: RankingSettings | None = None, seed: int = 0) -> pd.DataFrame:
    """The ranking that a table of pairs gives.

    Args:
        pairs: one row for each source with each target, with the columns source, target, source_dim,
            target_dim, n_test, warnings, block_nats and block_items; all pairs scored on the same items. The
            targets are all models or some of them.
        settings: how to summarise; None: the defaults.
        seed: seed of the resamples.

    Returns:
        One row for each model, best first. `score`, `score_low`, `score_high` are in nats per target
        dimension; the interval is over items and targets together, the columns that end in `_items`
        and `_targets` hold the two apart (`_targets` is empty if a model has fewer than 3 targets, and
        the interval is then over items alone). `tie_group` 1 holds the best model and those that cannot
        be told from it; the next group starts at the first model that can. `is_target` says whether the
        model was a target; `items_needed` how many items would tell it from the next model, see
        `suffice.ranking.sample_size`.

    Raises:
        EstimationError: fewer than two models, a pair is missing or not finite, or a model has no target.
    """
    settings = settings or RankingSettings()
    arrays = arrays_of(pairs, settings.self_pairs)
    deviation = deviations(arrays, settings.aggregate, settings.n_resamples, seed)
    table = _scored(arrays, aggregate(arrays.matrix(), settings.aggregate), deviation)
    table["embed_dim"] = table["model"].map(pairs.groupby("source")["source_dim"].first())
    counted = pairs if settings.self_pairs else pairs[pairs["source"] != pairs["target"]]
    table["warnings"] = table["model"].map(_warnings_of_sources(counted))
    return table.sort_values(["rank", "model"], ignore_index=True)[RANKING_COLUMNS]


def _scored(arrays: PairArrays, score: Floats, deviation: Deviations) -> pd.DataFrame:
    """Scores, ranks, their intervals and what they rest on, one row a model."""
    table = pd.DataFrame({"model": arrays.models, "score": score})
    table["score_low"], table["score_high"] = interval(score, deviation.together)
    table["rank"] = pd.Series(-score).rank(method="min").astype(int)
    better, worse = sure_differences(score, deviation.alike)
    table["rank_low"] = 1 + better.sum(axis=1)
    table["rank_high"] = len(score) - worse.sum(axis=1)
    table["tie_group"] = _tie_groups(score, worse)
    table["score_low_items"], table["score_high_items"] = interval(score, deviation.items)
    table["score_low_targets"], table["score_high_targets"] = interval(score, deviation.targets)
    table["n_targets"] = arrays.counted.sum(axis=1)
    table["is_target"] = table["model"].isin(arrays.targets)
    table["n_items"] = arrays.n_items
    table["items_needed"] = items_needed(score, deviation.items, arrays.n_items)
    return table


def with_health_warnings(ranking: pd.DataFrame, health: dict[str, list[str]]) -> pd.DataFrame:
    """The ranking with what is odd about each model's embedding put before the warnings of its pairs."""
    own = zip(ranking["model"].astype(str), ranking["warnings"].astype(str), strict=True)
    warnings = ["; ".join([*health.get(model, []), *([said] if said else [])]) for model, said in own]
    return ranking.assign(warnings=warnings)


def _tie_groups(score: Floats, worse: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Group of each model; led by its best model, a group ends before the first that is surely worse."""
    groups = np.zeros(len(score), dtype=np.int64)
    leader, group = -1, 0
    for model in np.argsort(-score, kind="stable"):
        if leader < 0 or worse[leader, model]:
            leader, group = int(model), group + 1
        groups[model] = group
    return groups


def _warnings_of_sources(pairs: pd.DataFrame) -> "pd.Series[str]":
    """The warnings of each source's pairs, each said once, with the number of pairs that carry it."""
    return pairs.groupby("source")["warnings"].agg(_count_warnings)


def _count_warnings(warnings: "pd.Series[str]") -> str:
    said = [text for cell in warnings for text in str(cell).split("; ") if text]
    kinds = pd.Series([_without_numbers(text) for text in said], dtype=object).value_counts(sort=False)
    return "; ".join(f"{kind} ({count} of {len(warnings)} pairs)" for kind, count in kinds.items())


def _without_numbers(text: str) -> str:
    """The warning without the count it starts with, so that equal warnings are counted as one."""
    return re.sub(r"^\d+ of \d+ (?=dimensions)", "", text)
