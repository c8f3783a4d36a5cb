"""What a ranking depends on: its agreement with tasks and with itself when one thing is varied.

These can be varied in a study: the number of models and targets, a setting of the estimator, the data set,
the number of items, and versions of one model (a base model and one tuned to follow instructions).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from suffice.analyses.choice import estimate
from suffice.analyses.correlation import STATISTICS, Bootstrap, rank_table
from suffice.analyses.pool_curves import (
    MIN_JUDGED,
    TASKS,
    Summary,
    agreement_between_rankings,
    number_of_models_curve,
    reference_targets_curve,
)
from suffice.data.looks import LookTable
from suffice.errors import DataError
from suffice.ranking.arrays import aggregate, nats_summary, of_first_estimator
from suffice.ranking.rank import rank
from suffice.ranking.table import ordering_values
from suffice.seeds import derive_seed

N_SIZES = 8
N_DRAWS = 100
ITEM_SIZES = (500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)
CURVE_COLUMNS = ("ablation", "size", "statistic", "mean", "sd", "low", "high", "n_draws")
AGREEMENT_COLUMNS = ("variant", "against", "statistic", "value", "low", "high", "n_models", "note")
VERSION_COLUMNS = (
    "model", "version_of", "score", "score_of_base", "difference", "low", "high", "n_targets",
    "task_difference", "n_tasks",
)  # fmt: skip
RankItems = Callable[[np.ndarray], pd.DataFrame]


def outcome_of(results: pd.DataFrame) -> pd.Series:
    """Mean rank over tasks with its sign changed, by model; higher is better."""
    return -rank_table(results).mean(axis=1)


def pool_curves(
    pairs: pd.DataFrame,
    results: pd.DataFrame,
    summary: Summary = Summary(),  # noqa: B008 (frozen)
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> pd.DataFrame:
    """Agreement with tasks of random smaller pools, and of scores over a few random targets.

    Args:
        pairs: source, target, nats_per_dim.
        results: rows of all models' tasks: model, task, value.
        summary: how scores are made.
        n_draws: random pools or sets of targets of each size.
        seed: of the draws.

    Returns:
        One row per size and statistic with `CURVE_COLUMNS`; `ablation` is n_models or n_targets. Empty if
        fewer than 4 models have every task.

    Raises:
        DataError: a pair is missing.
    """
    outcome = outcome_of(results)
    sources, targets = pairs["source"].nunique(), pairs["target"].nunique()
    if outcome.index.isin(pairs["source"]).sum() < MIN_JUDGED:
        return pd.DataFrame(columns=list(CURVE_COLUMNS))
    few = sizes_between(1, targets)
    settings: dict[str, Any] = {"n_draws": n_draws, "summary": summary}
    curves = [
        reference_targets_curve(pairs, outcome, few, seed=derive_seed(seed, "targets"), **settings)
        .rename(columns={"n_targets": "size"})
        .assign(ablation="n_targets")
    ]
    if sources == targets:
        pools = sizes_between(MIN_JUDGED, sources)
        curve = number_of_models_curve(pairs, outcome, pools, seed=derive_seed(seed, "models"), **settings)
        curves.append(curve.rename(columns={"n_models": "size"}).assign(ablation="n_models"))
    return pd.concat(curves, ignore_index=True)[list(CURVE_COLUMNS)]


def sizes_between(least: int, most: int) -> list[int]:
    """About eight sizes from `least` to `most`, including both."""
    return sorted({int(size) for size in np.linspace(least, most, N_SIZES).round()})


def agreement_of_variants(
    rankings: Mapping[str, pd.DataFrame], results: pd.DataFrame | None, bootstrap: Bootstrap
) -> pd.DataFrame:
    """Agreement of some rankings of the same models with the tasks, and with one another.

    Args:
        rankings: ranking table of each variant.
        results: rows of all models' tasks; None without tasks.
        bootstrap: of the intervals over models.

    Returns:
        One row per variant, object of comparison (`tasks` or another variant) and statistic, with
        `AGREEMENT_COLUMNS`; comparisons between variants have no interval.
    """
    scores = {name: ordering_values(ranking) for name, ranking in rankings.items()}
    between = agreement_between_rankings(scores).rename(columns={"first": "variant", "second": "against"})
    parts = [between.assign(low=np.nan, high=np.nan, note="")]
    if results is not None:
        outcome = outcome_of(results)
        rows = [
            {"variant": name, "against": TASKS, "statistic": statistic}
            | estimate(score, outcome, bootstrap, STATISTICS[statistic]).as_row()
            for name, score in scores.items()
            for statistic in STATISTICS
        ]
        parts.insert(0, pd.DataFrame(rows))
    return pd.concat(parts, ignore_index=True)[list(AGREEMENT_COLUMNS)]


def ranker_of_items(
    embeddings: Mapping[str, np.ndarray],
    groups: np.ndarray,
    second: Mapping[str, np.ndarray] | None = None,
    **settings: Any,
) -> RankItems:
    """A function that maps indices of items to the ranking table of all models on these items.

    Args:
        embeddings: by model, shape (n_items, embed_dim).
        groups: group of each item, shape (n_items,).
        second: vectors of second looks at the same items, if source and target see two.
        **settings: of `suffice.rank`.
    """

    def rank_items(items: np.ndarray) -> pd.DataFrame:
        chosen = [{name: array[items] for name, array in look.items()} for look in (embeddings, second or {})]
        looks: dict[str, Any] = {"second": chosen[1], "looks": "files"} if second else {"looks": "same"}
        return rank(chosen[0], groups=groups[items], **looks, **settings).table

    return rank_items


def looks_of_models(
    vectors: Mapping[str, np.ndarray], of_looks: Sequence[np.ndarray], looks: LookTable
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """All models' vectors of the first looks and of the second ones, by model.

    Args:
        vectors: the models' vectors of the items.
        of_looks: their vectors of looks, in the same order, for kinds of looks with vectors of their own.
        looks: the pairs of looks.
    """
    beside: list[np.ndarray | None] = [*of_looks] or [None] * len(vectors)
    both = [looks.vectors(items, other) for items, other in zip(vectors.values(), beside, strict=True)]
    first, second = (dict(zip(vectors, side, strict=True)) for side in zip(*both, strict=True))
    return first, second


def agreement_by_items(
    rank_items: RankItems,
    n_items: int,
    results: pd.DataFrame | None,
    n_draws: int = 3,
    seed: int = 0,
) -> pd.DataFrame:
    """Rankings on random subsets of the items, with new fits of every density.

    Args:
        rank_items: computes the ranking table from indices of items.
        n_items: number of items in total.
        results: rows of all models' tasks; None without tasks.
        n_draws: draws for each number of items below the total.
        seed: of the draws.

    Returns:
        n_items, draw, against (`tasks` or `all items`), statistic, value; the rows of all items come last.
    """
    generator = np.random.default_rng(derive_seed(seed, "items"))
    whole = ordering_values(rank_items(np.arange(n_items)))
    outcome = None if results is None else outcome_of(results)
    rows = []
    for size in [size for size in ITEM_SIZES if size < n_items]:
        for draw in range(n_draws):
            items = np.sort(generator.permutation(n_items)[:size])
            score = ordering_values(rank_items(items))
            rows += _against(score, whole, outcome, {"n_items": size, "draw": draw})
    rows += _against(whole, whole, outcome, {"n_items": n_items, "draw": 0})
    return pd.DataFrame(rows)


def _against(
    score: pd.Series, whole: pd.Series, outcome: pd.Series | None, where: dict[str, int]
) -> list[dict[str, Any]]:
    """Kendall's tau with the ranking of all items, and every statistic with the tasks."""
    from scipy.stats import kendalltau

    tau = float(kendalltau(score.reindex(whole.index), whole).statistic)
    rows: list[dict[str, Any]] = [{**where, "against": "all items", "statistic": "kendall", "value": tau}]
    if outcome is None:
        return rows
    both = pd.concat([score, outcome], axis=1, join="inner").dropna()
    x, y = both.to_numpy(float).T
    ones = np.ones((1, len(both)))
    return rows + [
        {**where, "against": TASKS, "statistic": name, "value": float(statistic(x, y, ones)[0])}
        for name, statistic in STATISTICS.items()
    ]


def version_table(
    pairs: pd.DataFrame,
    versions: Mapping[str, str],
    results: pd.DataFrame | None,
    summary: Summary = Summary(),  # noqa: B008 (frozen)
    n_resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Score of a version of a model minus that of its base, over targets other than these two.

    The interval is a percentile bootstrap over targets, with the same targets for both models, so that common
    variation cancels.

    Args:
        pairs: source, target, nats_per_dim.
        versions: base of each version.
        results: rows of all models' tasks: model, task, value; None without tasks.
        summary: how nats of the first estimator are summarised; "ranks" takes the mean; self pairs do not
            count.
        n_resamples: resamples of the targets.
        seed: of the resamples.

    Returns:
        One row per version with `VERSION_COLUMNS`; task_difference is the mean over tasks of the version's
        value minus the base's.

    Raises:
        DataError: a model has no pairs.
    """
    table = of_first_estimator(pairs).pivot(index="source", columns="target", values="nats_per_dim")
    missing = [name for pair in versions.items() for name in pair if name not in table.index]
    if missing:
        raise DataError(f"model {missing[0]!r} has no pairs; estimate them")
    values = None if results is None else results.pivot(index="model", columns="task", values="value")
    rows, how = [], nats_summary(summary.aggregate)
    for version, base in versions.items():
        both = table.loc[[version, base]].drop(columns=[version, base], errors="ignore").to_numpy()
        scores = aggregate(both, how)
        rng = np.random.default_rng(derive_seed(seed, version, base))
        drawn = both[:, rng.integers(both.shape[1], size=(n_resamples, both.shape[1]))]  # (2, n, n_targets)
        first, second = (aggregate(draws, how) for draws in drawn)
        low, high = np.quantile(first - second, [0.025, 0.975])
        cells = (scores[0], scores[1], scores[0] - scores[1], low, high, both.shape[1])
        rows.append([version, base, *cells, *_task_difference(values, version, base)])
    return pd.DataFrame(rows, columns=list(VERSION_COLUMNS))


def _task_difference(values: pd.DataFrame | None, version: str, base: str) -> tuple[float, int]:
    """Mean difference in value over the tasks that both have, and the number of these tasks."""
    if values is None:
        return np.nan, 0
    difference = (values.reindex([version, base]).iloc[0] - values.reindex([version, base]).iloc[1]).dropna()
    return (float(difference.mean()) if len(difference) else np.nan), len(difference)
