"""The pairs of a pool's models under each estimator, from one look or two, kept in the cache."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pool import ArenaPool

from suffice.estimators.items import divide_items
from suffice.estimators.registry import get_estimator
from suffice.files import read_table, write_table

SEED = 0
LookCount = Literal["one", "two"]
KEPT = ["source", "target", "nats", "nats_per_dim", "standard_error_nats", "block_nats", "block_items"]


@dataclass(frozen=True)
class Way:
    """An estimator with its settings.

    Attributes:
        estimator: its name.
        settings: its settings.
    """

    estimator: str
    settings: Mapping[str, Any] = field(default_factory=dict)


WAYS: dict[str, Way] = {
    "linear": Way("linear"),
    "gaussian": Way("gaussian"),
    "neighbours-1": Way("neighbours", {"k": 1}),
    "neighbours-10": Way("neighbours", {"k": 10}),
    "neighbours-own": Way("neighbours", {"target": "own"}),
}


def pairs_of(pool: ArenaPool, way: str, looks: LookCount, cache: Path) -> pd.DataFrame:
    """All pairs, self pairs among them, one row each; the column `cpu_seconds` is that of all together.

    Args:
        pool: the pool.
        way: a name in `WAYS`.
        looks: "one": whole items; "two": the source sees one look and the target the other, both ways.
        cache: folder of the cache.
    """
    path = cache / "pairs" / pool.card.name / f"{way}-{looks}.parquet"
    if not path.exists():
        write_table(estimate_pairs(pool, WAYS[way], looks), path)
    return read_table(path)


def estimate_pairs(pool: ArenaPool, way: Way, looks: LookCount) -> pd.DataFrame:
    """Estimate all pairs of a pool."""
    started = time.process_time()
    estimator = get_estimator(way.estimator)(seed=SEED, **way.settings)
    if looks == "one":
        plan = divide_items(_n_rows(pool.items), pool.item_groups, SEED)
        found = estimator.all_pairs(estimator.prepare_all(_in_memory(pool.items), plan))
    else:
        plan = divide_items(_n_rows(pool.first), pool.look_groups, SEED)
        both = estimator.prepare_all_looks(_in_memory(pool.first), _in_memory(pool.second), plan)
        found = estimator.all_look_pairs(both)
    rows = [{"source": source, "target": target, **result.as_row()} for source, target, result in found]
    return pd.DataFrame(rows)[KEPT].assign(cpu_seconds=time.process_time() - started)


def matrix_of(pairs: pd.DataFrame) -> pd.DataFrame:
    """Nats per target dimension, sources by targets, both in the order of their names."""
    return pairs.pivot(index="source", columns="target", values="nats_per_dim")


def _n_rows(vectors: Mapping[str, np.ndarray]) -> int:
    return len(next(iter(vectors.values())))


def _in_memory(vectors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {model: np.asarray(array) for model, array in vectors.items()}
