"""How the agreement with tasks changes with fewer models, fewer targets or another setting."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from suffice.analyses.correlation import STATISTICS, weighted_pearson
from suffice.errors import DataError
from suffice.ranking.arrays import aggregate, counts_self_pairs, nats_matrix

BAND = (0.05, 0.95)
TASKS = "tasks"  # what a variant is compared with, beside other variants
MIN_JUDGED = 4  # with fewer models a correlation means little


@dataclass(frozen=True)
class Summary:
    """How pairs are summarised into an order of models.

    Attributes:
        aggregate: "ranks", or the "mean" or "median" over targets.
        self_pairs: whether a model is a target of itself; None: only where the looks differ.
    """

    aggregate: str = "ranks"
    self_pairs: bool | None = None


def number_of_models_curve(
    pairs: pd.DataFrame,
    outcome: pd.Series,
    sizes: Sequence[int],
    n_draws: int = 100,
    summary: Summary = Summary(),  # noqa: B008 (frozen)
    seed: int = 0,
) -> pd.DataFrame:
    """Agreement within random pools of fewer models, each scored within its own pool.

    A model without an outcome is in the pools, as source and target, but does not count in the agreement.

    Args:
        pairs: source, target, nats_per_dim of every model with every other; optionally estimator.
        outcome: by model, higher is better.
        sizes: numbers of models.
        n_draws: random pools of each size.
        summary: how scores are made.
        seed: of the draws.

    Returns:
        One row per size and statistic: n_models, statistic, mean, sd, low and high (nine in ten draws lie
        between them), n_draws.

    Raises:
        DataError: a size is less than 4 or more than there are models.
        EstimationError: a pair is missing.
    """
    table = _matrix(pairs, summary)
    models = table.index[table.index.isin(table.columns)]
    cube, values = _by_target(table.loc[models], models), outcome.reindex(models).to_numpy(float)
    _check_sizes(sizes, len(models), least=MIN_JUDGED)
    rng = np.random.default_rng(seed)
    rows = []
    for size in sizes:
        draws = _draws(rng, len(models), size, n_draws)
        pools = cube[draws[:, :, None], draws[:, None, :]]  # (n_draws, size, size, n_estimators)
        scores = aggregate(pools.reshape(*pools.shape[:2], -1), summary.aggregate)
        rows += [{"n_models": size, **row} for row in _spread(scores, values[draws])]
    return pd.DataFrame(rows)


def reference_targets_curve(
    pairs: pd.DataFrame,
    outcome: pd.Series,
    sizes: Sequence[int],
    n_draws: int = 100,
    summary: Summary = Summary(),  # noqa: B008 (frozen)
    seed: int = 0,
) -> pd.DataFrame:
    """Agreement of all models' scores over a few random targets.

    If the only target drawn is a model itself, that model is left out of the draw.

    Args:
        pairs: source, target, nats_per_dim of every model with every target; optionally estimator.
        outcome: by model, higher is better; models without an outcome are targets only.
        sizes: numbers of targets.
        n_draws: random sets of targets of each size.
        summary: how scores are made.
        seed: of the draws.

    Returns:
        One row per size and statistic: n_targets, statistic, mean, sd, low, high, n_draws.

    Raises:
        DataError: a size is less than 1 or more than there are targets.
        EstimationError: a pair is missing.
    """
    table = _matrix(pairs, summary)
    judged = outcome.dropna().index.intersection(table.index, sort=False)
    if len(judged) < MIN_JUDGED:
        raise DataError(f"only {len(judged)} models have an outcome; at least {MIN_JUDGED} are needed")
    targets = table.columns.unique()
    cube, values = _by_target(table.loc[judged], targets), outcome.loc[judged].to_numpy(float)
    _check_sizes(sizes, len(targets), least=1)
    rng = np.random.default_rng(seed)
    rows = []
    for size in sizes:
        draws = _draws(rng, len(targets), size, n_draws)
        chosen = cube[:, draws].swapaxes(0, 1)  # (n_draws, n_models, size, n_estimators)
        scores = aggregate(chosen.reshape(*chosen.shape[:2], -1), summary.aggregate)
        rows += [{"n_targets": size, **row} for row in _spread(scores, np.tile(values, (n_draws, 1)))]
    return pd.DataFrame(rows)


def agreement_between_rankings(rankings: dict[str, pd.Series]) -> pd.DataFrame:
    """Correlation of each pair of scores over the models that have both.

    Args:
        rankings: scores by model for each ranking, by name (a data set, a number of modes, ...).

    Returns:
        first, second, statistic, value, n_models.
    """
    rows = []
    for first, second in combinations(rankings, 2):
        both = pd.concat([rankings[first], rankings[second]], axis=1, join="inner").dropna()
        ones = np.ones((1, len(both)))
        x, y = both.to_numpy(float).T
        for name, statistic in STATISTICS.items():
            value = float(statistic(x, y, ones)[0]) if len(both) > 1 else np.nan
            row = {"first": first, "second": second, "statistic": name}
            rows.append({**row, "value": value, "n_models": len(both)})
    return pd.DataFrame(rows, columns=["first", "second", "statistic", "value", "n_models"])


def _matrix(pairs: pd.DataFrame, summary: Summary) -> pd.DataFrame:
    """Nats per target dimension, rows sources; NaN where a pair does not count."""
    table = nats_matrix(pairs)
    if counts_self_pairs(pairs, summary.self_pairs):
        return table
    return table.mask(np.equal.outer(table.index.to_numpy(), table.columns.to_numpy()))


def _by_target(table: pd.DataFrame, targets: pd.Index) -> np.ndarray:
    """The columns of some targets, one per estimator: shape (n_models, n_targets, n_estimators)."""
    return np.stack([table[[target]].to_numpy() for target in targets], axis=1)


def _check_sizes(sizes: Sequence[int], most: int, least: int) -> None:
    for size in sizes:
        if not least <= size <= most:
            raise DataError(f"size {size} cannot be drawn; use a size from {least} to {most}")


def _draws(rng: np.random.Generator, n: int, size: int, n_draws: int) -> np.ndarray:
    """Random subsets, shape (n_draws, size)."""
    return np.argsort(rng.random((n_draws, n)), axis=1)[:, :size]


def _spread(scores: np.ndarray, values: np.ndarray) -> list[dict[str, object]]:
    """Mean and spread of each statistic over draws; NaN values are left out."""
    rows: list[dict[str, object]] = []
    for name in STATISTICS:
        draws = np.array([_correlation(*both, name) for both in zip(scores, values, strict=True)])
        low, high = np.nanquantile(draws, BAND)
        spread = {"mean": np.nanmean(draws), "sd": np.nanstd(draws, ddof=1) if len(draws) > 1 else np.nan}
        rows.append({"statistic": name, **spread, "low": low, "high": high, "n_draws": len(draws)})
    return rows


def _correlation(scores: np.ndarray, values: np.ndarray, statistic: str) -> float:
    from scipy.stats import kendalltau, rankdata

    known = np.isfinite(scores) & np.isfinite(values)
    x, y = scores[known], values[known]
    if len(x) < MIN_JUDGED:
        return np.nan
    if statistic == "kendall":
        return float(kendalltau(x, y).statistic)
    if statistic == "spearman":
        x, y = rankdata(x), rankdata(y)
    return float(weighted_pearson(x, y, np.ones((1, len(x))))[0])
