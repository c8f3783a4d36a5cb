"""The pairs of a pool's models under each estimator, from one look or two, kept in the cache."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pool import ArenaPool

from suffice.estimators.items import divide_items
from suffice.estimators.registry import get_estimator
from suffice.ranking.arrays import SAME_LOOK, PairArrays, arrays_of
from suffice.ranking.relatives import near_copies
from suffice.storage.files import read_table, write_table

SEED = 0
LookCount = Literal["one", "two"]
KEPT = ["source", "target", "nats", "nats_per_dim", "standard_error_nats", "block_nats", "block_items"]


@dataclass(frozen=True)
class Way:
    """An estimator with its settings.

    Attributes:
        estimator: its name.
        settings: its settings.
        n_components: leading principal components that stand for the vectors; None: the vectors.
    """

    estimator: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    n_components: int | None = None


WAYS: dict[str, Way] = {
    "linear": Way("linear"),
    "gaussian": Way("gaussian"),
    "neighbours-1": Way("neighbours", {"k": 1}),
    "neighbours-10": Way("neighbours", {"k": 10}),
    "neighbours-own": Way("neighbours", {"target": "own"}),
    "linear-32": Way("linear", n_components=32),
    "linear-128": Way("linear", n_components=128),
}


def pairs_of(pool: ArenaPool, way: str, looks: LookCount, cache: Path) -> pd.DataFrame:
    """All pairs, self pairs among them, one row each; the column `cpu_seconds` is that of all together.

    Args:
        pool: the pool.
        way: a name in `WAYS`.
        looks: "one": whole items; "two": the source sees one look and the target the other, both ways.
        cache: folder of the cache.
    """
    path = path_of_pairs(cache, pool.card.name, way, looks)
    if not path.exists():
        write_table(estimate_pairs(pool, WAYS[way], looks), path)
    return read_table(path)


def path_of_pairs(cache: Path, pool: str, way: str, looks: LookCount) -> Path:
    """Where the cache holds pairs."""
    return cache / "pairs" / pool / f"{way}-{looks}.parquet"


def estimate_pairs(pool: ArenaPool, way: Way, looks: LookCount) -> pd.DataFrame:
    """Estimate all pairs of a pool."""
    started = time.process_time()
    estimator = get_estimator(way.estimator)(seed=SEED, **way.settings)
    if looks == "one":
        (items,) = _vectors(way, pool.items)
        plan = divide_items(_n_rows(items), pool.item_groups, SEED)
        found = estimator.all_pairs(estimator.prepare_all(items, plan))
    else:
        first, second = _vectors(way, pool.first, pool.second)
        plan = divide_items(_n_rows(first), pool.look_groups, SEED)
        found = estimator.all_look_pairs(estimator.prepare_all_looks(first, second, plan))
    rows = [{"source": source, "target": target, **result.as_row()} for source, target, result in found]
    return pd.DataFrame(rows)[KEPT].assign(cpu_seconds=time.process_time() - started)


def matrix_of(pairs: pd.DataFrame) -> pd.DataFrame:
    """Nats per target dimension, sources by targets, both in the order of their names."""
    return pairs.pivot(index="source", columns="target", values="nats_per_dim")


def library_arrays(pool: ArenaPool, cache: Path, ways: Mapping[str, str], looks: LookCount) -> PairArrays:
    """The library's own arrays of a pool's pairs, near-copies counted once, as its rankings are made from.

    Args:
        pool: the pool.
        cache: folder of the cache.
        ways: by estimator, a name in `WAYS`.
        looks: one look or two.
    """
    widths = {each.model: each.embed_dim for each in pool.card.models}
    tables = [pairs_of(pool, way, looks, cache).assign(estimator=name) for name, way in ways.items()]
    pairs = pd.concat(tables, ignore_index=True)
    pairs = pairs.assign(
        source_dim=pairs["source"].map(widths),
        target_dim=pairs["target"].map(widths),
        n_test=[int(sum(items)) for items in pairs["block_items"]],
        looks=SAME_LOOK if looks == "one" else pool.card.looks,
    )
    copies = near_copies(pool.items, SEED)
    return arrays_of(pairs, relatives=copies, copies=copies)


def _n_rows(vectors: Mapping[str, np.ndarray]) -> int:
    return len(next(iter(vectors.values())))


def _vectors(way: Way, *looks: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    """The vectors of each look in memory, or their leading components, the same for all looks."""
    arrays = {model: [np.asarray(look[model]) for look in looks] for model in looks[0]}
    if way.n_components is not None:
        arrays = {model: leading_components(each, way.n_components) for model, each in arrays.items()}
    return [{model: each[number] for model, each in arrays.items()} for number in range(len(looks))]


def leading_components(looks: Sequence[np.ndarray], n_components: int) -> list[np.ndarray]:
    """The leading principal components of the vectors of all looks together."""
    centre = np.concatenate(looks).mean(axis=0)
    joined = np.concatenate(looks) - centre
    _, directions = np.linalg.eigh((joined.T @ joined).astype(np.float64))
    kept = directions[:, ::-1][:, :n_components].astype(np.float32)
    return [(look - centre) @ kept for look in looks]
