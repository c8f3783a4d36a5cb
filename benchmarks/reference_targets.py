"""What is lost with fewer targets, and does it help to spread them over families?

For k targets: Spearman's correlation of the ranking over these targets with that over all, and with task
performance, over 300 draws of any k models and 300 draws that are spread over families, as
`rank(..., targets=k, families=...)` makes them: means, and the band that holds 95 % of the draws.

    python benchmarks/reference_targets.py results/api-docs
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from suffice.analyses.correlation import mean_rank_table
from suffice.ranking.arrays import aggregate
from suffice.ranking.targets import choose_targets

ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = ROOT / "config" / "published"
NUMBERS = (2, 3, 4, 5, 6, 8, 12, 17, 25)
N_DRAWS = 300


@dataclass(frozen=True)
class Pool:
    """Nats per dimension of all pairs, NaN for a model with itself, task performance, and families."""

    name: str
    matrix: pd.DataFrame
    performance: np.ndarray
    families: dict[str, str]

    def agreement(self, targets: list[str]) -> dict[str, float]:
        """Correlations of the ranking over some targets."""
        value = aggregate(self.matrix[targets].to_numpy(), "ranks")
        whole = aggregate(self.matrix.to_numpy(), "ranks")
        return {"all targets": spearman(value, whole), "tasks": spearman(value, self.performance)}


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's correlation over the models that have both."""
    both = np.isfinite(first) & np.isfinite(second)
    return float(spearmanr(first[both], second[both]).statistic)


def published_pool() -> Pool:
    """The published matrix and the average over the tasks of MTEB."""
    models = pd.read_csv(PUBLISHED / "darrin2024_text_models.csv").set_index("model")
    matrix = without_self(pd.read_csv(PUBLISHED / "darrin2024_text_pairs.csv"))
    performance = models["mteb_average"].reindex(matrix.index).to_numpy(float)
    return Pool("published, knife", matrix, performance, dict(models["family"]))


def study_pool(results: Path) -> Pool:
    """The pairs of a study in `config` that has run with all targets."""
    files = sorted((results / "pairs").glob("*/linear/*.parquet"))
    matrix = without_self(pd.concat(map(pd.read_parquet, files), ignore_index=True))
    tasks = pd.concat(map(pd.read_csv, sorted((results / "tasks").glob("*.csv"))), ignore_index=True)
    ranks = mean_rank_table(tasks).set_index("model")["mean_rank"].reindex(matrix.index)
    models = pd.read_csv(ROOT / "config" / results.name / "models.tsv", sep="\t", comment="#")
    families = dict(zip(models["model"], models["family"], strict=True))
    return Pool(f"{results.name}, linear", matrix, -ranks.to_numpy(float), families)


def without_self(pairs: pd.DataFrame) -> pd.DataFrame:
    """The matrix with NaN for a model with itself."""
    table = pairs.pivot(index="source", columns="target", values="nats_per_dim").astype(float)
    return table.mask(table.index.to_numpy()[:, None] == table.columns.to_numpy())


def rows_of(pool: Pool) -> list[dict[str, object]]:
    """One row for each number of targets, each way to draw them and each comparison of the ranking."""
    models = list(pool.matrix)
    rows = []
    for k in [k for k in NUMBERS if k < len(models)]:
        for way, families in (("any", None), ("spread over families", pool.families)):
            drawn = [choose_targets(models, k, families, seed) for seed in range(N_DRAWS)]
            found = pd.DataFrame(map(pool.agreement, drawn))
            for against, values in found.items():
                low, high = values.quantile([0.025, 0.975])
                row = {"pairs": pool.name, "n_targets": k, "targets": way, "against": against}
                rows.append(row | {"mean": values.mean(), "low": low, "high": high})
    return rows


def main(results: Path) -> None:
    """Write and print the table."""
    pools = [published_pool(), *([study_pool(results)] if (results / "pairs").is_dir() else [])]
    table = pd.DataFrame([row for pool in pools for row in rows_of(pool)]).round(3)
    table.to_csv(ROOT / "benchmarks" / "reference_targets.csv", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/api-docs"))
