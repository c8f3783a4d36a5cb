"""The checks and the standardisation that all estimators start with, streamed over items."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from suffice.errors import EstimationError

CHUNK_ITEMS = 8192
SUM_ITEMS = 512  # items summed in single precision; these sums are then added in double precision
PIVOT_ITEMS = 4096
LEAST_SCALE = 1e-290  # smaller numbers lose digits
SAFE_SCALE = 1e-15  # squares of smaller numbers lose precision in single precision
CONSTANT_SPREAD = 1e-6  # if the spread is below this share of the level, it is rounding noise

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

    def of_dimensions(self, which: npt.NDArray[np.bool_]) -> "Standardisation":
        """The same for some of the dimensions that vary, given as a mask of shape (d,)."""
        return Standardisation(self.kept[which], self.mean[which], self.scale[which])

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The three arrays by name."""
        return {"kept": self.kept, "mean": self.mean, "scale": self.scale}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "Standardisation":
        """The standardisation that `arrays` described; other arrays are ignored."""
        return cls(arrays["kept"], arrays["mean"], arrays["scale"])

    def apply(self, rows: npt.NDArray[np.floating], *, overwrite: bool = False) -> npt.NDArray[np.float32]:
        """Standardise rows of the embedding, shape (n, embed_dim) -> (n, dim), in single precision.

        Args:
            rows: rows of the embedding.
            overwrite: whether `rows` may be overwritten, which saves a copy.
        """
        varying = rows if self.dim == rows.shape[1] else rows[:, self.kept]
        if varying.dtype == np.float32 and self._single_precision_is_enough:
            out = varying if overwrite or varying is not rows else None
            standard = np.subtract(varying, self.mean.astype(np.float32), out=out)
            standard *= (1 / self.scale).astype(np.float32)
            return standard
        return ((varying - self.mean) / self.scale).astype(np.float32)

    @cached_property
    def _single_precision_is_enough(self) -> bool:
        """Whether every mean is so near 0 that rounding moves no dimension by 0.001 of its spread."""
        in_range = (self.scale > SAFE_SCALE) & (self.scale < 1 / SAFE_SCALE)
        return bool((in_range & (np.abs(self.mean) < 1e4 * self.scale)).all())


def chunks_of(n_items: int, size: int = CHUNK_ITEMS) -> Iterator[slice]:
    """Consecutive slices of at most `size` that cover `n_items` items."""
    for start in range(0, n_items, size):
        yield slice(start, min(start + size, n_items))


def check_embedding(embedding: npt.NDArray[np.floating], name: str = "the embedding") -> None:
    """Check shape and type. `standardise` checks the values, because it reads them anyway.

    Raises:
        EstimationError: not a two-dimensional array of real numbers with at least one column.
    """
    if embedding.ndim != 2 or embedding.shape[1] == 0:
        raise EstimationError(f"{name} has shape {embedding.shape}; expected (n_items, embed_dim)")
    if embedding.dtype.kind not in "fiub":
        raise EstimationError(f"{name} has type {embedding.dtype}; expected real numbers, such as float32")


def standardise(embedding: npt.NDArray[np.floating], name: str = "the embedding") -> Standardisation:
    """Mean and standard deviation of each dimension, in one streamed pass.

    Deviations are taken from the mean of the first items, so a mean far from 0 does not reduce precision.

    Args:
        embedding: shape (n_items, embed_dim); may be a memory map.
        name: name of the embedding in messages.

    Raises:
        EstimationError: a value is NaN or infinite, or no dimension varies.
    """
    check_embedding(embedding, name)
    mean, scale = mean_and_scale(embedding)
    if not np.isfinite(scale).all():
        for rows in chunks_of(len(embedding)):
            _check_finite(np.asarray(embedding[rows]), rows.start, name)
        column = int(np.isfinite(scale).argmin())
        raise EstimationError(
            f"{name} has values in column {column} that are too large; divide them by a constant"
        )
    tiny = (scale > 0) & (scale < LEAST_SCALE)
    if tiny.any():
        raise EstimationError(
            f"{name} has values in column {tiny.argmax()} that are too small; multiply them by a constant"
        )
    kept = np.flatnonzero(scale > CONSTANT_SPREAD * np.abs(mean))
    if len(kept) == 0:
        raise EstimationError(
            f"all {len(mean)} dimensions of {name} are constant, so every item has the same vector; check "
            "how they were embedded"
        )
    return Standardisation(kept, mean[kept], scale[kept])


def mean_and_scale(embedding: npt.NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each dimension, shape (embed_dim,) each; not finite if a value is not.

    Args:
        embedding: shape (n_items, embed_dim); may be a memory map.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        pivot = np.asarray(embedding[:PIVOT_ITEMS], dtype=np.float64).mean(axis=0)
        mean, scale = _about_pivot(embedding, pivot)
        if not (np.isfinite(scale) & (scale > SAFE_SCALE)).all():
            mean, scale = _mean_and_scale_of_extremes(embedding)
    return mean, scale


def _about_pivot(embedding: npt.NDArray[np.floating], pivot: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each dimension, from deviations about a pivot, in its precision."""
    floating = embedding.dtype if embedding.dtype in (np.float32, np.float64) else np.dtype(np.float64)
    sums, squares = np.zeros_like(pivot), np.zeros_like(pivot)
    for rows in chunks_of(len(embedding), SUM_ITEMS):
        deviations = np.asarray(embedding[rows], dtype=floating) - pivot.astype(floating)
        sums += deviations.sum(axis=0)
        squares += np.einsum("ij,ij->j", deviations, deviations)
    shift = sums / len(embedding)
    variance = np.maximum(squares / len(embedding) - np.square(shift), 0.0)
    return pivot.astype(floating) + shift, np.sqrt(variance)


def _mean_and_scale_of_extremes(embedding: npt.NDArray[np.floating]) -> tuple[Floats, Floats]:
    """The same for values whose squares would overflow or underflow: they are divided by the largest."""
    largest = np.zeros(embedding.shape[1])
    for rows in chunks_of(len(embedding)):
        np.maximum(largest, np.abs(np.asarray(embedding[rows], dtype=np.float64)).max(axis=0), out=largest)
    divisor = np.where(largest > 0, largest, 1.0)
    mean, squares = np.zeros_like(largest), np.zeros_like(largest)
    for rows in chunks_of(len(embedding)):
        mean += (np.asarray(embedding[rows], dtype=np.float64) / divisor).sum(axis=0) / len(embedding)
    for rows in chunks_of(len(embedding)):
        deviations = np.asarray(embedding[rows], dtype=np.float64) / divisor - mean
        squares += np.square(deviations).sum(axis=0) / len(embedding)
    return mean * divisor, np.sqrt(squares) * divisor


def _check_finite(block: npt.NDArray[np.floating], first_row: int, name: str) -> None:
    bad = ~np.isfinite(block)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise EstimationError(
            f"{name} has {int(bad.sum())} NaN or infinite values, the first in row {first_row + row}, "
            f"column {column}; embed these items again or leave the model out"
        )
