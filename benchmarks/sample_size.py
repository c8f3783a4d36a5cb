"""Does the ranking on fewer items change as parts of one fit say, and is the advice on items good?

For an eighth, a quarter and half of the items of a study: Kendall's correlation with the ranking on all items
and the number of distinguishable neighbours. Both come once from random blocks of the fit on all items, and
once from new fits on random items. For all new fits, a second table compares the advice with the result: how
many neighbours that are not distinguishable should be with all items, by the advice, and how many are.

    python benchmarks/sample_size.py results/api-docs
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from suffice import rank
from suffice.ranking import Ranking
from suffice.ranking.arrays import arrays_of
from suffice.ranking.order import by_wins
from suffice.ranking.sample_size import enough_items, ranking_by_items, refit_by_items
from suffice.storage.files import open_array

ROOT = Path(__file__).resolve().parent.parent
N_DRAWS = 3


def main(results: Path) -> None:
    """Write the tables."""
    folder = next(path for path in sorted((results / "embeddings").iterdir()) if path.is_dir())
    vectors = {path.stem: open_array(path) for path in sorted(folder.glob("*.npy"))}
    n_items = len(next(iter(vectors.values())))
    whole = rank(vectors)
    by_blocks = ranking_by_items(whole.pairs)
    rankings: list[pd.DataFrame] = []

    def rank_items(items: np.ndarray) -> pd.DataFrame:
        if len(items) == n_items:
            return whole.table
        rankings.append(rank({name: np.asarray(array[items]) for name, array in vectors.items()}).table)
        return rankings[-1]

    sizes = by_blocks["n_items"].astype(int).tolist()[:-1]
    refitted = refit_by_items(rank_items, n_items, sizes, N_DRAWS)
    means = refitted.groupby("n_items")[["kendall_tau", "separated"]].mean().add_suffix("_refitted")
    table = by_blocks.merge(means.reset_index(), on="n_items", how="left")
    table.insert(0, "study", results.name)
    table.round(3).to_csv(ROOT / "benchmarks" / "sample_size.csv", index=False)
    print(table.to_string(index=False))
    advice = advice_that_came_true(whole, rankings)
    advice.to_csv(ROOT / "benchmarks" / "sample_size_advice.csv", index=False)
    print(advice.to_string(index=False))


def advice_that_came_true(whole: Ranking, rankings: list[pd.DataFrame]) -> pd.DataFrame:
    """Neighbours that few items do not distinguish: whether all should, by the advice, and if they do."""
    arrays = arrays_of(whole.pairs)
    order, matrix = by_wins(arrays, 1000, 0), arrays.matrix()
    rows = []
    for table in rankings:
        places = [arrays.models.index(model) for model in table["model"]]
        for first, second, needed in zip(places, places[1:], table["items_needed"], strict=False):
            if needed > enough_items(table):
                on_all = order.separates(matrix, first, second, 1.0)
                rows.append((table["n_items"].iloc[0], needed <= arrays.n_items, on_all))
    found = pd.DataFrame(rows, columns=["n_items", "advised", "told_apart"])
    counts = found.groupby(["n_items", "advised"])["told_apart"].agg(told_apart="sum", neighbours="size")
    return counts.reset_index()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/api-docs"))
