"""Are the statements of a ranking right as often as promised, and how many are there? Simulated pairs.

A pair is strength of the source + difficulty of the target + what the two have in common + noise of its
blocks of items, half of whose variance all pairs of one source share. Strengths are one step apart, but
for the two weakest models, which are equal. The step is given in standard errors of one difference.

In this pool the truth is the order by the pairs without noise, for pools like this one that by strengths.
Counted over draws, for each way to tell models apart:

- held: rank intervals of all models hold their true ranks, all at once (at least 95 % are promised);
- separated: share of truly different neighbours that are told apart;
- named, wrong: how often one model alone could be first, and how often it then is not;
- against: pairs that are ordered against most of their common targets, and against all of them.

    python benchmarks/ranking_power.py [number of draws]
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from suffice.ranking.arrays import PairArrays
from suffice.ranking.order import ByNats, ByWins, Order, by_nats, by_wins
from suffice.ranking.pools import stands_above_in_pools
from suffice.ranking.resampling import (
    block_deviations,
    certain_differences,
    draw_noise,
)
from suffice.ranking.scores import rank_bounds
from suffice.ranking.wins import TINY, observed_wins, transitive, win_shares

ROOT = Path(__file__).resolve().parent.parent
N_BLOCKS, N_RESAMPLES = 100, 400
DIFFICULTY = 20.0  # standard deviation over targets; units are standard errors of a difference throughout
SHARED = 0.5  # of a pair's noise variance
HAIR = 1e-9


@dataclass(frozen=True)
class Setting:
    """A kind of pool: models, the step between their strengths, what pairs have in common, and looks."""

    n_models: int
    step: float
    in_common: float
    two_looks: bool


SETTINGS = [
    Setting(n_models, step, in_common, two_looks)
    for n_models in (3, 5, 15)
    for step in (2.0, 4.0, 8.0)
    for in_common in (0.0, 2.0)
    for two_looks in (False, True)
]


def draw_pool(setting: Setting, seed: int) -> tuple[PairArrays, np.ndarray, np.ndarray]:
    """Pairs, the same without noise, and strengths."""
    generator = np.random.default_rng(seed)
    n = setting.n_models
    strength = setting.step * np.r_[0.0, np.arange(n - 1)]
    truth = strength[:, None] + DIFFICULTY * generator.normal(size=n)
    truth = truth + setting.in_common * generator.normal(size=(n, n))
    shared = np.sqrt(SHARED) * generator.normal(size=(n, 1, N_BLOCKS))
    noise = shared + np.sqrt(1 - SHARED) * generator.normal(size=(n, n, N_BLOCKS))
    blocks = truth[..., None] + noise * np.sqrt(N_BLOCKS / 2)
    counted = np.ones((n, n), dtype=bool) if setting.two_looks else ~np.eye(n, dtype=bool)
    names = [f"m{number:02}" for number in range(n)]
    items = np.ones((n, N_BLOCKS))
    arrays = PairArrays(
        names, names, [""] * n, blocks, np.zeros_like(blocks), items, counted, N_BLOCKS, names
    )
    return arrays, np.where(counted, truth, np.nan), strength


def win_rates_resampled(arrays: PairArrays, seed: int) -> np.ndarray:
    """Another way: studentised differences of resampled win rates against their largest."""
    matrix, shares = arrays.matrix(), win_shares(arrays)
    noise = np.moveaxis(draw_noise(block_deviations(arrays), N_RESAMPLES, seed), -1, 0)
    rates = shares.rates(observed_wins(matrix))
    drawn = np.stack([shares.rates(observed_wins(matrix + each)) for each in noise])
    threshold = certain_differences(rates, (drawn - rates).T, np.ones((len(rates),) * 2), arrays.n_blocks)
    return transitive(rates[:, None] - rates > np.maximum(threshold, TINY))


def statements(arrays: PairArrays, seed: int) -> Iterator[tuple[str, str, np.ndarray]]:
    """For each way: its question, its name, and which models stand above which."""
    matrix = arrays.matrix()
    wins = by_wins(arrays, N_RESAMPLES, seed)
    above = wins.above(matrix)
    yield "win rate, this pool", "worst completion", above
    yield "win rate, this pool", "resampled win rates", win_rates_resampled(arrays, seed)
    mean = by_nats(arrays, "mean", N_RESAMPLES, seed)
    yield "mean, this pool", "smooth maximum", mean.above(matrix)
    pools = stands_above_in_pools(arrays, "ranks", above, N_RESAMPLES, seed)
    if pools is not None:
        yield "win rate, pools", "signs of groups", pools


def value_without_noise(
    about: str, arrays: PairArrays, truth: np.ndarray, strength: np.ndarray
) -> np.ndarray:
    """The true order of the models."""
    if about.endswith("pools"):
        return strength
    order: Order = (
        ByNats("mean", np.empty(0)) if about.startswith("mean") else ByWins(win_shares(arrays), np.empty(0))
    )
    return order.value(truth)


def judged(above: np.ndarray, value: np.ndarray) -> dict[str, float]:
    """The statements of one draw that were right, and their number."""
    low, high = rank_bounds(above)
    best = 1 + (value > value[:, None] + HAIR).sum(axis=1)
    worst = (value >= value[:, None] - HAIR).sum(axis=1)
    ranked = np.argsort(-value, kind="stable")
    first, second = ranked[:-1], ranked[1:]
    differs = value[first] - value[second] > HAIR
    could_be_first = np.flatnonzero(~above.any(axis=0))
    named = len(could_be_first) == 1
    return {
        "held": float(((low <= best) & (worst <= high)).all()),
        "separated": float(above[first, second][differs].mean()) if differs.any() else np.nan,
        "named": float(named),
        "wrong": float(best[could_be_first[0]] > 1) if named else np.nan,
    }


def against_common_targets(arrays: PairArrays, value: np.ndarray) -> dict[str, float]:
    """Shares of pairs of models that an order puts against most, and against all, of their common targets."""
    matrix = arrays.matrix()
    common = ~np.isnan(matrix[:, None] + matrix[None])
    share = (observed_wins(matrix) * common).sum(axis=2) / np.maximum(common.sum(axis=2), 1)
    below = value[:, None] < value - TINY
    n_pairs = len(value) * (len(value) - 1) / 2
    return {
        "against_most": float((below & (share > 0.5)).sum() / n_pairs),
        "against_all": float((below & (share == 1)).sum() / n_pairs),
    }


def rows_of(setting: Setting, seed: int) -> Iterator[dict[str, Any]]:
    """One row for each way, of one draw."""
    arrays, truth, strength = draw_pool(setting, seed)
    for about, way, above in statements(arrays, seed):
        value = value_without_noise(about, arrays, truth, strength)
        found = judged(above, value)
        if not about.endswith("pools"):
            found |= against_common_targets(
                arrays, value_without_noise(about, arrays, arrays.matrix(), strength)
            )
        yield vars(setting) | {"about": about, "way": way} | found


def main(n_draws: int) -> None:
    """Write and print the table."""
    rows = pd.DataFrame(
        [
            row
            for place, setting in enumerate(SETTINGS)
            for draw in range(n_draws)
            for row in rows_of(setting, 1000 * place + draw)
        ]
    )
    keys = ["about", "way", *vars(SETTINGS[0])]
    table = rows.groupby(keys, sort=False).mean().round(4).reset_index().assign(n_draws=n_draws)
    table = table.sort_values(keys[:2], kind="stable")
    table.to_csv(ROOT / "benchmarks" / "ranking_power.csv", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
