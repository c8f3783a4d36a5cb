"""Cost and error of a pair with each estimator: seconds and relative error.

Pairs of known mutual information, of equal widths and with power-law spectra, in three shapes: Gaussian; with
dimensions bent by monotone functions on both sides; with the source sent through an invertible layer of
leaky units. All estimators meet the same pairs in one run, one after the other, on one thread. Each prepares
both sides of its one pair; in a pool that work is shared, which the rows `a pair of a pool of 8` show for the
linear families.

    python benchmarks/estimators_cost.py                  # dimensions 384 and 768, 10,000 items: an hour
    python benchmarks/estimators_cost.py --dims 64        # minutes
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from suffice import estimate
from suffice.estimators import get_estimator
from suffice.estimators.items import divide_items

OUT = Path(__file__).resolve().parent / "estimators_cost.csv"
NATS_PER_DIM = 0.5
LEAK = 0.3  # slope of a leaky unit below 0
ESTIMATORS = ("linear", "gaussian", "copula", "knife", "mixture")
POOLED, N_POOL = ("linear", "gaussian", "copula"), 8
Pair = tuple[np.ndarray, np.ndarray]


def turned(components: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Components with a power-law spectrum, then rotated; each dimension of unit variance."""
    dim = components.shape[1]
    rotation, _ = np.linalg.qr(generator.normal(size=(dim, dim)))
    rows = components * np.arange(1, dim + 1) ** -0.5 @ rotation
    return rows / rows.std(axis=0)


def gaussian(n_items: int, dim: int, generator: np.random.Generator) -> Pair:
    """Pairs of components with the same correlation, turned on each side."""
    rho = np.sqrt(-np.expm1(-2 * NATS_PER_DIM))
    source = generator.normal(size=(n_items, dim))
    target = rho * source + np.sqrt(1 - rho**2) * generator.normal(size=(n_items, dim))
    return turned(source, generator), turned(target, generator)


def warped(n_items: int, dim: int, generator: np.random.Generator) -> Pair:
    """Source dimensions cubed, target dimensions exponentiated."""
    source, target = gaussian(n_items, dim, generator)
    return source**3, np.exp(target)


def network(n_items: int, dim: int, generator: np.random.Generator) -> Pair:
    """The source through one invertible layer of leaky units."""
    source, target = gaussian(n_items, dim, generator)
    return np.where(source > 0, source, LEAK * source), target


CHANNELS: dict[str, Callable[[int, int, np.random.Generator], Pair]] = {
    "gaussian": gaussian,
    "warped": warped,
    "network": network,
}


def measure(channel: str, dim: int, n_items: int, name: str) -> dict[str, object]:
    """One row: a pair of a channel with one estimator."""
    source, target = CHANNELS[channel](n_items, dim, np.random.default_rng(0))
    truth = NATS_PER_DIM * dim
    start, start_cpu = time.perf_counter(), time.process_time()
    result = estimate(source, target, estimator=name)
    return {
        "channel": channel,
        "dim": dim,
        "n_items": n_items,
        "estimator": name,
        "seconds": round(time.perf_counter() - start, 2),
        "cpu_seconds": round(time.process_time() - start_cpu, 2),
        "truth_nats": truth,
        "nats": round(result.nats, 3),
        "relative_error": round(result.nats / truth - 1, 4),
        "converged": result.converged,
    }


def measure_pool(dim: int, n_items: int, name: str) -> dict[str, object]:
    """One row: the mean cost of a pair when all 64 of 8 models are estimated."""
    generator = np.random.default_rng(0)
    models = {f"m{number}": gaussian(n_items, dim, generator)[0] for number in range(N_POOL)}
    estimator = get_estimator(name)()
    start, start_cpu = time.perf_counter(), time.process_time()
    for _ in estimator.all_pairs(estimator.prepare_all(models, divide_items(n_items))):
        pass
    return {
        "channel": f"a pair of a pool of {N_POOL}",
        "dim": dim,
        "n_items": n_items,
        "estimator": name,
        "seconds": round((time.perf_counter() - start) / N_POOL**2, 3),
        "cpu_seconds": round((time.process_time() - start_cpu) / N_POOL**2, 3),
    }


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dims", type=int, nargs="+", default=[384, 768], help="widths of both sides")
    parser.add_argument("--items", type=int, default=10_000, help="number of items")
    parser.add_argument("--estimators", nargs="+", default=list(ESTIMATORS), choices=ESTIMATORS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    estimate(*gaussian(100, 4, np.random.default_rng(0)), estimator="knife")  # imports are not counted
    rows = []
    for dim in options.dims:
        for channel in CHANNELS:
            for name in options.estimators:
                rows.append(measure(channel, dim, options.items, name))
                print(rows[-1], flush=True)
                pd.DataFrame(rows).to_csv(OUT, index=False)
        rows += [measure_pool(dim, options.items, name) for name in POOLED]
        pd.DataFrame(rows).to_csv(OUT, index=False)


if __name__ == "__main__":
    main()
