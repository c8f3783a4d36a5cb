"""The checks and the standardisation that all estimators begin with, streamed over items."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suffice.errors import EstimationError

CHUNK_ITEMS = 8192
CONSTANT_SPREAD = 1e-6  # a dimension whose spread is below this share of its level is rounding noise

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Standardisation:
    """Which dimensions vary, and the mean and standard deviation of each of them.

    Attributes:
        kept: indices of the dimensions that vary, shape (d,).
        mean: shape (d,).
        scale: shape (d,), positive.
    """

    kept: npt.NDArray[np.int64]
    mean: Floats
    scale: Floats

    @property
    def dim(self) -> int:
        """Number of dimensions that vary."""
        return len(self.kept)

    def apply(self, rows: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Standardise rows of the embedding, shape (n, embed_dim) -> (n, dim), in single precision."""
        varying = rows if self.dim == rows.shape[1] else rows[:, self.kept]
        return ((varying - self.mean) / self.scale).astype(np.float32)


def chunks_of(n_items: int) -> Iterator[slice]:
    """Consecutive slices that cover `n_items` items."""
    for start in range(0, n_items, CHUNK_ITEMS):
        yield slice(start, min(start + CHUNK_ITEMS, n_items))


def check_embedding(embedding: npt.NDArray[np.floating], name: str = "the embedding") -> None:
    """Check shape and type; values are checked by `standardise`, which reads them anyway.

    Raises:
        EstimationError: not a two-dimensional array of real numbers with at least one column.
    """
    if embedding.ndim != 2 or embedding.shape[1] == 0:
        raise EstimationError(f"{name} has shape {embedding.shape}; expected (n_items, embed_dim)")
    if embedding.dtype.kind not in "fiub":
        raise EstimationError(f"{name} has type {embedding.dtype}; expected real numbers, such as float32")


def standardise(embedding: npt.NDArray[np.floating], name: str = "the embedding") -> Standardisation:
    """Mean and standard deviation of each dimension, in two streamed passes (Chan's update not needed).

    Args:
        embedding: shape (n_items, embed_dim); may be a memory map.
        name: what the messages call it.

    Raises:
        EstimationError: a value is NaN or infinite, or no dimension varies.
    """
    check_embedding(embedding, name)
    n_items = len(embedding)
    mean = np.zeros(embedding.shape[1])
    for rows in chunks_of(n_items):
        block = np.asarray(embedding[rows], dtype=np.float64)
        _check_finite(block, rows.start, name)
        mean += block.sum(axis=0) / n_items
    variance = np.zeros_like(mean)
    for rows in chunks_of(n_items):
        variance += np.square(embedding[rows] - mean).sum(axis=0) / n_items
    scale = np.sqrt(variance)
    kept = np.flatnonzero(scale > CONSTANT_SPREAD * np.abs(mean))
    if len(kept) == 0:
        raise EstimationError(f"all {len(mean)} dimensions of {name} are constant: it tells items not apart")
    return Standardisation(kept, mean[kept], scale[kept])


def _check_finite(block: Floats, first_row: int, name: str) -> None:
    bad = ~np.isfinite(block)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise EstimationError(
            f"{name} has {int(bad.sum())} NaN or infinite values, the first in row {first_row + row}, "
            f"column {column}; embed these items again or drop the model"
        )
