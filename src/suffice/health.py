"""The health of an embedding: properties that would harm an estimate, measured in bounded memory."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from suffice.errors import ModelError
from suffice.row_hashes import row_hashes

BLOCK_VALUES = 1 << 22  # values read at a time: 32 MiB as float64
NORMED_ROWS = 128  # at a time, so they stay in a processor's cache
SAFE_EXPONENT = 400  # of two: squares of such values, and sums of many, are in the range of float64
CONSTANT_SPREAD = 1e-6  # constant if the range is below this share of the size: 8 float32 steps
TRUNCATED_SHARE = 0.01  # share of items above which truncation causes a warning
DUPLICATE_SHARE = 0.01  # share of items above which duplicate rows cause a warning


@dataclass(frozen=True)
class Findings:
    """Properties of one embedding that a warning may name.

    Attributes:
        n_not_finite: rows with a NaN or an infinite value.
        n_zero_rows: rows of zeros.
        n_duplicate_rows: rows, except rows of zeros, that repeat an earlier row.
        n_constant_dims: dimensions with the same value in all rows, up to rounding.
        norm_mean: mean of the rows' Euclidean norms.
        norm_std: standard deviation of the norms.
    """

    n_items: int
    embed_dim: int
    n_not_finite: int
    n_zero_rows: int
    n_duplicate_rows: int
    n_constant_dims: int
    norm_mean: float
    norm_std: float


@dataclass(frozen=True)
class Health(Findings):
    """The findings for one embedding, and its rank.

    Attributes:
        effective_rank: exponential of the entropy of the normalised singular values of the centred
            matrix, between 1 and embed_dim; 0 if all dimensions are constant.
    """

    effective_rank: float


def blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """The rows of `array` as float64, some at a time: tens of MiB for any size of the array."""
    for part in _parts(array):
        with np.errstate(invalid="ignore"):  # values that are not numbers are found later
            block = np.asarray(part, dtype=np.float64)
        yield block


def _parts(array: np.ndarray) -> Iterator[np.ndarray]:
    """The rows of `array` as they are, as many at a time."""
    step = max(1, BLOCK_VALUES // max(1, array.shape[1]))
    for start in range(0, len(array), step):
        yield array[start : start + step]


def measure_health(array: np.ndarray, name: str = "the embedding") -> Health:
    """Measure an embedding by reading it in blocks; `array` may be a memory map.

    It needs memory for a block and for a square matrix of side min(n_items, embed_dim).

    Args:
        array: vectors, shape (n_items, embed_dim).
        name: name of the embedding in errors.

    Raises:
        ModelError: a fatal finding, see `measure_findings`.
    """
    findings = measure_findings(array, name)
    return Health(**vars(findings), effective_rank=effective_rank(array))


def measure_findings(array: np.ndarray, name: str = "the embedding") -> Findings:
    """Measure everything but the rank, in memory for a block; see `measure_health`.

    Raises:
        ModelError: a fatal finding: no columns, NaN or infinite values, or only constant dimensions.
    """
    if array.ndim != 2 or 0 in array.shape:
        raise ModelError(f"{name} has shape {array.shape}; vectors need at least one row and one column")
    low, high = _extremes(array)
    if not (np.isfinite(low) & np.isfinite(high)).all():
        raise _not_finite(array, name)
    size = np.maximum(np.abs(low), np.abs(high))
    n_constant = int((high - low <= CONSTANT_SPREAD * size).sum())
    if n_constant == array.shape[1]:
        raise ModelError(
            f"{name}: all {n_constant} dimensions are constant, so every item has the same vector; "
            "check the layer, the pooling and the checkpoint"
        )
    array, exponent = _within_range(array, float(size.max()))
    norms, n_duplicates = _norms_and_duplicates(array)
    return Findings(
        n_items=array.shape[0],
        embed_dim=array.shape[1],
        n_not_finite=0,
        n_zero_rows=int((norms == 0).sum()),
        n_duplicate_rows=n_duplicates,
        n_constant_dims=n_constant,
        norm_mean=float(np.ldexp(norms.mean(), exponent)),
        norm_std=float(np.ldexp(norms.std(), exponent)),
    )


def _extremes(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest value of each dimension; NaN where a value is NaN."""
    low, high = np.full(array.shape[1], np.inf), np.full(array.shape[1], -np.inf)
    for part in _parts(array):
        np.minimum(low, part.min(axis=0), out=low)
        np.maximum(high, part.max(axis=0), out=high)
    return low, high


def _within_range(array: np.ndarray, largest: float) -> tuple[np.ndarray, int]:
    """The array, divided by a power of two if squares of its values could overflow or underflow.

    Args:
        array: vectors, shape (n_items, embed_dim).
        largest: size of its largest value.

    Returns:
        The array, and the exponent of that power; 0 if the array is unchanged.
    """
    exponent = int(np.frexp(largest)[1])
    if abs(exponent) < SAFE_EXPONENT:
        return array, 0
    return np.ldexp(np.asarray(array, dtype=np.float64), -exponent), exponent


def _not_finite(array: np.ndarray, name: str) -> ModelError:
    """The error about an array with values that are not finite."""
    bad = np.concatenate([~np.isfinite(block).all(axis=1) for block in blocks(array)])
    return ModelError(
        f"{name} has NaN or infinite values in {bad.sum()} of {len(bad)} rows, "
        f"first in row {bad.argmax()} (counted from 0); leave these items out, or compute in float32"
    )


def _norms_and_duplicates(array: np.ndarray) -> tuple[np.ndarray, int]:
    """Norms of the rows, shape (n_items,), and the number of nonzero rows that repeat an earlier one."""
    norms = np.empty(len(array))
    for start in range(0, len(array), NORMED_ROWS):
        some = slice(start, start + NORMED_ROWS)
        block = np.asarray(array[some], dtype=np.float64)
        norms[some] = np.sqrt(np.einsum("ij,ij->i", block, block))
    is_nonzero = norms > 0
    n_different = len(np.unique(row_hashes(array)[is_nonzero]))
    return norms, int(is_nonzero.sum()) - n_different


def column_means(array: np.ndarray) -> np.ndarray:
    """Mean of each dimension in float64, shape (embed_dim,), by blocks."""
    total = np.zeros(array.shape[1])
    for block in blocks(array):
        total += block.sum(axis=0)
    return total / len(array)


def scatter_matrix(array: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Sum of the outer products of the centred rows, shape (embed_dim, embed_dim), by blocks."""
    scatter = np.zeros((array.shape[1], array.shape[1]))
    for block in blocks(array):
        centred = block - means
        scatter += centred.T @ centred
    return scatter


def _gram_matrix(array: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Inner products of the centred rows, shape (n_items, n_items); for more columns than rows."""
    centred = np.asarray(array, dtype=np.float64) - means
    gram: np.ndarray = centred @ centred.T
    return gram


def effective_rank(array: np.ndarray) -> float:
    r"""Effective rank: the number of directions that an embedding uses.

    .. math:: \exp\Bigl(-\sum_k p_k \log p_k\Bigr), \qquad p_k = s_k \Big/ \sum_j s_j

    with s_k the singular values of the centred matrix. Source: Roy and Vetterli, The effective rank, EUSIPCO
    2007; used as RankMe by Garrido et al., arXiv 2210.02885, eq. 1-2. Unlike RankMe, we centre the columns
    and leave out the constant 1e-7 beside p_k. Rows are not normalised, and p uses the singular values, not
    their squares.

    Args:
        array: finite vectors, shape (n_items, embed_dim).

    Returns:
        A number from 1 to min(n_items, embed_dim); 0 if all rows are equal.
    """
    array, _ = _within_range(array, float(np.abs(_extremes(array)).max()))
    means = column_means(array)
    square = scatter_matrix(array, means) if array.shape[1] <= len(array) else _gram_matrix(array, means)
    eigenvalues = np.linalg.eigvalsh(square)
    singular = np.sqrt(eigenvalues.clip(min=0.0))  # rounding makes zero eigenvalues slightly negative
    if singular.sum() == 0.0:
        return 0.0
    share = singular / singular.sum()
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))


def health_warnings(health: Findings, n_truncated: int | None) -> list[str]:
    """Warnings for readers of the ranking: one sentence per finding, with its numbers."""
    n = health.n_items
    findings = (
        ((n_truncated or 0) > TRUNCATED_SHARE * n, n_truncated, "items are longer than the model reads"),
        (health.n_zero_rows > 0, health.n_zero_rows, "items have a zero vector"),
        (
            health.n_duplicate_rows > DUPLICATE_SHARE * n,
            health.n_duplicate_rows,
            "vectors repeat another vector",
        ),
    )
    found = [f"{count} of {n} {text} ({count / n:.1%})" for wrong, count, text in findings if wrong and count]
    if health.n_constant_dims:
        found.append(f"{health.n_constant_dims} of {health.embed_dim} dimensions are constant")
    return found


def health_card(health: Health, n_truncated: int | None, warnings: list[str]) -> dict[str, Any]:
    """The health part of an embedding's card, JSON-compatible."""
    card = asdict(health)
    share = None if n_truncated is None else n_truncated / health.n_items
    del card["n_items"], card["embed_dim"]
    return card | {
        "n_truncated": n_truncated,
        "truncated_share": share,
        "warnings": health_warnings(health, n_truncated) + warnings,
    }
