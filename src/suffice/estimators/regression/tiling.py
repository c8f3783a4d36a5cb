"""Tiling of work on many pairs: threads, and runs of models whose moments fit in memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, combinations_with_replacement, product
from threading import RLock
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_info, threadpool_limits

Floats32 = npt.NDArray[np.float32]
S = TypeVar("S")
T = TypeVar("T")
PairKey = tuple[str, str]

ONE_POOL = RLock()
MAX_MOMENTS_BYTES = 1 << 29  # of moments in memory at once
MAX_WIDTH = 8192  # total dimensions of the models whose rows are read together
BYTES_OF_PAIR_ENTRY = 8  # a cross-moment in double precision


class HasDim(Protocol):
    """A model with a width."""

    @property
    def dim(self) -> int:
        """Number of dimensions."""


M = TypeVar("M", bound=HasDim)


class Pool:
    """Threads that each compute their own matrix products."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self.executor = executor

    def map(self, function: Callable[[S], T], things: Iterable[S]) -> list[T]:
        """The function's values for all things, in order. An error in any call is raised."""
        return list(self.executor.map(function, things))

    def each(self, function: Callable[[S], None], things: Iterable[S]) -> None:
        """Call the function with each thing. An error in any call is raised."""
        self.map(function, things)


@contextmanager
def pool() -> Iterator[Pool]:
    """As many threads as matrix products had; within the block, each product uses one thread.

    Results then do not depend on the number of threads. The limit applies to the whole process, so only one
    block at a time may set it, and another thread waits.
    """
    with ONE_POOL:
        blas = [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(max(blas, default=1)) as executor:
            yield Pool(executor)


def tiles(dims: Mapping[str, int]) -> list[list[str]]:
    """Models in runs of at least one model; the moments of all pairs between two runs fit in memory."""
    limit = int(np.sqrt(MAX_MOMENTS_BYTES / BYTES_OF_PAIR_ENTRY))
    found: list[list[str]] = []
    width = 0
    for name, dim in dims.items():
        if not found or width + dim > limit:
            found.append([])
            width = 0
        found[-1].append(name)
        width += dim
    return found


def source_tiles(sources: Mapping[str, M], target_dim: int) -> Iterator[dict[str, M]]:
    """Sources in runs whose moments with one target fit in memory; they are read one after the other."""
    limit = min(MAX_WIDTH, MAX_MOMENTS_BYTES // (BYTES_OF_PAIR_ENTRY * target_dim))
    tile: dict[str, M] = {}
    for name in sources:
        model = sources[name]
        if tile and sum(other.dim for other in tile.values()) + model.dim > limit:
            yield tile
            tile = {}
        tile[name] = model
    if tile:
        yield tile


def every_pair(models: Iterable[str], targets: Iterable[str] | None = None) -> list[PairKey]:
    """The pairs (source, target) of every model as source with some targets, or with every model."""
    sources = list(models)
    return [(source, target) for target in (sources if targets is None else targets) for source in sources]


def pair_tiles(
    models: Mapping[str, M], wanted: Sequence[PairKey] | None = None
) -> Iterator[tuple[dict[str, M], list[PairKey]]]:
    """Pairs (source, target) in runs whose moments fit in memory, and the models that each run needs.

    A model stays in memory from one run to the next if both need it.

    Args:
        models: by name; each may be read when it is looked up.
        wanted: the pairs, each once; None: every model with every model.
    """
    asked = dict.fromkeys(every_pair(models) if wanted is None else wanted)
    names = dict.fromkeys(chain.from_iterable(asked))
    runs = tiles({name: models[name].dim for name in names})
    held: dict[str, M] = {}
    for left, right in combinations_with_replacement(runs, 2):
        pairs = [pair for pair in ordered_pairs(left, right) if pair in asked]
        needed = dict.fromkeys(chain.from_iterable(pairs))
        if pairs:
            held = {name: held[name] if name in held else models[name] for name in needed}
            yield held, pairs


def ordered_pairs(left: Sequence[str], right: Sequence[str]) -> list[PairKey]:
    """Ordered pairs (source, target) between two runs of models, or within one run if both are the same."""
    pairs = [*product(left, right), *product(right, left)]
    return list(dict.fromkeys(pairs))
