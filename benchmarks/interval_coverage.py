"""How often do the intervals of scores and ranks hold the truth? Made-up pairs, whose truth is known.

A pair is strength of the source + difficulty of the target + what the two have in common + noise of its
blocks of items, of which a part is shared by all pairs. Targets are drawn anew in every draw. The truth
of an interval over items is the score that these targets would give on all items there could be; that of
an interval over targets is the score over all targets there could be, on these items; that of both
together is the score over all targets on all items. The two weakest models are equal: both have both
ranks, and an interval of ranks must hold the two.

    python benchmarks/interval_coverage.py [number of draws]
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from suffice.ranking.arrays import PairArrays, aggregate
from suffice.ranking.resampling import deviations, interval, sure_differences

ROOT = Path(__file__).resolve().parent.parent
N_BLOCKS = 100
N_RESAMPLES = 500


@dataclass(frozen=True)
class Setting:
    """Standard deviations of what a pair consists of, and the span of strengths, in nats per dimension."""

    name: str
    difficulty: float = 0.3
    in_common: float = 0.1
    noise: float = 0.5
    shared_noise: float = 0.3
    skewed: bool = False
    span: float = 0.5

    def effects(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Difficulty of targets (the last axis) plus what pairs have in common."""
        draw = generator.exponential if self.skewed else generator.normal
        return np.asarray(self.difficulty * draw(size=shape[-1:]) + self.in_common * draw(size=shape))


SETTINGS = (
    Setting("targets differ"),
    Setting("pairs differ much", in_common=0.3),
    Setting("skewed", skewed=True),
    Setting("items decide", difficulty=0.02, in_common=0.02, noise=1.0),
    Setting("all equal", span=0.0),
)
POOLS = ((4, 4), (6, 6), (8, 8), (12, 12), (12, 4), (12, 5), (12, 8))


def draw_pairs(
    setting: Setting, strength: np.ndarray, n_targets: int, seed: int
) -> tuple[PairArrays, np.ndarray, float]:
    """Pairs; the same without noise, NaN where a pair does not count; the noise that all pairs share."""
    generator = np.random.default_rng(seed)
    n_models = len(strength)
    truth = strength[:, None] + setting.effects(generator, (n_models, n_targets))
    noise = setting.noise * generator.normal(size=(n_models, n_targets, N_BLOCKS))
    shared = setting.shared_noise * generator.normal(size=N_BLOCKS)
    nats = truth[..., None] + noise + shared
    names = [f"m{number:02}" for number in range(n_models)]
    counted = ~np.eye(n_models, n_targets, dtype=bool)
    arrays = PairArrays(names, names[:n_targets], nats, np.ones(N_BLOCKS), counted, N_BLOCKS)
    return arrays, np.where(counted, truth, np.nan), float(shared.mean())


def one_draw(setting: Setting, how: str, pool: tuple[int, int], typical: float, seed: int) -> list[float]:
    """Shares of models whose interval holds the truth, and whether the two equal models are tied."""
    strength = np.linspace(0, setting.span, pool[0])
    strength[1] = strength[0]
    arrays, truth, shared = draw_pairs(setting, strength, pool[1], seed)
    score = aggregate(arrays.matrix(), how)
    deviation = deviations(arrays, how, N_RESAMPLES, seed)
    wide = strength + typical
    kinds = [
        (deviation.items, aggregate(truth, how)),
        (deviation.targets, wide + shared),
        (deviation.together, wide),
    ]
    bounds = [(*interval(score, each), target) for each, target in kinds]
    covered = [float(np.mean((low <= target) & (target <= high))) for low, high, target in bounds]
    better, worse = sure_differences(score, deviation.alike)
    rank_low, rank_high = 1 + better.sum(axis=1), pool[0] - worse.sum(axis=1)
    first = 1 + (strength > strength[:, None]).sum(axis=1)
    last = (strength >= strength[:, None]).sum(axis=1)
    ranks = float(np.mean((rank_low <= first) & (rank_high >= last)))
    return [*covered, ranks, float(not (better[0, 1] or worse[0, 1]))]


def typical_effect(setting: Setting, how: str) -> float:
    """Mean or median over all targets there could be of what is added to a source's strength."""
    effects = setting.effects(np.random.default_rng(1), (1, 2_000_000))
    return float(np.mean(effects) if how == "mean" else np.median(effects))


def main(n_draws: int) -> None:
    """Write the table."""
    rows = []
    for how in ("mean", "median"):
        for setting in SETTINGS:
            typical = typical_effect(setting, how)
            for pool in POOLS:
                draws = [one_draw(setting, how, pool, typical, seed) for seed in range(n_draws)]
                shares = np.mean(draws, axis=0).round(3)
                names = ("items", "targets", "together", "ranks", "equal_models_tied")
                row = {"aggregate": how, "setting": setting.name, "n_models": pool[0], "n_targets": pool[1]}
                rows.append(row | dict(zip(names, shares, strict=True)) | {"n_draws": n_draws})
                print(rows[-1], flush=True)
    pd.DataFrame(rows).to_csv(ROOT / "benchmarks" / "interval_coverage.csv", index=False)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
