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

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from suffice.errors import EstimationError
from suffice.seeds import derive_seed
from suffice.settings import Settings

Floats = npt.NDArray[np.float64]

CONFIDENCE_LEVEL = 0.95  # of all intervals
MIN_TARGETS = 4  # fewer targets than this say nothing of the spread over targets
RESAMPLES_AT_ONCE = 100
RANKING_COLUMNS = [
    "model", "score", "score_low", "score_high", "rank", "rank_low", "rank_high", "tie_group", "embed_dim",
    "score_low_items", "score_high_items", "score_low_targets", "score_high_targets", "n_targets", "warnings",
]  # fmt: skip


class RankingSettings(Settings):
    """How scores are made from pairs, and how sure the intervals are."""

    aggregate: Literal["mean", "median"] = Field(
        default="median", description="how a model's pairs are summarised over targets"
    )
    self_pairs: bool = Field(default=False, description="whether a model is a target of itself")
    n_resamples: int = Field(default=1000, ge=100, description="bootstrap resamples of items and targets")


@dataclass(frozen=True)
class _Pairs:
    """The pairs as arrays, models in one order on both sides.

    Attributes:
        models: names, shape (n_models,).
        block_nats: of each pair per target dimension, shape (n_models, n_models, n_blocks).
        block_items: scored items of each block, shape (n_blocks,).
        counted: which pairs enter the score, shape (n_models, n_models).
    """

    models: list[str]
    block_nats: Floats
    block_items: Floats
    counted: npt.NDArray[np.bool_]


def rank_pairs(pairs: pd.DataFrame, settings: RankingSettings | None = None, seed: int = 0) -> pd.DataFrame:
    """The ranking that a table of pairs gives.

    Args:
        pairs: one row for each ordered pair of models, with the columns source, target, source_dim,
            target_dim, warnings, block_nats and block_items; all pairs scored on the same items.
        settings: how to summarise; None: the defaults.
        seed: seed of the resamples.

    Returns:
        One row for each model, best first. `score`, `score_low`, `score_high` are in nats per target
        dimension; the interval is over items and targets together, the columns that end in `_items`
        and `_targets` hold the two apart (`_targets` is empty with fewer than 4 targets, and the
        interval is then over items alone). `tie_group` 1 holds the best model and those that cannot
        be told from it; the next group starts at the first model that can.

    Raises:
        EstimationError: fewer than two models, or a pair is missing or not finite.
    """
    settings = settings or RankingSettings()
    arrays = _arrays_of(pairs, settings.self_pairs)
    matrix = arrays.block_nats.sum(axis=2) / arrays.block_items.sum()
    score = _aggregate(np.where(arrays.counted, matrix, np.nan), settings.aggregate)
    resampled = _resample(arrays, matrix, settings, seed)
    n_targets = arrays.counted.sum(axis=1)
    together = resampled["together"] if n_targets.min() >= MIN_TARGETS else resampled["items"]
    table = pd.DataFrame({"model": arrays.models, "score": score})
    table["score_low"], table["score_high"] = _interval(together, score, CONFIDENCE_LEVEL)
    table["rank"] = pd.Series(-score).rank(method="min").astype(int)
    better, worse = _sure_differences(score, together, CONFIDENCE_LEVEL)
    table["rank_low"] = 1 + better.sum(axis=1)
    table["rank_high"] = len(score) - worse.sum(axis=1)
    table["tie_group"] = _tie_groups(score, worse)
    table["embed_dim"] = table["model"].map(pairs.groupby("source")["source_dim"].first())
    for kind in ("items", "targets"):
        table[f"score_low_{kind}"], table[f"score_high_{kind}"] = _interval(
            resampled[kind], score, CONFIDENCE_LEVEL
        )
    table["n_targets"] = n_targets
    counted = pairs if settings.self_pairs else pairs[pairs["source"] != pairs["target"]]
    table["warnings"] = table["model"].map(_warnings_of_sources(counted))
    return table.sort_values(["rank", "model"], ignore_index=True)[RANKING_COLUMNS]


def with_health_warnings(ranking: pd.DataFrame, health: dict[str, list[str]]) -> pd.DataFrame:
    """The ranking with what is odd about each model's embedding put before the warnings of its pairs."""
    own = zip(ranking["model"].astype(str), ranking["warnings"].astype(str), strict=True)
    warnings = ["; ".join([*health.get(model, []), *([said] if said else [])]) for model, said in own]
    return ranking.assign(warnings=warnings)


def _arrays_of(pairs: pd.DataFrame, self_pairs: bool) -> _Pairs:
    models = sorted(set(pairs["source"]) | set(pairs["target"]))
    if len(models) < 2:
        raise EstimationError(f"a ranking needs at least 2 models; there is {', '.join(models) or 'none'}")
    index = pd.MultiIndex.from_product([models, models], names=["source", "target"])
    indexed = pairs.set_index(["source", "target"])
    missing = [pair for pair in index if pair not in indexed.index]
    if missing:
        source, target = missing[0]
        raise EstimationError(
            f"{len(missing)} pairs are missing, the first is {source} -> {target}; estimate them"
        )
    ordered = indexed.loc[index]
    block_nats = np.stack(list(ordered["block_nats"])) / ordered["target_dim"].to_numpy()[:, None]
    if not np.isfinite(block_nats).all():
        source, target = index[int(np.argmin(np.isfinite(block_nats).all(axis=1)))]
        raise EstimationError(f"the pair {source} -> {target} is not finite; estimate it again")
    n_models = len(models)
    counted = np.ones((n_models, n_models), dtype=bool) if self_pairs else ~np.eye(n_models, dtype=bool)
    block_items = np.asarray(ordered["block_items"].iloc[0], dtype=float)
    return _Pairs(models, block_nats.reshape(n_models, n_models, -1), block_items, counted)


def _aggregate(matrix: Floats, how: str) -> Floats:
    """Summary over targets (the last axis); NaN marks pairs that do not count."""
    count = (~np.isnan(matrix)).sum(axis=-1)
    none = np.where(count > 0, 0.0, np.nan)
    if how == "mean":
        return np.nansum(matrix, axis=-1) / np.maximum(count, 1) + none
    ordered = np.sort(matrix, axis=-1)  # NaN comes last
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    middle = [np.take_along_axis(ordered, index[..., None], axis=-1)[..., 0] for index in (low, high)]
    return np.where(count % 2 == 1, middle[0], (middle[0] + middle[1]) / 2) + none


def _resample(arrays: _Pairs, matrix: Floats, settings: RankingSettings, seed: int) -> dict[str, Floats]:
    """Scores in resamples of items, of targets and of both, shape (n_resamples, n_models) each."""
    generator = np.random.default_rng(derive_seed(seed, "ranking"))
    n_models, n_blocks = len(arrays.models), len(arrays.block_items)
    mask = np.where(arrays.counted, 0.0, np.nan)
    scores: dict[str, list[Floats]] = {"items": [], "targets": [], "together": []}
    for start in range(0, settings.n_resamples, RESAMPLES_AT_ONCE):
        n_now = min(RESAMPLES_AT_ONCE, settings.n_resamples - start)
        weights = generator.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=n_now)
        targets = generator.integers(n_models, size=(n_now, 1, n_models))
        drawn = np.moveaxis(arrays.block_nats @ weights.T, -1, 0)  # (n_now, n_models, n_models)
        over_items = drawn / (weights @ arrays.block_items)[:, None, None] + mask
        over_targets = np.take_along_axis(np.broadcast_to(matrix + mask, over_items.shape), targets, axis=2)
        over_both = np.take_along_axis(over_items, targets, axis=2)
        for kind, values in zip(scores, (over_items, over_targets, over_both), strict=True):
            scores[kind].append(_aggregate(values, settings.aggregate))
    joined = {kind: np.concatenate(parts) for kind, parts in scores.items()}
    if arrays.counted.sum(axis=1).min() < MIN_TARGETS:
        joined["targets"][:] = np.nan
    return joined


def _interval(resampled: Floats, score: Floats, confidence_level: float) -> tuple[Floats, Floats]:
    """Percentile interval of each model's score; NaN where there are no resamples. Always holds the score."""
    if np.isnan(resampled).all():
        return np.full(len(score), np.nan), np.full(len(score), np.nan)
    tail = (1 - confidence_level) / 2
    low, high = np.nanquantile(resampled, [tail, 1 - tail], axis=0)
    return np.minimum(low, score), np.maximum(high, score)


def _sure_differences(
    score: Floats, resampled: Floats, confidence_level: float
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which models are surely better, and which surely worse, than each model: two (n_models, n_models).

    Entry (j, k) speaks of model k against model j; each row holds at the confidence level at once.
    """
    n_models = len(score)
    better = np.zeros((n_models, n_models), dtype=bool)
    worse = np.zeros((n_models, n_models), dtype=bool)
    for model in range(n_models):
        others = np.arange(n_models) != model
        difference = (score - score[model])[others]
        noise = (resampled - resampled[:, [model]])[:, others] - difference  # (n_resamples, n_models - 1)
        noise = noise[~np.isnan(noise).any(axis=1)]
        spread = noise.std(axis=0, ddof=1)
        spread = np.where(spread > 0, spread, np.finfo(float).tiny)
        critical = np.quantile(np.abs(noise / spread).max(axis=1), confidence_level)
        better[model, others] = difference > critical * spread
        worse[model, others] = difference < -critical * spread
    return better, worse


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
    _, mark, rest = text.partition(" dimensions ")
    return f"dimensions {rest}" if mark else text
