"""Do 95 % intervals hold what they should in 95 % of draws, and are equal models called tied?

Three pools of six models, of which the first two are equal, with known population values for each
family. Counted over draws of the items: intervals of pairs and of scores, rank intervals of all models
at once, whether the two equal models share a tie group, and the share of neighbours that are told apart.
An estimator is held to what its own family converges to.

    python benchmarks/coverage.py --estimators linear,gaussian --draws 200
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from suffice import rank
from suffice.calibration.pools import DESIGNS, GAUSSIAN, LINEAR, TRUTH, Pool, draw_pool
from suffice.ranking import RankingSettings, rank_pairs

TABLE = Path(__file__).resolve().parent / "coverage.csv"
FAMILY_OF = {"linear": LINEAR, "gaussian": GAUSSIAN}  # every other estimator aims at the truth
QUANTILE = 1.96


def rows_of_draw(pool: Pool, estimator: str, seed: int) -> Iterator[dict[str, Any]]:
    """What held in one draw: one row for each quantity, with the share that held."""
    family = FAMILY_OF.get(estimator, TRUTH)
    names = list(pool.embeddings)
    pairs = rank(pool.embeddings, estimator, seed=seed, groups=pool.groups).pairs
    yield {"quantity": "pair", "aggregate": "", "held": _pairs_held(pairs, pool.population[family], names)}
    for aggregate in ("mean", "median"):
        table = rank_pairs(pairs, RankingSettings(aggregate=aggregate), seed).set_index("model").loc[names]
        truth = pool.scores(family, aggregate)
        groups = table["tie_group"]
        held = {
            "score": _inside(truth, table["score_low"], table["score_high"]),
            "ranks of all models at once": float(_ranks_held(truth, table) == 1),
            "equal models tied": float(groups.iloc[0] == groups.iloc[1]),
            "different neighbours told apart": _neighbours_apart(truth, table),
        }
        for quantity, share in held.items():
            yield {"quantity": quantity, "aggregate": aggregate, "held": share}


def _pairs_held(pairs: pd.DataFrame, population: np.ndarray, names: list[str]) -> float:
    """Share of ordered pairs whose interval holds the population value."""
    others = pairs[pairs["source"] != pairs["target"]]
    place = {name: index for index, name in enumerate(names)}
    truth = population[others["source"].map(place), others["target"].map(place)]
    half_width = QUANTILE * others["standard_error_nats"] / others["target_dim"]
    return float(((others["nats_per_dim"] - truth).abs() <= half_width).mean())


def _inside(truth: np.ndarray, low: pd.Series, high: pd.Series) -> float:
    return float(((low <= truth) & (truth <= high)).mean())


def _ranks_held(truth: np.ndarray, table: pd.DataFrame) -> float:
    """Share of models whose rank interval holds all ranks that are theirs, ties included."""
    difference = truth[None, :] - truth[:, None]
    surely = 1e-9
    best = 1 + (difference > surely).sum(axis=1)
    worst = len(truth) - (difference < -surely).sum(axis=1)
    return float(((table["rank_low"] <= best) & (worst <= table["rank_high"])).mean())


def _neighbours_apart(truth: np.ndarray, table: pd.DataFrame) -> float:
    """Share of neighbours in the true order, equal ones left out, of which the ranks cannot be exchanged."""
    ranked = np.argsort(-truth, kind="stable")
    low, high = (table[name].to_numpy()[ranked] for name in ("rank_low", "rank_high"))
    differs = truth[ranked[:-1]] - truth[ranked[1:]] > 1e-9
    return float((high[:-1] < low[1:])[differs].mean())


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Share that held with its standard error over draws."""
    grouped = rows.groupby(["design", "estimator", "quantity", "aggregate"], sort=False)["held"]
    table = grouped.agg(share="mean", standard_error="sem", n_draws="size").reset_index()
    return table.round(4)


def main() -> None:
    """Write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--estimators", default="linear", help="names, separated by commas")
    parser.add_argument("--draws", type=int, default=200, help="draws of each pool")
    parser.add_argument("--out", type=Path, default=TABLE, help="the table to write")
    options = parser.parse_args()
    rows = [
        {"design": name, "estimator": estimator} | row
        for name, design in DESIGNS.items()
        for draw in range(options.draws)
        for pool in [draw_pool(design, draw)]
        for estimator in options.estimators.split(",")
        for row in rows_of_draw(pool, estimator, draw)
    ]
    table = summarise(pd.DataFrame(rows))
    table.to_csv(options.out, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
