"""Too few items for `linear`: how well each estimator agrees with the tasks on part of a study's items.

    make study STUDY=api-docs
    make study STUDY=images
    make study STUDY=speech
    python benchmarks/few_items.py results/api-docs
    python benchmarks/few_items.py results/images results/speech --draws 3

Writes `few_items.csv`: means over random draws of groups of items, with two looks; `enough` is the share of
models that have at least two groups per dimension. Expected before the labels were read: with fewer pairs of
looks than twice the width of most models, `neighbours` alone agrees better
than `linear` alone, and both together lie between; with more than four times the width, both together agree
at least as well as `neighbours` alone. Expected before `images` and `speech` were read: the same on both.
There too, as on `api-docs` with 444 groups, `neighbours` alone is already better where only some models lack
two groups per dimension. Neither came out: docs/method.md has the figures. Every model is a target here.
A study that is not named keeps its rows.
"""

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from suffice import rank
from suffice.analyses.ablations import outcome_of
from suffice.data.looks import LookTable, read_looks
from suffice.errors import DoubtWarning
from suffice.estimators.names import WITH_TWO_LOOKS
from suffice.ranking.relatives import near_copies
from suffice.ranking.scores import rank_pairs
from suffice.ranking.settings import RankingSettings
from suffice.ranking.table import ordering_values
from suffice.seeds import derive_seed
from suffice.storage.files import open_array, read_table, write_table

TABLE = Path(__file__).resolve().with_suffix(".csv")
WAYS = {
    "linear": ("linear",),
    "neighbours": ("neighbours",),
    "linear and neighbours": ("linear", "neighbours"),
}
SIZES = (125, 250, 500, 1000, 2000, 4000)  # pairs of looks
MAX_SHARE = 0.9  # of all pairs; larger parts are almost the whole


def looks_of(results: Path) -> tuple[LookTable, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """The pairs of looks of a study's only ranked data set, and each model's vectors of both looks."""
    (path,) = (results / "looks").glob("*.parquet")
    table = read_looks(path)
    items = {file.stem: file for file in sorted((results / "embeddings" / path.stem).glob("*.npy"))}
    made = {name: results / "looks" / path.stem / f"{name}.npy" for name in items}
    looks = {name: open_array(file) if file.exists() else None for name, file in made.items()}
    return table, {name: table.vectors(open_array(file), looks[name]) for name, file in items.items()}


def relatives_of(results: Path) -> dict[str, str]:
    """The family of each model, as the study counts them."""
    (path, *_) = sorted((results / "ranking").glob("*/*.csv"))
    return dict(read_table(path).set_index("model")["relatives"].astype(str))


def drawn(table: LookTable, n_pairs: int, seed: int) -> np.ndarray:
    """Rows of about `n_pairs` pairs of looks, of whole groups drawn at random."""
    groups = pd.factorize(table.group)[0]
    order = np.random.default_rng(seed).permutation(groups.max() + 1)
    place = np.argsort(order)[groups]
    within = np.argsort(place, kind="stable")[:n_pairs]
    return np.sort(within)


def rows_of(results: Path, n_draws: int) -> Iterator[dict[str, object]]:
    """One row per size, draw and way."""
    table, vectors = looks_of(results)
    tasks = pd.concat([read_table(path) for path in sorted((results / "tasks").glob("*.csv"))])
    outcome = outcome_of(tasks)
    value = tasks.pivot(index="model", columns="task", values="value").mean(axis=1)
    copies = near_copies({name: first for name, (first, _) in vectors.items()})
    families = relatives_of(results)
    widths = np.array([first.shape[1] for first, _ in vectors.values()])
    for size in (*[each for each in SIZES if each <= MAX_SHARE * table.n_pairs], table.n_pairs):
        for draw in range(n_draws if size < table.n_pairs else 1):
            rows = drawn(table, size, derive_seed(draw, results.name, str(size)))
            first, second = (
                {name: np.asarray(both[side][rows]) for name, both in vectors.items()} for side in (0, 1)
            )
            n_groups = len(set(table.group[rows]))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DoubtWarning)
                pairs = rank(first, second, WITH_TWO_LOOKS, groups=table.group[rows]).pairs
            for way, estimators in WAYS.items():
                of_way = pairs[pairs["estimator"].isin(estimators)].reset_index(drop=True)
                order = ordering_values(rank_pairs(of_way, RankingSettings(), 0, families, copies))
                yield {
                    "study": results.name,
                    "n_pairs": size,
                    "n_groups": n_groups,
                    "enough": np.mean(widths * 2 <= n_groups),
                    "way": way,
                    "spearman": order.corr(outcome[order.index], method="spearman"),
                    "regret_at_1": value.max() - value[order.idxmax()],
                }


def means_of(results: Path, n_draws: int) -> pd.DataFrame:
    """Means over the draws of one study."""
    draws = pd.DataFrame(rows_of(results, n_draws)).groupby(["study", "n_pairs", "way"], sort=False)
    means = draws[["n_groups", "enough", "spearman", "regret_at_1"]].mean()
    return means.assign(spearman_sd=draws["spearman"].std(), n_draws=draws.size()).reset_index()


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("results", nargs="+", type=Path)
    parser.add_argument("--draws", type=int, default=6)
    given = parser.parse_args()
    made = pd.concat([means_of(folder, given.draws) for folder in given.results])
    before = [read_table(TABLE)] if TABLE.exists() else []
    kept = [table[~table["study"].isin(made["study"])] for table in before]
    table = pd.concat([*kept, made]).round(4)
    write_table(table, TABLE)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
