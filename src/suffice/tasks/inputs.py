"""From an embedding and a corpus table to the vectors, labels and groups that take part in a task."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from suffice.data.columns import GROUP, SPLIT, TEST, TRAIN
from suffice.errors import DataError, ModelError
from suffice.memory import check_memory

MAX_SHOWN = 40  # characters of a label in a message
LONG_NUMBER = 19  # digits, more than every 64-bit number can hold
CONSTANT_RATIO = 1e-6  # float32 rounding alone gives a constant dimension a spread of 1e-7 of its mean
MAX_DEVIATIONS = np.float32(10)  # of a test item, unless a training item is farther from the mean


@dataclass(frozen=True)
class Part:
    """The labelled items on one side of the split.

    Attributes:
        features: vectors, shape (n_items, embed_dim).
        labels: shape (n_items,).
        groups: group number of each item, shape (n_items,).
    """

    features: np.ndarray
    labels: np.ndarray
    groups: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def check_lengths(embedding: np.ndarray, table: pd.DataFrame) -> None:
    """Raise DataError unless the embedding is a matrix with one row per item of the table."""
    if embedding.ndim != 2 or len(embedding) != len(table):
        raise DataError(
            f"the embedding has shape {embedding.shape} but the data set has {len(table)} items; "
            "embed this data set again"
        )


BYTES_OF_NUMBER = 12  # in single precision, and in double precision for the probe


def vectors_of(embedding: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The vectors of the items `rows` in memory, float32, shape (len(rows), embed_dim).

    Raises:
        ModelError: one of them is not finite.
        SufficeError: there is less memory than they take.
    """
    check_memory(
        BYTES_OF_NUMBER * len(rows) * embedding.shape[1],
        f"a probe of {len(rows):,} vectors of {embedding.shape[1]:,} dimensions",
        "give it more, or take fewer labelled items",
    )
    vectors = np.asarray(embedding[rows], dtype=np.float32)
    bad = ~np.isfinite(vectors).all(axis=1)
    if bad.any():
        raise ModelError(
            f"{bad.sum()} of {len(rows)} vectors have NaN or infinite values, the first in row "
            f"{rows[bad.argmax()]}; embed again (in float32 if you used a lower precision)"
        )
    return vectors


def unit_vectors(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to length one, float64. A zero row stays zero, so its cosine with any row is 0."""
    vectors = vectors.astype(np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norms > 0, norms, 1.0)


def labelled_rows(table: pd.DataFrame, column: str) -> np.ndarray:
    """Positions of the items that have a value in `column`.

    Raises:
        DataError: no item has one.
    """
    rows = np.flatnonzero(table[column].notna().to_numpy())
    if len(rows) == 0:
        raise DataError(f"no item has a value in column {column!r}; correct the task or the data set")
    return rows


def number_labels(table: pd.DataFrame, rows: np.ndarray, column: str) -> np.ndarray:
    """The numbers in `column` at `rows`, float64.

    Raises:
        DataError: a value is not a finite number.
    """
    labels = table[column].iloc[rows]
    numbers = _as_numbers(labels)
    bad = ~np.isfinite(numbers)
    if bad.any():
        value = str(labels.iloc[int(bad.argmax())])[:MAX_SHOWN]
        raise DataError(f"column {column!r} holds {value!r}, which is not a finite number; correct it")
    return numbers


def _as_numbers(labels: pd.Series) -> np.ndarray:
    """Labels as numbers; NaN for a label that is not a number."""
    try:
        return pd.to_numeric(labels, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    except OverflowError:  # a whole number too long for the processor
        as_text = labels.astype(str).where(labels.astype(str).str.len() < LONG_NUMBER, "inf")
        return pd.to_numeric(as_text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def group_numbers(table: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    """Groups of the items `rows`, numbered from 0 without gaps.

    Raises:
        DataError: an item has no group.
    """
    codes = pd.factorize(table[GROUP].iloc[rows])[0]
    if (codes < 0).any():
        raise DataError(f"row {rows[(codes < 0).argmax()]} of the data set has no group; build it again")
    return np.asarray(codes)


def split_parts(
    embedding: np.ndarray, table: pd.DataFrame, rows: np.ndarray, labels: np.ndarray
) -> tuple[Part, Part]:
    """Training and test items among `rows`, whose labels are `labels`.

    Raises:
        DataError: a side is empty, a split has another name, or a group is on both sides.
        ModelError: a vector is not finite.
    """
    sides = table[SPLIT].iloc[rows].to_numpy()
    unknown = set(sides) - {TRAIN, TEST}
    if unknown:
        raise DataError(f"column {SPLIT!r} has {sorted(map(str, unknown))}; allowed are {TRAIN} and {TEST}")
    groups = group_numbers(table, rows)
    shared = np.intersect1d(groups[sides == TRAIN], groups[sides == TEST])
    if len(shared):
        raise DataError(f"{len(shared)} groups have labelled items in both train and test; split by group")
    vectors = vectors_of(embedding, rows)
    train, test = (
        Part(vectors[sides == side], labels[sides == side], groups[sides == side]) for side in (TRAIN, TEST)
    )
    if min(len(train), len(test)) == 0:
        raise DataError(
            f"there are {len(train)} labelled items in train and {len(test)} in test; both need at least one"
        )
    return train, test


def standardise(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both arrays, standardised by the mean and the standard deviation of the training items, float32.

    A probe cannot learn from dimensions that are constant over the training items, and they are left out. A
    dimension that is nearly constant there can be extreme for a test item, and a linear probe would then have
    no bound. Test items are therefore limited to 10 standard deviations, or to the largest training value.

    Raises:
        ModelError: every dimension is constant.
    """
    mean = train.mean(axis=0, dtype=np.float64)
    spread = train.std(axis=0, dtype=np.float64)
    varies = spread > CONSTANT_RATIO * np.abs(mean)
    if not varies.any():
        raise ModelError("all training items have the same vector; check how this model was embedded")
    mean, spread = mean[varies], spread[varies]
    train, test = (((part[:, varies] - mean) / spread).astype(np.float32) for part in (train, test))
    limit = np.maximum(np.abs(train).max(axis=0), MAX_DEVIATIONS)
    return train, np.clip(test, -limit, limit)


def to_row_space(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same linear model in at most n_train coordinates, when there are more dimensions than items.

    With an L2 penalty the best weights are in the span of the training items. A rotation into that span
    therefore changes no prediction.
    """
    if train.shape[1] <= train.shape[0]:
        return train, test
    basis, triangle = np.linalg.qr(train.T)  # (d, n), (n, n)
    return np.ascontiguousarray(triangle.T), test @ basis
