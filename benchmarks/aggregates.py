"""Which summary over targets makes the steadiest score? Evidence for the default of `aggregate`.

For each summary: how well scores over one random half of the targets agree with scores over the other
half (no labels are used), how many ranks a model gains when a copy of it joins the pool, and the
correlation with task performance. On the pairs of a study that has run, and on the published matrix.

    python benchmarks/aggregates.py results/api-docs
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata, spearmanr, trim_mean

from suffice.analyses.correlation import mean_rank_table

ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = ROOT / "config" / "published"
N_HALVES = 300
Summary = Callable[[np.ndarray, np.ndarray], np.ndarray]


def by_rows(summary: Callable[[np.ndarray], float]) -> Summary:
    """A summary of each row's values that count."""
    return lambda matrix, dims: np.array([summary(row[~np.isnan(row)]) for row in matrix])


def weighted_by_dims(matrix: np.ndarray, dims: np.ndarray) -> np.ndarray:
    """Nats about all targets' dimensions together, per dimension."""
    weights = np.where(np.isnan(matrix), 0.0, dims)
    return np.nansum(matrix * weights, axis=1) / weights.sum(axis=1)


SUMMARIES: dict[str, Summary] = {
    "median": by_rows(np.median),
    "trimmed mean (20 %)": by_rows(lambda row: float(trim_mean(row, 0.2))),
    "mean": by_rows(np.mean),
    "geometric mean": by_rows(lambda row: float(np.log(np.maximum(row, 1e-3)).mean())),
    "mean share of variance": by_rows(lambda row: float((1 - np.exp(-2 * row)).mean())),
    "mean weighted by width": weighted_by_dims,
}


def without_self(matrix: np.ndarray) -> np.ndarray:
    """The matrix with the diagonal left out."""
    matrix = matrix.astype(float).copy()
    np.fill_diagonal(matrix, np.nan)
    return matrix


def split_half_agreement(matrix: np.ndarray, dims: np.ndarray, summary: Summary) -> float:
    """Mean Spearman correlation of the scores over two random halves of the targets."""
    generator = np.random.default_rng(0)
    values = []
    for _ in range(N_HALVES):
        order = generator.permutation(len(matrix))
        halves = order[: len(order) // 2], order[len(order) // 2 :]
        scores = [summary(matrix[:, half], dims[half]) for half in halves]
        values.append(spearmanr(*scores).statistic)
    return float(np.mean(values))


def ranks_gained_by_a_copy(
    matrix: np.ndarray, dims: np.ndarray, summary: Summary, self_value: float
) -> float:
    """Mean over models of the ranks that a model gains among the others when a copy of it joins the pool."""
    gains = []
    before = rankdata(-summary(matrix, dims))
    for model in range(len(matrix)):
        order = np.r_[np.arange(len(matrix)), model]
        wider = matrix[np.ix_(order, order)]
        wider[-1, -1], wider[model, -1], wider[-1, model] = np.nan, self_value, self_value
        after = rankdata(-summary(wider, dims[order])[:-1])
        gains.append(before[model] - after[model])
    return float(np.mean(gains))


def rows_of(name: str, pairs: pd.DataFrame, performance: pd.Series) -> list[dict[str, object]]:
    """One row per summary."""
    matrix = pairs.pivot(index="source", columns="target", values="nats_per_dim")
    dims = pairs.groupby("target")["target_dim"].first().reindex(matrix.index).to_numpy(float)
    values, known = without_self(matrix.to_numpy()), performance.reindex(matrix.index)
    self_value = float(np.median(np.diag(matrix)))
    has = known.notna().to_numpy()
    return [
        {
            "pairs": name,
            "summary": summary,
            "split_half_spearman": round(split_half_agreement(values, dims, function), 3),
            "ranks_gained_by_a_copy": round(ranks_gained_by_a_copy(values, dims, function, self_value), 2),
            "spearman_with_tasks": round(spearmanr(function(values, dims)[has], known[has]).statistic, 3),
            "n_models": int(has.sum()),
        }
        for summary, function in SUMMARIES.items()
    ]


def main(results: Path) -> None:
    """Write the table for one study and the published matrix."""
    files = sorted((results / "pairs").glob("*/linear/*.parquet"))
    study = pd.concat(map(pd.read_parquet, files), ignore_index=True)
    tasks = pd.concat(map(pd.read_csv, sorted((results / "tasks").glob("*.csv"))), ignore_index=True)
    mean_rank = -mean_rank_table(tasks).set_index("model")["mean_rank"]
    published = pd.read_csv(PUBLISHED / "darrin2024_text_pairs.csv")
    models = pd.read_csv(PUBLISHED / "darrin2024_text_models.csv").set_index("model")
    rows = rows_of(f"{results.name}, linear", study, mean_rank)
    rows += rows_of("published, knife", published, models["mteb_average"])
    table = pd.DataFrame(rows)
    table.to_csv(ROOT / "benchmarks" / "aggregates.csv", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/api-docs"))
