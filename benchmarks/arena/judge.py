"""How candidates do on labelled tasks: agreement and regret by pool, means over pools, intervals.

This is the only module of the arena, besides `subpools`, that reads task results.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from candidates import REFERENCES
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]
SEED = 0
N_RESAMPLES = 1000
N_ORDERS = 20  # of tied models, over which regret is averaged
LEVEL = 0.95


@dataclass(frozen=True)
class Judged:
    """Scores of a pool beside what its tasks say.

    Attributes:
        pool: name of the pool.
        scores: candidates as columns, models as index; higher is better; NaN where a candidate has no score.
        mean_rank: mean over tasks of each model's rank, 1 is best.
        mean_value: mean over tasks of each model's value.
        families: family of each model.
    """

    pool: str
    scores: pd.DataFrame
    mean_rank: Floats
    mean_value: Floats
    families: npt.NDArray[np.object_]


def judged(pool: str, scores: pd.DataFrame, results: pd.DataFrame, families: dict[str, str]) -> Judged:
    """Join scores and task results of a pool.

    Args:
        pool: its name.
        scores: one column per candidate, models as index.
        results: task results, columns task, model, value.
        families: family by model.
    """
    values = results.pivot(index="model", columns="task", values="value").loc[scores.index]
    ranks = values.rank(ascending=False).mean(axis=1).to_numpy()
    names = np.array([families[model] for model in scores.index], dtype=object)
    return Judged(pool, scores, ranks, values.mean(axis=1).to_numpy(), names)


def with_last(scores: pd.DataFrame) -> Floats:
    """Scores in which a model without one comes last, shape (n_models, n_candidates)."""
    values = scores.to_numpy(dtype=float)
    lowest = np.nanmin(np.where(np.isfinite(values), values, np.inf), axis=0, keepdims=True)
    return np.where(np.isfinite(values), values, np.where(np.isfinite(lowest), lowest - 1, 0.0))


def spearman(scores: Floats, mean_rank: Floats) -> Floats:
    """Spearman's rho of scores with the mean task rank, signed so that agreement is positive.

    Args:
        scores: shape (n_models, n_candidates).
        mean_rank: shape (n_models,).

    Returns:
        Shape (n_candidates,); NaN where all scores are missing or equal.
    """
    x, y = rankdata(scores, axis=0), rankdata(-mean_rank)
    x, y = x - x.mean(axis=0), y - y.mean()
    scale = np.sqrt(np.square(x).sum(axis=0) * np.square(y).sum())
    return np.divide(x.T @ y, scale, out=np.full(x.shape[1], np.nan), where=scale > 0)


def regret(scores: Floats, mean_value: Floats, n_first: int) -> float:
    """Mean value of the best model less that of the best of the first `n_first`, in units of the tasks.

    Ties are broken at random, and the mean over orders is taken.
    """
    generator = np.random.default_rng(SEED)
    losses = []
    for _ in range(N_ORDERS):
        order = generator.permutation(len(scores))
        first = order[np.argsort(-scores[order], kind="stable")][:n_first]
        losses.append(mean_value.max() - mean_value[first].max())
    return float(np.mean(losses))


def table_of_pool(pool: Judged, seconds: dict[str, float]) -> pd.DataFrame:
    """One row per candidate that has scores."""
    known = pool.scores.dropna(axis=1, how="all")
    filled = with_last(known)
    agreement = spearman(filled, pool.mean_rank)
    rows = [
        {
            "pool": pool.pool,
            "candidate": name,
            "spearman": agreement[column],
            "regret_at_1": regret(filled[:, column], pool.mean_value, 1),
            "regret_at_3": regret(filled[:, column], pool.mean_value, 3),
            "first": known.index[filled[:, column].argmax()],
            "cpu_seconds": seconds[name],
            "n_models": len(filled),
        }
        for column, name in enumerate(known)
    ]
    return pd.DataFrame(rows)


def resampled_spearman(pool: Judged, seed: int) -> pd.DataFrame:
    """Spearman's rho of each candidate on resamples of whole families, the same for all candidates."""
    generator = np.random.default_rng([SEED, seed])
    names = np.unique(pool.families)
    members = {name: np.flatnonzero(pool.families == name) for name in names}
    filled, rows = with_last(pool.scores), []
    while len(rows) < N_RESAMPLES:
        drawn = np.concatenate([members[name] for name in generator.choice(names, len(names))])
        if len(np.unique(drawn)) >= 3:
            rows.append(spearman(filled[drawn], pool.mean_rank[drawn]))
    found = pd.DataFrame(rows, columns=pool.scores.columns)
    return found.where(pool.scores.notna().any(axis=0), axis=1)


def summary(table: pd.DataFrame, pools: list[Judged]) -> pd.DataFrame:
    """Means over pools, with intervals over pools and families within pools, and differences.

    Every resample draws pools, and families of models within each drawn pool; all candidates meet the same
    draws. Differences are over the pools that both candidates have.

    Args:
        table: rows of `table_of_pool` of these pools.
        pools: the pools that count.
    """
    means = table.groupby("candidate", sort=False).agg(
        mean_spearman=("spearman", "mean"),
        worst_spearman=("spearman", "min"),
        mean_regret_at_1=("regret_at_1", "mean"),
        worst_regret_at_1=("regret_at_1", "max"),
        mean_regret_at_3=("regret_at_3", "mean"),
        n_pools=("spearman", "count"),
        cpu_seconds=("cpu_seconds", "mean"),
    )
    values = table.pivot(index="pool", columns="candidate", values="spearman")
    values = values.loc[[pool.pool for pool in pools]]
    within = [
        resampled_spearman(pool, number).reindex(columns=values.columns) for number, pool in enumerate(pools)
    ]
    inside = np.array([each.to_numpy() for each in within])  # (n_pools, n_resamples, n_candidates)
    _add_intervals(means, "mean_spearman", values, inside)
    for short, reference in REFERENCES.items():
        name = f"less_{short}"
        differences = values.sub(values[reference], axis=0)
        means[name] = differences.mean()
        place = values.columns.get_loc(reference)
        _add_intervals(means, name, differences, inside - inside[:, :, [place]])
    return means.sort_values("mean_spearman", ascending=False).reset_index()


def _add_intervals(means: pd.DataFrame, name: str, values: pd.DataFrame, inside: Floats) -> None:
    """Intervals of means over drawn pools: of each pool's own value, and of a draw of its families."""
    n_pools = len(values)
    drawn = np.random.default_rng(SEED).integers(n_pools, size=(N_RESAMPLES, n_pools))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a draw without a pool that the candidate has
        fixed = np.nanmean(values.to_numpy()[drawn], axis=1)
        both = np.array([np.nanmean(inside[chosen, row], axis=0) for row, chosen in enumerate(drawn)])
    _add_interval(means, f"{name}_pools", pd.DataFrame(fixed, columns=values.columns))
    _add_interval(means, name, pd.DataFrame(both, columns=values.columns))


def _add_interval(means: pd.DataFrame, name: str, draws: pd.DataFrame) -> None:
    tail = (1 - LEVEL) / 2
    means[f"{name}_low"] = draws.quantile(tail)
    means[f"{name}_high"] = draws.quantile(1 - tail)


def by_modality(table: pd.DataFrame, modalities: dict[str, str]) -> pd.DataFrame:
    """Mean Spearman and regret of each candidate over the pools of each modality, one row per candidate.

    `all_modalities` is the mean of the means, so that a modality with many pools weighs no more.

    Args:
        table: rows of `table_of_pool`.
        modalities: modality by pool.
    """
    kinds = table["pool"].map(modalities)
    wide = table.groupby(["candidate", kinds], sort=False)[["spearman", "regret_at_1"]].mean().unstack()
    wide.columns = [f"{measure}_{kind}" for measure, kind in wide.columns]
    agreement = [column for column in wide if column.startswith("spearman_")]
    wide.insert(0, "all_modalities", wide[agreement].mean(axis=1, skipna=False))
    return wide.sort_values("all_modalities", ascending=False).reset_index()


def leave_one_pool_out(table: pd.DataFrame) -> pd.DataFrame:
    """The candidate of highest mean Spearman on the other pools, and how it does on the one left out.

    Only candidates that every pool has take part.
    """
    values = table.pivot(index="pool", columns="candidate", values="spearman").dropna(axis=1)
    rows = []
    for pool in values.index:
        chosen = values.drop(index=pool).mean().idxmax()
        row = table[(table["pool"] == pool) & (table["candidate"] == chosen)].iloc[0]
        rows.append(
            {
                "pool": pool,
                "chosen_on_the_others": chosen,
                **row[["spearman", "regret_at_1", "regret_at_3"]],
                "best_of_all": values.loc[pool].max(),
            }
        )
    return pd.DataFrame(rows)
