"""Does the ranking on fewer items change as subsampling the blocks of one fit says, without fitting anew?

For an eighth, a quarter and half of the items of a study: Kendall's correlation with the ranking on all
items and the number of neighbours told apart, once from random blocks of the fit on all items and once
from estimates that are fitted anew on random items; and, for pairs of neighbours that an eighth of the
items does not tell apart, whether the advice it gives comes true.

    python benchmarks/sample_size.py results/api-docs
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from suffice import rank
from suffice.files import open_array
from suffice.ranking import Ranking, rank_pairs
from suffice.ranking.sample_size import ranking_by_items, refit_by_items

ROOT = Path(__file__).resolve().parent.parent
N_DRAWS = 3


def main(results: Path) -> None:
    """Write the table."""
    folder = next(path for path in sorted((results / "embeddings").iterdir()) if path.is_dir())
    vectors = {path.stem: open_array(path) for path in sorted(folder.glob("*.npy"))}
    n_items = len(next(iter(vectors.values())))
    whole = rank(vectors)
    by_blocks = ranking_by_items(whole.pairs)
    rankings: list[tuple[int, pd.DataFrame]] = []

    def rank_items(items: np.ndarray) -> pd.DataFrame:
        if len(items) == n_items:
            return whole.table
        table = rank({name: np.asarray(array[items]) for name, array in vectors.items()}).table
        rankings.append((len(items), table))
        return table

    sizes = by_blocks["n_items"].astype(int).tolist()[:-1]
    refitted = refit_by_items(rank_items, n_items, sizes, N_DRAWS)
    means = refitted.groupby("n_items")[["kendall_tau", "separated"]].mean().add_suffix("_refitted")
    table = by_blocks.merge(means.reset_index(), on="n_items", how="left")
    table.insert(0, "study", results.name)
    table.round(3).to_csv(ROOT / "benchmarks" / "sample_size.csv", index=False)
    print(table.to_string(index=False))
    print(advice_that_came_true(whole, rankings).to_string(index=False))


def advice_that_came_true(whole: Ranking, rankings: list[tuple[int, pd.DataFrame]]) -> pd.DataFrame:
    """Of neighbours that few items do not tell apart: advised number of items, and what all items say."""
    rows = []
    for n_items, table in rankings:
        models = table["model"].tolist()
        for better, worse, needed in zip(models, models[1:], table["items_needed"], strict=False):
            if needed > n_items:
                pair = whole.pairs["source"].isin([better, worse])
                both = rank_pairs(whole.pairs[pair], seed=0)
                rows.append({"n_items": n_items, "advised": needed, "on_all": both["items_needed"].iloc[0]})
    found = pd.DataFrame(rows)
    within = found["advised"] <= whole.table["n_items"].iloc[0]
    found["said_enough"], found["is_enough"] = within, found["on_all"] <= whole.table["n_items"].iloc[0]
    return found.groupby(["n_items", "said_enough"])["is_enough"].agg(["sum", "size"]).reset_index()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/api-docs"))
