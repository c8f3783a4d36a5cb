"""Write what `linear` finds on made-up data whose value is known: heavy tails, groups, bits and counts.

Columns: data, source_dim, target_dim, n_items, n_draws; per target dimension, the exact value `exact_nats`,
the mean estimate `mean_nats`, its spread over draws and `bias_nats`; and `covered`, the share of draws whose
95 % interval includes the exact value.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from suffice import estimate

Pair = tuple[np.ndarray, np.ndarray, np.ndarray | None, float]


def elliptical(n_items: int, generator: np.random.Generator) -> Pair:
    """64 and 64 dimensions of a multivariate t with 5 degrees of freedom, R^2 = 0.5 in each dimension."""
    source, noise = generator.normal(size=(2, n_items, 64))
    radius = np.sqrt(5 / generator.chisquare(5, size=(n_items, 1)))
    return radius * source, radius * (source + noise) / np.sqrt(2), None, float(np.log(2)) / 2


def similar_in_groups(n_items: int, generator: np.random.Generator) -> Pair:
    """Independent sides in groups of ten items, with correlation 0.5 between items of a group."""
    group = np.arange(n_items) // 10
    both = [generator.normal(size=(n_items // 10, 64))[group] for _ in range(2)]
    source, target = (np.sqrt(0.5) * (part + generator.normal(size=(n_items, 64))) for part in both)
    return source, target, group, 0.0


def independent_bits(share: float) -> Callable[[int, np.random.Generator], Pair]:
    """Bits that are 1 with probability 0.3, and an independent source with `share` dimensions per item."""

    def draw(n_items: int, generator: np.random.Generator) -> Pair:
        source = generator.normal(size=(n_items, int(share * n_items)))
        return source, (generator.random((n_items, 30)) < 0.3).astype(float), None, 0.0

    return draw


def logistic_bits(slope: float, offset: float, dim: int) -> Callable[[int, np.random.Generator], Pair]:
    """Bits whose log-odds are slope z + offset, with z standard normal and a linear map of the source."""

    def draw(n_items: int, generator: np.random.Generator) -> Pair:
        source, mixing = generator.normal(size=(n_items, dim)), generator.normal(size=(dim, 40))
        odds = offset + slope * source @ (mixing / np.linalg.norm(mixing, axis=0))
        return source, (generator.random(odds.shape) < 1 / (1 + np.exp(-odds))).astype(float), None, exact

    nodes, weights = np.polynomial.hermite_e.hermegauss(90)
    chance = np.clip(1 / (1 + np.exp(-(offset + slope * nodes))), 1e-12, 1 - 1e-12)
    exact = _entropy(np.average(chance, weights=weights)) - np.average(_entropy(chance), weights=weights)
    return draw


def copied_bits(n_items: int, generator: np.random.Generator) -> Pair:
    """A copy of 60 bits that are 1 with probability 0.01 to 0.5."""
    bits = (generator.random((n_items, 60)) < np.linspace(0.01, 0.5, 60)).astype(float)
    return bits, bits, None, float(np.mean([_entropy_of_values(bit) for bit in bits.T]))


def copied_counts(n_items: int, generator: np.random.Generator) -> Pair:
    """A copy of 16 Poisson counts of mean 0.3."""
    counts = generator.poisson(0.3, (n_items, 16)).astype(float)
    return counts, counts, None, float(np.mean([_entropy_of_values(count) for count in counts.T]))


def _entropy(chance: np.ndarray | float) -> np.ndarray | float:
    return -(chance * np.log(chance) + (1 - chance) * np.log(1 - chance))


def _entropy_of_values(values: np.ndarray) -> float:
    share = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(share * np.log(share)).sum())


SETTINGS = [
    *(
        ("elliptical", elliptical, n_items, n_draws)
        for n_items, n_draws in ((160, 50), (320, 50), (640, 25), (1600, 25))
    ),
    ("similar in groups", similar_in_groups, 2000, 20),
    *(("independent bits", independent_bits(share), 1000, 6) for share in (0.05, 0.3)),
    ("copied bits", copied_bits, 2000, 6),
    ("copied counts", copied_counts, 5000, 6),
    ("bits, log-odds 3 z - 2, 5 dimensions", logistic_bits(3, -2, 5), 2000, 20),
    ("bits, log-odds 3 z - 2, 200 dimensions", logistic_bits(3, -2, 200), 2000, 20),
    ("bits, log-odds 2 z - 1, 600 dimensions", logistic_bits(2, -1, 600), 2000, 6),
]


def rows() -> Iterator[dict[str, object]]:
    """One row per setting."""
    for name, draw, n_items, n_draws in SETTINGS:
        pairs = [draw(n_items, np.random.default_rng(seed)) for seed in range(n_draws)]
        found = [estimate(source, target, groups=groups) for source, target, groups, _ in pairs]
        exact = np.array([pair[3] for pair in pairs])
        nats = np.array([each.nats_per_dim for each in found])
        errors = np.array([each.standard_error_nats for each in found]) * nats / [each.nats for each in found]
        yield {
            "data": name,
            "source_dim": pairs[0][0].shape[1],
            "target_dim": pairs[0][1].shape[1],
            "n_items": n_items,
            "n_draws": n_draws,
            "exact_nats": exact.mean(),
            "mean_nats": nats.mean(),
            "spread_nats": nats.std(ddof=1),
            "bias_nats": (nats - exact).mean(),
            "covered": np.mean(np.abs(nats - exact) <= 1.96 * np.abs(errors)),
        }


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".csv"))
    pd.DataFrame(rows()).round(5).to_csv(parser.parse_args().output, index=False)


if __name__ == "__main__":
    main()
