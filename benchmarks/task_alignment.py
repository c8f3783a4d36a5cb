"""Does the ranking agree with labelled tasks? By pool, estimator, aggregate and treatment of self pairs.

Pools: the default study (a folder of its results), labelled texts and labelled molecules (both made from a
folder of data with text/, models/ and molecules/; the molecules need rdkit and scikit-fingerprints, which
the project does not), and the published pairs, whose self pairs are clipped at 1 nat per dimension. Name
the estimators; `knife:2000` takes 2,000 of the items, at random. Rows of other estimators that the table
already holds stay. Labels serve to judge alone: nothing is fitted to them.

    python benchmarks/task_alignment.py DATA results/api-docs --estimators linear gaussian copula knife:2000

Pools and pairs are kept in the folder --work; what is there is not made again.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from aggregates import by_rows, ranks_gained_by_a_copy, split_half_agreement, without_self
from pools import SEED, Pool, read_pool

from suffice.analyses.correlation import (
    BASELINE,
    INFORMATION,
    MEAN_RANK,
    correlation_table,
    mean_rank_table,
    paired_difference,
)
from suffice.baselines.registry import baseline_table
from suffice.estimators.items import divide_items
from suffice.estimators.names import DEFAULT_ESTIMATOR
from suffice.estimators.registry import get_estimator
from suffice.ranking.scores import RankingSettings
from suffice.storage.files import read_table, write_table
from suffice.storage.provenance import machine, versions

HERE = Path(__file__).resolve().parent
TABLE = HERE / "task_alignment.csv"
PUBLISHED = HERE.parent / "config" / "published"
PUBLISHED_ITEMS, PUBLISHED_TASKS = 160_172, 56
AGGREGATES = {"median": by_rows(np.median), "mean": by_rows(np.mean)}
SELF_PAIRS = {"out": without_self, "in": lambda matrix: matrix.astype(float)}
REFERENCE = (
    DEFAULT_ESTIMATOR,
    str(RankingSettings.model_fields["aggregate"].default),
    "in" if RankingSettings.model_fields["self_pairs"].default else "out",
)
Setting = tuple[str, str, str]  # estimator, aggregate, self pairs


def pairs_of(pool: Pool, estimator: str, work: Path) -> pd.DataFrame:
    """All pairs of a pool under one estimator (`name` or `name:n_items`), kept in `work`."""
    path = work / "pairs" / pool.name / f"{estimator.replace(':', '-')}.parquet"
    if not path.exists():
        write_table(estimate_pairs(pool, estimator), path)
    return read_table(path)


def estimate_pairs(pool: Pool, estimator: str) -> pd.DataFrame:
    """Estimate all pairs of a pool, one row per pair; `cpu_seconds` is that of all together."""
    name, _, n_items = estimator.partition(":")
    rows = sampled_rows(len(pool.groups), int(n_items) if n_items else len(pool.groups))
    start = time.process_time()
    chosen = get_estimator(name)(seed=SEED)
    plan = divide_items(len(rows), pool.groups[rows], SEED)
    prepared = chosen.prepare_all({model: array[rows] for model, array in pool.vectors.items()}, plan)
    pairs = pd.DataFrame(
        {"source": source, "target": target, **result.as_row()}
        for source, target, result in chosen.all_pairs(prepared)
    )
    kept = pairs[["source", "target", "nats_per_dim", "target_dim", "warnings"]]
    return kept.assign(n_items=len(rows), cpu_seconds=time.process_time() - start)


def sampled_rows(n_items: int, n_kept: int) -> np.ndarray:
    """Positions of the items that are used, in their order."""
    if n_kept > n_items:
        raise SystemExit(f"the pool has {n_items} items, fewer than {n_kept}; name fewer")
    return np.sort(np.random.default_rng(SEED).permutation(n_items)[:n_kept])


def settings_of(pairs: dict[str, pd.DataFrame]) -> Iterator[tuple[Setting, pd.DataFrame]]:
    """Each setting, and the matrix of its estimator's pairs in nats per dimension, sources by targets."""
    for estimator, table in pairs.items():
        matrix = table.pivot(index="source", columns="target", values="nats_per_dim")
        for aggregate in AGGREGATES:
            for self_pairs in SELF_PAIRS:
                yield (estimator, aggregate, self_pairs), matrix


def name_of(setting: Setting) -> str:
    """The setting as one word of a table."""
    return ", ".join(setting)


def scores_of(matrix: pd.DataFrame, aggregate: str, self_pairs: str) -> np.ndarray:
    """The score of each source."""
    return AGGREGATES[aggregate](SELF_PAIRS[self_pairs](matrix.to_numpy()), np.ones(len(matrix)))


def steadiness(matrix: pd.DataFrame, aggregate: str, self_pairs: str) -> dict[str, float]:
    """Agreement of two halves of the targets, and what a copy of itself in the pool gains a model."""
    counted, dims = SELF_PAIRS[self_pairs](matrix.to_numpy()), np.ones(len(matrix))
    copy = float(np.median(np.diag(matrix)))
    return {
        "split_half_spearman": split_half_agreement(counted, dims, AGGREGATES[aggregate]),
        "ranks_gained_by_a_copy": ranks_gained_by_a_copy(counted, dims, AGGREGATES[aggregate], copy),
    }


def rows_of(
    name: str, pairs: dict[str, pd.DataFrame], baselines: pd.DataFrame, results: pd.DataFrame
) -> pd.DataFrame:
    """One row per setting, and one per baseline; `baselines` has the models as index."""
    rows, values = [], {}
    for setting, matrix in settings_of(pairs):
        described = dict(zip(("predictor", "aggregate", "self_pairs"), setting, strict=True))
        cost = pairs[setting[0]][["n_items", "cpu_seconds"]].iloc[0].to_dict()
        rows.append({"name": name_of(setting), **described, **cost, **steadiness(matrix, *setting[1:])})
        values[name_of(setting)] = pd.Series(scores_of(matrix, *setting[1:]), index=matrix.index)
    rows += [{"name": baseline, "predictor": baseline} for baseline in baselines]
    scores = pd.DataFrame(values).join(baselines).rename_axis("model")
    table = pd.DataFrame(rows).merge(agreement_with_tasks(scores, results), on="name")
    return table.assign(pool=name, n_tasks=results["task"].nunique()).drop(columns="name")


def rows_of_pool(pool: Pool, estimators: list[str], work: Path) -> pd.DataFrame:
    """The rows of a pool of vectors."""
    pairs = {estimator: pairs_of(pool, estimator, work) for estimator in estimators}
    return rows_of(pool.name, pairs, baseline_table(pool.vectors).set_index("model"), pool.results)


def rows_of_published() -> pd.DataFrame:
    """The rows of the published pairs of `knife`; tasks are the average of the MTEB leaderboard's 56."""
    pairs = pd.read_csv(PUBLISHED / "darrin2024_text_pairs.csv")
    models = pd.read_csv(PUBLISHED / "darrin2024_text_models.csv").set_index("model")
    results = models["mteb_average"].dropna().rename("value").reset_index().assign(task="mteb_average")
    pairs = pairs.assign(n_items=PUBLISHED_ITEMS, cpu_seconds=np.nan)
    table = rows_of("published", {"knife": pairs}, models[["embed_dim", "params_million"]], results)
    return table.assign(n_tasks=PUBLISHED_TASKS)


def agreement_with_tasks(scores: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Spearman with the mean task rank of each column of scores, and its difference from the reference's."""
    reference = name_of(REFERENCE)
    reference = reference if reference in scores else name_of(("knife", *REFERENCE[1:]))
    tidy = scores.reset_index().melt(id_vars="model", var_name="predictor")
    # The library compares each of one kind with each of the other: here all others with the reference.
    tidy = tidy.assign(predictor_kind=np.where(tidy["predictor"] == reference, BASELINE, INFORMATION))
    one = mean_rank_table(results).assign(task="mean of ranks", value=lambda table: -table["mean_rank"])
    found = correlation_table(tidy, one, seed=SEED)
    wanted = (found["task"] == MEAN_RANK) & (found["statistic"] == "spearman")
    found = found.loc[wanted, ["predictor", "value", "low", "high", "n_models"]]
    found.columns = ["name", "spearman", "low", "high", "n_models"]
    against = paired_difference(tidy, one, seed=SEED)[["predictor", "difference", "low", "high"]]
    against.columns = ["name", "less_default", "less_default_low", "less_default_high"]
    return found.merge(against, on="name", how="left")


COLUMNS = [
    "pool", "predictor", "aggregate", "self_pairs", "n_items", "spearman", "low", "high", "less_default",
    "less_default_low", "less_default_high", "split_half_spearman", "ranks_gained_by_a_copy", "n_models",
    "n_tasks", "cpu_seconds",
]  # fmt: skip


def tables_of(given: argparse.Namespace) -> Iterator[pd.DataFrame]:
    """The rows of the pools named, one pool after the other."""
    estimators = list(dict.fromkeys([DEFAULT_ESTIMATOR, *given.estimators]))  # others are compared with it
    for name in given.pools:
        if name == "published":
            yield rows_of_published()
        else:
            yield rows_of_pool(read_pool(folder_of(name, given)), estimators, given.work)


def folder_of(name: str, given: argparse.Namespace) -> Path:
    """The folder of a pool of vectors, made if need be."""
    if name == "texts":
        from text_pool import make_text_pool

        return make_text_pool(given.data, given.work / "texts")
    if name == "molecules":
        from molecule_pool import make_molecule_pool

        return make_molecule_pool(given.data / "molecules", given.work / "molecules")
    return given.results


def with_kept_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The new rows, and those of the written table that are of another pool or predictor."""
    if not TABLE.exists():
        return table
    old = read_table(TABLE)
    key = ["pool", "predictor"]
    new = pd.MultiIndex.from_frame(table[key])
    kept = old[~pd.MultiIndex.from_frame(old[key]).isin(new)]
    return pd.concat([table, kept], ignore_index=True)


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description="Agreement of rankings with labelled tasks.")
    parser.add_argument("data", type=Path, help="folder of labelled texts, molecules and small models")
    parser.add_argument("results", type=Path, help="results of the default study")
    parser.add_argument("--work", type=Path, default=Path("results/task-alignment"), help="where pools go")
    parser.add_argument("--estimators", nargs="+", default=["linear", "gaussian", "copula"])
    pools = ["study", "texts", "molecules", "published"]
    parser.add_argument("--pools", nargs="+", choices=pools, default=pools)
    table = with_kept_rows(pd.concat(tables_of(parser.parse_args()), ignore_index=True)).round(3)
    table = table.astype({"n_items": "Int64"})[COLUMNS]
    table = table.sort_values(["pool", "predictor", "aggregate", "self_pairs"], ignore_index=True)
    write_table(table, TABLE)
    print(table.to_string(index=False))
    print(machine(), versions())


if __name__ == "__main__":
    main()
