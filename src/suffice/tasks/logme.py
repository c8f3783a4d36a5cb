r"""LogME: the largest log evidence of a Bayesian linear model of the labels, per item, in nats.

With features F of n items, y | w ~ N(F w, 1/beta) and w ~ N(0, 1/alpha), the evidence depends on the ratio
t = alpha / beta and on beta, whose best value given t is known. With the singular values s of F and
z = U' y, where U holds its left singular vectors,

.. math:: \frac1n \log p(y) = \tfrac12 \log \frac{\beta}{2 \pi e}
          + \frac1{2n} \sum_i \log \frac{t}{t + s_i^2}, \qquad
          \beta^{-1} = \frac1n \Big( \|y\|^2 - \sum_i \frac{s_i^2 z_i^2}{t + s_i^2} \Big)

and the stationary points are the fixed points of t = gamma / (n - gamma) |y - F m|^2 / |m|^2, with the
posterior mean m of w and gamma = sum of s^2 / (t + s^2).

Source: You et al., ICML 2021 (arXiv 2102.11005), and for the fixed point arXiv 2110.10545. There the
iteration starts at t = 1. Here it starts at the best point of a grid, because the evidence can have several
maxima.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suffice.errors import DataError

Floats = npt.NDArray[np.float64]

GRID = np.logspace(-9, 6, 46)  # of t, as a multiple of the largest squared singular value
GRID_STEP = float(np.log(GRID[1] / GRID[0]))
MAX_STEPS = 100
TOLERANCE = 1e-6  # relative change of t; the evidence is flat there, so its own error is far smaller
MIN_EIGENVALUE = 1e-12  # share of the largest; smaller values are rounding errors
MIN_LEFT_OVER = 1e-12  # share of |y|^2; smaller values are rounding errors


@dataclass(frozen=True)
class Spectrum:
    """Features and labels in the basis of the features' left singular vectors.

    Attributes:
        squares: squared singular values, shape (r,).
        parts: squares of the labels' coordinates, shape (r, n_labels).
        total: squared norms of the labels, shape (n_labels,).
        n_items: number of items.
    """

    squares: Floats
    parts: Floats
    total: Floats
    n_items: int

    def left_over(self, ratio: Floats) -> Floats:
        """Squared error and penalty together, n / beta, for each label's ratio t, shape (n_labels,)."""
        fitted = (self.squares[:, None] / (ratio + self.squares[:, None]) * self.parts).sum(axis=0)
        return np.maximum(self.total - fitted, MIN_LEFT_OVER * self.total)

    def evidence(self, ratio: Floats) -> Floats:
        """Log evidence per item with the best beta, in nats, shape (n_labels,)."""
        precision = self.n_items / self.left_over(ratio)
        shrinkage = np.log(ratio / (ratio + self.squares[:, None])).sum(axis=0)
        return 0.5 * (np.log(precision / (2 * np.pi * np.e)) + shrinkage / self.n_items)

    def next_ratio(self, ratio: Floats) -> Floats:
        """One step of the fixed-point iteration, shape (n_labels,)."""
        squares = self.squares[:, None]
        gamma = (squares / (ratio + squares)).sum(axis=0)
        weights = (squares * self.parts / (ratio + squares) ** 2).sum(axis=0)
        error = self.left_over(ratio) - ratio * weights
        with np.errstate(divide="ignore", invalid="ignore"):
            found = gamma / (self.n_items - gamma) * error / weights
        low, high = self.squares.max() * GRID[[0, -1]]
        return np.clip(np.where(np.isfinite(found) & (found > 0), found, high), low, high)

    def evidence_on(self, grid: Floats) -> Floats:
        """The same at each ratio of a grid, shape (n_ratios, n_labels)."""
        both = grid[:, None] + self.squares
        fitted = (self.squares / both) @ self.parts
        left_over = np.maximum(self.total - fitted, MIN_LEFT_OVER * self.total)
        shrinkage = np.log(grid[:, None] / both).sum(axis=1) / self.n_items
        return 0.5 * (np.log(self.n_items / left_over / (2 * np.pi * np.e)) + shrinkage[:, None])

    def best_ratio(self) -> Floats:
        """The ratio t with the largest evidence for each label, shape (n_labels,).

        The fixed point is found on a logarithmic scale by secant steps from the best point of a grid. A step
        that leaves the neighbourhood of this point is replaced by one of the iteration.
        """
        grid = self.squares.max() * GRID
        on_grid = self.evidence_on(grid)
        start = grid[on_grid.argmax(axis=0)]
        before, gap_before = np.log(start), np.log(self.next_ratio(start) / start)
        now = before + gap_before
        for _ in range(MAX_STEPS):
            gap = np.log(self.next_ratio(np.exp(now))) - now
            if (np.abs(gap) <= TOLERANCE).all():
                break
            with np.errstate(divide="ignore", invalid="ignore"):
                secant = now - gap * (now - before) / (gap - gap_before)
            is_near = np.abs(secant - np.log(start)) < GRID_STEP
            before, gap_before, now = now, gap, np.where(is_near, secant, now + gap)
        ratio = np.exp(now + gap)
        return np.where(self.evidence(ratio) >= on_grid.max(axis=0), ratio, start)


def logme(features: npt.NDArray[np.floating], labels: npt.NDArray[np.generic], kind: str) -> float:
    """LogME of a model's vectors for some labels, in nats per item; higher is better.

    Args:
        features: vectors of the labelled items, shape (n_items, embed_dim), as the model returns them.
        labels: class or number of each item, shape (n_items,).
        kind: "classification", the mean over classes of the evidence of "is it this class", or
            "regression".

    Raises:
        DataError: a vector or number is not finite, lengths differ, labels do not vary, or kind is unknown.
    """
    columns = label_columns(labels, kind)
    check_features(features, len(columns))
    spectrum = spectrum_of(features.astype(np.float64), columns)
    return float(spectrum.evidence(spectrum.best_ratio()).mean())


def spectrum_of(features: Floats, columns: Floats) -> Spectrum:
    """From features, shape (n_items, embed_dim), and labels, shape (n_items, n_labels)."""
    return spectrum_in(*decompose(features), columns)


def spectrum_in(squares: Floats, left: Floats, columns: Floats) -> Spectrum:
    """From squared singular values and left singular vectors, and labels, shape (n_items, n_labels)."""
    return Spectrum(squares, (left.T @ columns) ** 2, np.square(columns).sum(axis=0), len(columns))


def decompose(features: Floats) -> tuple[Floats, Floats]:
    """Squared singular values, shape (r,), and left singular vectors, shape (n_items, r).

    They come from the eigenvalues of the smaller of the two product matrices, which is two to four times as
    fast as a singular value decomposition. Directions with less than 1e-12 of the largest eigenvalue are
    rounding errors and left out.
    """
    n_items, embed_dim = features.shape
    of_items = n_items <= embed_dim
    squares, vectors = np.linalg.eigh(features @ features.T if of_items else features.T @ features)
    kept = squares > MIN_EIGENVALUE * squares[-1]
    squares, vectors = squares[kept], vectors[:, kept]
    return squares, vectors if of_items else features @ vectors / np.sqrt(squares)


def label_columns(labels: npt.NDArray[np.generic], kind: str) -> Floats:
    """Labels as numbers: one column per class, or one column of numbers, shape (n_items, n_labels).

    Raises:
        DataError: labels do not vary, a number is not finite, or kind is unknown.
    """
    if kind not in ("classification", "regression"):
        raise DataError(f"kind {kind!r} is unknown; use classification or regression")
    values = np.asarray(labels)
    if kind == "regression":
        values = values.astype(np.float64)
        if not np.isfinite(values).all():
            raise DataError(
                f"label of item {int((~np.isfinite(values)).argmax())} is not finite; leave it out"
            )
    classes = np.unique(values)
    if len(classes) < 2:
        raise DataError(f"all {len(values)} labels are {classes.tolist()}; give at least two different ones")
    return (values[:, None] == classes).astype(np.float64) if kind == "classification" else values[:, None]


def check_features(features: npt.NDArray[np.floating], n_labels: int) -> None:
    """Raise DataError unless there is one finite vector per label, and not all of them are zero."""
    if features.ndim != 2 or len(features) != n_labels:
        raise DataError(f"vectors have shape {features.shape} for {n_labels} labels; give one row per label")
    if not np.isfinite(features).all():
        row = int((~np.isfinite(features)).any(axis=1).argmax())
        raise DataError(f"the vector of item {row} is not finite; embed it again or leave it out")
    if not features.any():
        raise DataError("all vectors are zero; embed the items again or leave the model out")
