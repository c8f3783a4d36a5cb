r"""Residuals of a linear regression without a unit of items, computed from the fit to all items.

Let H = X (X'X + penalty)^{-1} X' be the hat matrix and e_u the residuals of unit u in the fit to all items.
The residuals of this unit in a fit without it are (I - H_uu)^{-1} e_u. One fit therefore gives the residuals
of one fit per unit.

Source: Cook and Weisberg, Residuals and Influence in Regression (1982), section 3.4, for groups of items.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

FIELDS = ("flat", "sizes", "degrees", "across")
MAX_ACROSS = 64  # items of a unit whose leverages `across` holds
MAX_LEVERAGE = 1 - 1e-5  # keeps (I - H)^{-1} within single precision


@dataclass(frozen=True)
class LeaveOut:
    """For each unit, the matrix that turns its residuals into those of a fit without it.

    Attributes:
        flat: the matrices of all units one after the other. Each is (I - H_uu)^{-1}, with the size of the
            unit. If a unit has more items than the regression has coefficients, it is the smaller matrix K of
            Woodbury's identity, (I - H_uu)^{-1} = I + X_u K X_u', with the number of coefficients as size.
        sizes: number of rows of each matrix, shape (n_units,).
        degrees: the sum of the leverages of each unit's items, tr H_uu, shape (n_units,).
        across: the entries of H between each unit and the next, for at most 64 items each, one matrix after
            the other.
    """

    flat: Floats32
    sizes: npt.NDArray[np.int64]
    degrees: Floats
    across: Floats32

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays by name."""
        return {f"leave_out_{name}": array for name, array in vars(self).items() if name in FIELDS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The matrices that `arrays` described; other arrays are ignored."""
        return cls(*(arrays[f"leave_out_{name}"] for name in FIELDS))

    @cached_property
    def _bounds(self) -> npt.NDArray[np.int64]:
        return np.r_[0, np.cumsum(self.sizes**2)]

    def hat_across(self, shapes: Iterable[tuple[int, ...]]) -> Iterator[Floats32]:
        """The entries of H between each unit and the next, in the shapes of `across`."""
        start = 0
        for shape in shapes:
            stop = start + math.prod(shape)
            yield self.across[start:stop].reshape(shape)
            start = stop

    def apply(self, unit: int, rows: Floats32, residual: Floats32) -> Floats32:
        """Residuals of one unit in a fit without it, shape (n, d_v).

        Args:
            unit: number of the unit.
            rows: its rows of the regression's source, shape (n, d_u).
            residual: its residuals in the fit to all items, shape (n, d_v).
        """
        size = self.sizes[unit]
        matrix = self.flat[self._bounds[unit] : self._bounds[unit + 1]].reshape(size, size)
        if size == len(residual):
            return matrix @ residual
        design = with_intercept(rows)
        return residual + design @ (matrix @ (design.T @ residual))


@dataclass(frozen=True)
class Moment:
    """The penalised second moment of all items about their mean.

    Attributes:
        factor: its lower Cholesky factor, shape (d, d); its precision is that of the work with it.
        n_items: number of items.
    """

    factor: npt.NDArray[np.floating]
    n_items: int

    @property
    def dim(self) -> int:
        """Number of dimensions."""
        return len(self.factor)


def with_intercept(rows: Floats32) -> Floats32:
    """Rows with a column of ones before them."""
    return np.hstack([np.ones((len(rows), 1), dtype=np.float32), rows])


def leave_out_of(rows: Floats32, bounds: npt.NDArray[np.int64], moment: Moment) -> LeaveOut:
    """The matrices of some units.

    Args:
        rows: centred rows of the units, shape (n, d).
        bounds: where each unit's rows begin, and where the last one's end, shape (n_units + 1,).
        moment: of all items.
    """
    (solve,) = scipy.linalg.get_blas_funcs(("trsm",), (moment.factor,))  # faster than solve_triangular
    half = solve(1.0, moment.factor, rows.T.astype(moment.factor.dtype), lower=1).T  # (n, d)
    matrices = [
        _by_items(half[start:stop], moment)
        if stop - start <= moment.dim + 1
        else _by_coefficients(rows[start:stop], moment)
        for start, stop in pairwise(bounds.tolist())
    ]
    sizes = np.array([len(matrix) for matrix in matrices], dtype=np.int64)
    flat = np.concatenate([matrix.ravel() for matrix in matrices]).astype(np.float32)
    across = [np.zeros(0)] + [
        (half[start : min(start + MAX_ACROSS, stop)] @ half[stop : min(stop + MAX_ACROSS, end)].T).ravel()
        + 1 / moment.n_items
        for start, stop, end in zip(bounds[:-2], bounds[1:-1], bounds[2:], strict=True)
    ]
    leverages = np.einsum("ij,ij->i", half, half) + 1 / moment.n_items
    degrees = np.add.reduceat(leverages, bounds[:-1], dtype=np.float64)
    return LeaveOut(flat, sizes, degrees, np.concatenate(across).astype(np.float32))


def _by_items(half: npt.NDArray[np.floating], moment: Moment) -> npt.NDArray[Any]:
    hat = half @ half.T + 1 / moment.n_items
    return np.linalg.inv(np.eye(len(half)) - MAX_LEVERAGE * hat)


def _by_coefficients(rows: Floats32, moment: Moment) -> npt.NDArray[Any]:
    whole = np.zeros((moment.dim + 1, moment.dim + 1))
    whole[0, 0] = moment.n_items
    factor = moment.factor.astype(np.float64)
    whole[1:, 1:] = factor @ factor.T
    design = with_intercept(rows).astype(np.float64)
    return np.linalg.inv(whole / MAX_LEVERAGE - design.T @ design)
