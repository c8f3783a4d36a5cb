"""What is lost with fewer targets, and does it help to choose them?

For k targets: Spearman's correlation of the scores over these targets with those over all, and with task
performance; 300 random draws of k targets (mean, and the band that holds 95 % of the draws) and the k
that are chosen. In a study they are chosen from the vectors, as `rank(..., targets=k)` does; for the
published matrix, whose vectors are not at hand, the same method takes the mean of both directions of a
pair as likeness, so that there it sees what it is to save.

    python benchmarks/reference_targets.py results/api-docs
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import spearmanr

from suffice.comparison.correlation import mean_rank_table
from suffice.files import open_array
from suffice.plots.style import ACCENT, BAND, MUTED, WIDTH_INCHES, panel_title, sized, styled
from suffice.ranking.arrays import aggregate
from suffice.ranking.targets import choose_targets, k_medoids

ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = ROOT / "config" / "published"
NUMBERS = (1, 2, 3, 4, 5, 6, 8, 12, 17, 25)
N_DRAWS = 300
TRUTHS = {"full": "with the score over all targets", "tasks": "with task performance"}


@dataclass(frozen=True)
class Pool:
    """Pairs of all models: nats per dimension (n_models, n_models), NaN for a model with itself."""

    name: str
    matrix: np.ndarray
    performance: np.ndarray
    chosen: dict[int, list[int]]

    def agreement(self, targets: np.ndarray | list[int], how: str) -> dict[str, float]:
        """Correlations of the scores over some targets; a model without another target is left out."""
        score = aggregate(self.matrix[:, targets], how)
        full = aggregate(self.matrix, how)
        return {"full": spearman(score, full), "tasks": spearman(score, self.performance)}


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's correlation over the models that have both."""
    both = np.isfinite(first) & np.isfinite(second)
    return float(spearmanr(first[both], second[both]).statistic)


def numbers_for(n_models: int) -> list[int]:
    """Numbers of targets to try, the last all."""
    return [k for k in NUMBERS if k < n_models] + [n_models]


def published_pool() -> Pool:
    """The published matrix and the average over the tasks of MTEB."""
    pairs = pd.read_csv(PUBLISHED / "darrin2024_text_pairs.csv")
    models = pd.read_csv(PUBLISHED / "darrin2024_text_models.csv").set_index("model")
    table = pairs.pivot(index="source", columns="target", values="nats_per_dim")
    likeness = ((table + table.T) / 2).to_numpy(copy=True)
    np.fill_diagonal(likeness, likeness.max())
    chosen = {k: k_medoids(likeness.max() - likeness, k) for k in numbers_for(len(table))}
    performance = models["mteb_average"].reindex(table.index).to_numpy(float)
    return Pool("published, knife", without_self(table), performance, chosen)


def study_pool(results: Path) -> Pool:
    """The pairs of a study that has run with all targets."""
    files = sorted((results / "pairs").glob("*/linear/*.parquet"))
    pairs = pd.concat(map(pd.read_parquet, files), ignore_index=True)
    tasks = pd.concat(map(pd.read_csv, sorted((results / "tasks").glob("*.csv"))), ignore_index=True)
    table = pairs.pivot(index="source", columns="target", values="nats_per_dim")
    folder = results / "embeddings" / files[0].parts[-3]
    vectors = {model: open_array(folder / f"{model}.npy") for model in table.index}
    chosen = {
        k: [table.index.get_loc(model) for model in choose_targets(vectors, k)]
        for k in numbers_for(len(table))
    }
    performance = -mean_rank_table(tasks).set_index("model")["mean_rank"].reindex(table.index).to_numpy(float)
    return Pool(f"{results.name}, linear", without_self(table), performance, chosen)


def without_self(table: pd.DataFrame) -> np.ndarray:
    """The matrix with NaN for a model with itself."""
    matrix = table.to_numpy(dtype=float, copy=True)
    np.fill_diagonal(matrix, np.nan)
    return matrix


def rows_of(pool: Pool, how: str) -> list[dict[str, object]]:
    """One row for each number of targets and each truth."""
    generator = np.random.default_rng(0)
    rows = []
    for k, chosen in pool.chosen.items():
        subsets = [generator.permutation(len(pool.matrix))[:k] for _ in range(N_DRAWS)]
        draws = pd.DataFrame([pool.agreement(subset, how) for subset in subsets])
        ours = pool.agreement(chosen, how)
        for truth in TRUTHS:
            low, high = draws[truth].quantile([0.025, 0.975])
            row = {"pairs": pool.name, "aggregate": how, "n_targets": k, "with": truth}
            row |= {"random_mean": draws[truth].mean(), "random_low": low, "random_high": high}
            beaten = (draws[truth] <= ours[truth]).mean()
            rows.append(row | {"chosen": ours[truth], "draws_not_better": beaten})
    return rows


@styled
def draw(table: pd.DataFrame, figure: Figure | None = None) -> Figure:
    """A panel for each pool and truth."""
    pools = list(dict.fromkeys(table["pairs"]))
    figure = sized(figure, WIDTH_INCHES, 2.3 * len(pools))
    grid = figure.subplots(len(pools), 2, squeeze=False, sharex="row")
    for axes_row, pool in zip(grid, pools, strict=True):
        for axes, truth in zip(axes_row, TRUTHS, strict=True):
            draw_panel(axes, table[(table["pairs"] == pool) & (table["with"] == truth)])
            panel_title(axes, f"{pool}: {TRUTHS[truth]}", bold=False)
    grid[0, 0].legend(loc="lower right")
    return figure


def draw_panel(axes: Axes, rows: pd.DataFrame) -> None:
    """Random and chosen targets against their number."""
    axes.fill_between(rows["n_targets"], rows["random_low"], rows["random_high"], color=BAND, lw=0)
    axes.plot(rows["n_targets"], rows["random_mean"], color=MUTED, label="random: mean, 95 % of draws")
    axes.plot(rows["n_targets"], rows["chosen"], "o-", color=ACCENT, ms=4, label="chosen")
    axes.set_xscale("log")
    axes.set_xticks(list(rows["n_targets"]), [str(k) for k in rows["n_targets"]])
    axes.minorticks_off()
    axes.set(xlabel="targets", ylabel="Spearman's ρ", ylim=(min(0.0, rows["random_low"].min()), 1.03))


def main(results: Path) -> None:
    """Write the table and the figure."""
    pools = [published_pool(), study_pool(results)]
    rows = [row for pool in pools for how in ("median", "mean") for row in rows_of(pool, how)]
    table = pd.DataFrame(rows).round(3)
    table.to_csv(ROOT / "benchmarks" / "reference_targets.csv", index=False)
    shown = table[table["aggregate"] == "median"]
    draw(shown).savefig(ROOT / "benchmarks" / "reference_targets.png", dpi=150, metadata={"Software": None})
    print(table.to_string(index=False))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/api-docs"))
