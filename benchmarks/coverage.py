"""Do 95 % intervals include the truth in 95 % of draws, and which models do rankings distinguish?

Five models are noisy views of one Gaussian signal. Model 1 equals model 0; models 2, 3 and 4 hold less and
less of it, and the last two hold another half of it best, so that what a source tells depends on the target
as well.
With two looks each look shows the signal with content of its own, and half of a model's noise is that of the
look. What `linear` and `gaussian` converge to is exact. What `neighbours` aims at depends on the number of
items: its truth is the mean over the draws, so that its coverage says nothing of a bias.

Each row of the table is one estimator at one width, number of items and number of looks:

- pair_coverage, score_coverage: share of 95 % intervals of ordered pairs and of mean scores that hold the
  truth, with their standard error over draws.
- pair_se_ratio, score_se_ratio: mean standard error over the spread between draws; of scores, width of the
  interval over that of 1.96 times the spread on both sides.
- ranks_held: share of draws in which rank intervals of all models hold all their ranks at once.
- equal_apart: share of draws in which the two equal models are told apart, which is wrong.
- small_apart, medium_apart, large_apart: share of draws in which model 1 is told from model 2, 2 from 3, and
  the best from the worst, by mean scores; small_gap, medium_gap and large_gap are the true differences, in
  nats per target dimension (nats for `neighbours`). large_apart_by_wins: the same by win rates.
- share_error: largest binomial standard error of a share of so many draws, 0.5 / sqrt(n_draws).

Rows that were not measured again stay in the table.

    python benchmarks/coverage.py          # an hour of one core
    python benchmarks/coverage.py --estimators gaussian --dims 384,768
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from suffice import ESTIMATORS
from suffice.estimators.items import divide_items
from suffice.ranking import RankingSettings, rank_pairs

TABLE = Path(__file__).resolve().parent / "coverage.csv"
QUANTILE = 1.96
LEVELS = (0.7, 0.7, 0.685, 0.66, 0.5)  # share of each model that is signal
PARTS = (0, 0, 0, 1, 1)  # which half of the signal a model holds best
MORE = 0.12  # of the signal in that half, and less in the other
LOOK = 0.8  # share of a look's signal that both looks have
N_MODELS = len(LEVELS)
NAMES = [f"model-{place}" for place in range(N_MODELS)]
GAPS = {"small": (1, 2), "medium": (2, 3), "large": (0, 4)}
N_RESAMPLES = 200
KEY = ["estimator", "looks", "dim", "n_items"]

# Width, items for each dimension, and draws with one look; with two looks there are half as many.
GRID = [
    (16, 5.0, 80),
    (16, 25.0, 80),
    (64, 2.5, 80),
    (64, 5.0, 80),
    (64, 25.0, 160),
    (384, 2.5, 80),
    (384, 5.0, 60),
    (768, 2.5, 192),
]


@dataclass(frozen=True)
class Pool:
    """What all draws of one width share.

    Attributes:
        dim: width of all models.
        shares: of each model's component that is signal, shape (n_models, dim).
        axes: orthogonal axes of each model, shape (n_models, dim, dim); those of the first two are equal.
    """

    dim: int
    shares: np.ndarray
    axes: np.ndarray

    @classmethod
    def of(cls, dim: int) -> "Pool":
        """The pool of a width."""
        generator = np.random.default_rng(dim)
        sign = np.where(np.arange(dim) < dim // 2, 1.0, -1.0)
        shares = np.stack(
            [level + MORE * sign * (1 - 2 * part) for level, part in zip(LEVELS, PARTS, strict=True)]
        )
        axes = np.stack([np.linalg.qr(generator.normal(size=(dim, dim)))[0] for _ in LEVELS])
        axes[1] = axes[0]
        return cls(dim, shares, axes.astype(np.float32))

    def draw(self, n_items: int, n_looks: int, seed: int) -> list[dict[str, np.ndarray]]:
        """Each look's embeddings by name."""
        generator = np.random.default_rng(seed)
        common, own = self._normal(generator, n_items), self._normal(generator, n_items, N_MODELS)
        looks = []
        for _ in range(n_looks):
            signal = common
            noise = own
            if n_looks > 1:
                signal = np.sqrt(LOOK) * common + np.sqrt(1 - LOOK) * self._normal(generator, n_items)
                noise = np.sqrt(0.5) * (own + self._normal(generator, n_items, N_MODELS))
            looks.append({name: self._view(place, signal, noise[place]) for place, name in enumerate(NAMES)})
        return looks

    def _normal(self, generator: np.random.Generator, n_items: int, *more: int) -> np.ndarray:
        return generator.standard_normal((*more, n_items, self.dim), dtype=np.float32)

    def _view(self, place: int, signal: np.ndarray, noise: np.ndarray) -> np.ndarray:
        share = self.shares[place].astype(np.float32)
        return np.asarray((np.sqrt(share) * signal + np.sqrt(1 - share) * noise) @ self.axes[place])

    def truth(self, estimator: str, n_looks: int) -> np.ndarray:
        """Nats per dimension of each source with each target, shape (n_models, n_models)."""
        values = np.full((N_MODELS, N_MODELS), np.nan)
        for source in range(N_MODELS):
            for target in range(N_MODELS):
                rho = np.sqrt(self.shares[source] * self.shares[target]) * (LOOK if n_looks > 1 else 1.0)
                if source == target:
                    if n_looks == 1:
                        continue
                    rho = rho + 0.5 * (1 - self.shares[source])
                left = 1 - rho**2
                if estimator == "linear":
                    left = np.square(self.axes[target].astype(float)).T @ left  # of each dimension
                values[source, target] = -0.5 * np.log(left).mean()
        return values


def pairs_of_draw(pool: Pool, estimator: str, n_items: int, n_looks: int, seed: int) -> pd.DataFrame:
    """The table of pairs of one draw."""
    family, plan = ESTIMATORS[estimator](), divide_items(n_items, seed=seed)
    looks = pool.draw(n_items, n_looks, seed)
    if n_looks == 1:
        found = family.all_pairs(family.prepare_all(looks[0], plan))
    else:
        found = family.all_look_pairs(family.prepare_all_looks(*looks, plan))
    rows = [{"source": source, "target": target, **pair.as_row()} for source, target, pair in found]
    kind = "same" if n_looks == 1 else "two"
    return pd.DataFrame(rows).assign(looks=kind)


def matrix_of(pairs: pd.DataFrame, column: str) -> np.ndarray:
    """A column of a table of pairs per target dimension, shape (n_models, n_models)."""
    values = pairs.assign(value=pairs[column] / pairs["target_dim"])
    return np.asarray(values.pivot(index="source", columns="target", values="value").loc[NAMES, NAMES])


def summarise(pool: Pool, estimator: str, n_items: int, n_looks: int, n_draws: int) -> dict[str, Any]:
    """One row of the table."""
    start, nats, errors, by_mean, by_wins = time.process_time(), [], [], [], []
    for seed in range(n_draws):
        pairs = pairs_of_draw(pool, estimator, n_items, n_looks, seed)
        nats.append(matrix_of(pairs, "nats"))
        errors.append(matrix_of(pairs, "standard_error_nats"))
        for tables, how in ((by_mean, "mean"), (by_wins, "ranks")):
            settings = RankingSettings(aggregate=how, n_resamples=N_RESAMPLES)
            tables.append(rank_pairs(pairs, settings, seed).set_index("model").loc[NAMES])
    values, error = np.stack(nats), np.stack(errors)
    counted = np.ones((N_MODELS, N_MODELS), dtype=bool)
    if n_looks == 1:
        np.fill_diagonal(counted, False)
    truth = pool.truth(estimator, n_looks) if estimator != "neighbours" else values.mean(axis=0)
    truth = np.where(counted, truth, np.nan)
    if estimator == "neighbours":  # the first two are equal
        truth = _made_equal(truth)
    seconds = time.process_time() - start
    row = {
        "estimator": estimator,
        "looks": n_looks,
        "dim": pool.dim,
        "n_items": n_items,
        "n_draws": n_draws,
        **_of_pairs(values[:, counted], error[:, counted], truth[counted]),
        **_of_scores(by_mean, np.nanmean(truth, axis=1)),
        **_power(by_mean, by_wins, np.nanmean(truth, axis=1)),
        "share_error": 0.5 / np.sqrt(n_draws),
        "seconds": round(seconds),
    }
    print(row, flush=True)
    return row


def _made_equal(truth: np.ndarray) -> np.ndarray:
    """The truth with the first two models exchangeable, as they are."""
    order = [1, 0, *range(2, N_MODELS)]
    return np.asarray((truth + truth[order][:, order]) / 2)


def _of_pairs(values: np.ndarray, error: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    held = (np.abs(values - truth) <= QUANTILE * error).mean(axis=1)
    spread = np.sqrt(values.var(axis=0, ddof=1).mean())
    return {
        "pair_coverage": held.mean(),
        "pair_coverage_error": held.std(ddof=1) / np.sqrt(len(held)),
        "pair_se_ratio": error.mean() / spread,
    }


def _of_scores(tables: list[pd.DataFrame], truth: np.ndarray) -> dict[str, float]:
    low, high, score = (
        np.stack([table[name] for table in tables]) for name in ("score_low", "score_high", "score")
    )
    held = ((low <= truth) & (truth <= high)).mean(axis=1)
    spread = np.sqrt(score.var(axis=0, ddof=1).mean())
    return {
        "score_coverage": held.mean(),
        "score_coverage_error": held.std(ddof=1) / np.sqrt(len(held)),
        "score_se_ratio": (high - low).mean() / (2 * QUANTILE * spread),
    }


def _power(by_mean: list[pd.DataFrame], by_wins: list[pd.DataFrame], truth: np.ndarray) -> dict[str, float]:
    row = {
        "ranks_held": float(np.mean([_ranks_held(truth, table) for table in by_mean])),
        "equal_apart": float(np.mean([_apart(table, 0, 1) or _apart(table, 1, 0) for table in by_mean])),
    }
    for name, (better, worse) in GAPS.items():
        row[f"{name}_gap"] = truth[better] - truth[worse]
        row[f"{name}_apart"] = float(np.mean([_apart(table, better, worse) for table in by_mean]))
    row["large_apart_by_wins"] = float(np.mean([_apart(table, *GAPS["large"]) for table in by_wins]))
    return row


def _apart(table: pd.DataFrame, better: int, worse: int) -> bool:
    return bool(table["rank_high"].iloc[better] < table["rank_low"].iloc[worse])


def _ranks_held(truth: np.ndarray, table: pd.DataFrame) -> bool:
    """Whether the rank intervals hold all ranks of all models, ties included."""
    difference = truth[None, :] - truth[:, None]
    best = 1 + (difference > 1e-9).sum(axis=1)
    worst = len(truth) - (difference < -1e-9).sum(axis=1)
    return bool(((table["rank_low"] <= best) & (worst <= table["rank_high"])).all())


def rows(estimators: list[str], dims: list[int], looks: list[int], share: float) -> Iterator[dict[str, Any]]:
    """All rows of the table."""
    for dim, items_per_dim, n_draws in GRID:
        if dim not in dims:
            continue
        pool = Pool.of(dim)
        for estimator in estimators:
            for n_looks in looks:
                n_draws_of_looks = max(3, round(n_draws * share / n_looks))
                yield summarise(pool, estimator, round(dim * items_per_dim), n_looks, n_draws_of_looks)


def with_rows(path: Path, new: pd.DataFrame) -> pd.DataFrame:
    """The table at a path with new rows in the place of those that they replace, or at its end."""
    if not path.exists():
        return new
    old, new = (table.set_index(KEY) for table in (pd.read_csv(path), new))
    order = list(dict.fromkeys([*old.index, *new.index]))
    return pd.concat([new, old.drop(new.index, errors="ignore")]).loc[order].reset_index()


def main() -> None:
    """Write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--estimators", default="linear,gaussian,neighbours", help="separated by commas")
    parser.add_argument("--dims", default="16,64,384,768", help="widths, separated by commas")
    parser.add_argument("--looks", default="1,2", help="numbers of looks, separated by commas")
    parser.add_argument("--share", type=float, default=1.0, help="share of the draws, for a quick look")
    parser.add_argument("--out", type=Path, default=TABLE, help="the table to write or to change")
    options = parser.parse_args()
    dims, looks = ([int(number) for number in text.split(",")] for text in (options.dims, options.looks))
    table = pd.DataFrame(rows(options.estimators.split(","), dims, looks, options.share))
    with_rows(options.out, table.round(4)).to_csv(options.out, index=False)


if __name__ == "__main__":
    main()
