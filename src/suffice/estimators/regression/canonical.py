"""Canonical correlations of a pair of models, from whitened rows in single precision where that is enough."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy

from suffice.estimators.items import ItemPlan
from suffice.estimators.regression.determinants import Across
from suffice.estimators.regression.leave_out import MAX_LEVERAGE
from suffice.estimators.regression.ridge import PreparedRegression, StandardRows
from suffice.estimators.regression.squares import products_across
from suffice.estimators.result import Floats

Floats32 = npt.NDArray[np.float32]
Floating = npt.NDArray[Any]

MAX_MEAN_INVERSE = 10  # of residual variances; above this, products in single precision are not exact enough
COLUMNS_AT_ONCE = 192  # of a product with a triangular matrix, so its zeros are left out


@dataclass(frozen=True)
class Whitened(StandardRows):
    """The rows of a model, with a second moment of 1 after the penalty is added.

    They are computed in double precision if the inverse of the second moment needs it, and then rounded.
    Products of these rows in single precision are exact enough for most pairs, because no direction of a
    model is longer than another.

    Attributes:
        whitening: times the standardised rows, lower triangular, shape (d, d); its product with its transpose
            is the inverse of the second moment.
        precision: of the product of both.
        penalty: constant added to the diagonal of the second moment.
    """

    whitening: Floats
    precision: npt.DTypeLike
    penalty: float

    @classmethod
    def of(cls, model: PreparedRegression) -> Self:
        """The rows of a prepared model."""
        factor = scipy.linalg.cholesky(model.inverse.astype(np.float64), lower=True, check_finite=False)
        own = model.embedding, model.plan, model.standardisation
        return cls(*own, factor, model.inverse.dtype, model.penalty)

    def moment(self) -> Floats:
        """Sum over all items of the outer products of whitened rows, shape (d, d)."""
        return np.asarray(np.eye(self.dim) - self.penalty * self.whitening.T @ self.whitening)

    def rows(self, units: range) -> Floats32:
        """Whitened rows of a run of units, unit by unit, shape (n, d)."""
        return self._white(super().rows(units))

    def sampled_rows(self) -> Floats32:
        """Whitened rows of the plan's sample of units, unit by unit, shape (n, d)."""
        return self._white(super().sampled_rows())

    def _white(self, rows: Floats32) -> Floats32:
        white = times_lower(rows.astype(self.precision, copy=False), self.whitening.astype(self.precision))
        return white.astype(np.float32, copy=False)

    def alone(self) -> "Alone":
        """The statistics of the model that do not depend on another."""
        return Alone.of(self.sampled_rows(), self.plan)


@dataclass(frozen=True)
class Alone:
    """Statistics of the target of a pair without the source.

    Attributes:
        rows: its sampled rows, whitened, shape (n, d).
        plan: the division of the items.
        log_shares: effect of deleting each sampled unit on its log-determinant, shape (n_sampled,).
        products: inner products of the items of each unit with those of the next.
    """

    rows: Floats32
    plan: ItemPlan
    log_shares: Floats
    products: list[Floats32]

    @classmethod
    def of(cls, rows: Floats32, plan: ItemPlan) -> Self:
        """The statistics of whitened rows of the sampled units."""
        units = [rows[start:stop] for start, stop in pairwise(plan.sample.bounds.tolist())]

        def about_others(rows: Floats32) -> Floats32:
            return np.asarray(rows + rows.sum(axis=0) / (plan.n_items - len(rows)))

        log_shares = [_log_share_left(own, about_others) for own in units]
        return cls(rows, plan, np.array(log_shares), products_across(units))


@dataclass(frozen=True)
class Rotated:
    """A pair's target, rotated and scaled so that its residuals have a second moment of 1.

    Attributes:
        scaled: times the residuals of the whitened target, shape (d_v, k): without directions that reach the
            variance floor.
        is_triangular: whether `scaled` is upper triangular.
        alone: statistics of the target without these directions.
        nats: the plug-in estimate, with the variance floor.
        n_floored: number of canonical directions that were predicted up to the floor.
        shared: sum of the squared canonical correlations.
        moment: sums of v u' of whitened rows, shape (d_v, d_u).
    """

    scaled: Floats
    is_triangular: bool
    alone: Alone
    nats: float
    n_floored: int
    shared: float
    moment: Floats

    def residuals(self, target_rows: Floats32, source_rows: Floats32) -> Floats32:
        """Residuals of the target with a second moment of 1, from whitened rows of both, shape (n, k)."""
        if not self.scaled.size:
            return target_rows[:, :0]
        residuals = source_rows @ self.moment.T.astype(np.float32)
        np.subtract(target_rows, residuals, out=residuals)
        scaled = self.scaled.astype(np.float32)
        return times_upper(residuals, scaled) if self.is_triangular else residuals @ scaled


def rotated_target(moment: Floats, in_double: Callable[[], Floats], alone: Alone, floor: float) -> Rotated:
    r"""From the sums of v u' of whitened rows, shape (d_v, d_u), in single and, if needed, double precision.

    Let S be the second moment of the predictions, and I - S that of the residuals. The estimate is minus half
    the log-determinant of I - S, from its Cholesky factor. The mean diagonal entry of its inverse says how
    nearly the target is determined. If it is large, the sums are computed in double precision, and all
    eigenvalues of S are compared with the floor.
    """
    shared = moment @ moment.T
    factor, failed = scipy.linalg.lapack.dpotrf(np.eye(len(shared)) - shared, lower=1)
    if not failed:
        inverse, _ = scipy.linalg.lapack.dtrtri(factor, lower=1)
        total = float(np.square(inverse).sum())  # at least the inverse of the smallest eigenvalue
        if total < min(MAX_MEAN_INVERSE * len(shared), 1 / floor):
            nats = -float(np.log(np.diag(factor)).sum())
            return Rotated(inverse.T, True, alone, nats, 0, float(np.trace(shared)), moment)
    moment = in_double()
    shared = moment @ moment.T
    squares, directions = scipy.linalg.eigh(shared, driver="evd", check_finite=False)
    left_over = np.maximum(1 - np.maximum(squares, 0.0), floor)
    kept = left_over > floor
    rest = Alone.of(alone.rows @ directions[:, kept].astype(np.float32), alone.plan)
    scaled = directions[:, kept] / np.sqrt(left_over[kept])
    nats, in_common = -0.5 * np.log(left_over).sum(), np.clip(squares, 0.0, 1.0).sum()
    return Rotated(scaled, False, rest, float(nats), int((~kept).sum()), float(in_common), moment)


def moment_in_double(target: Whitened, source: Whitened) -> Floats:
    """Sums over all items of v u' of whitened rows in double precision, shape (d_v, d_u)."""
    moment = np.zeros((target.dim, source.dim))
    for units in target.plan.windows():
        left, right = (StandardRows.rows(side, units).astype(np.float64) for side in (target, source))
        moment += left.T @ right
    return np.asarray(target.whitening.T @ moment @ source.whitening)


@dataclass(frozen=True)
class Canonical:
    """Statistics of a pair from its second moments.

    Attributes:
        nats: the plug-in estimate, with the variance floor.
        n_floored: number of canonical directions that were predicted up to the floor.
        shared: sum of the squared canonical correlations.
        changes: effect of deleting each sampled unit on the plug-in estimate, shape (n_sampled,).
        across: sums over pairs of items of neighbouring units.
    """

    nats: float
    n_floored: int
    shared: float
    changes: Floats
    across: Across


def canonical_of(
    source: PreparedRegression, source_rows: Floats32, residuals: Floats32, rotated: Rotated
) -> Canonical:
    """Statistics of a pair.

    Args:
        source: the source.
        source_rows: its standardised rows of the plan's sample of units, shape (n, d_u).
        residuals: of these items, with a second moment of 1, shape (n, k).
        rotated: the target.
    """
    bounds = list(pairwise(source.plan.sample.bounds.tolist()))
    units = [residuals[start:stop] for start, stop in bounds]
    leave_out = source.leave_out
    log_shares = [
        _log_share_left(own, partial(leave_out.apply, unit, source_rows[start:stop]))
        for unit, (own, (start, stop)) in enumerate(zip(units, bounds, strict=True))
    ]
    changes = 0.5 * (rotated.alone.log_shares - np.array(log_shares))
    across = _across(source, units, rotated.alone.products)
    return Canonical(rotated.nats, rotated.n_floored, rotated.shared, changes, across)


def _across(source: PreparedRegression, units: Sequence[Floats32], of_target: Sequence[Floats32]) -> Across:
    """Sums over pairs of items of neighbouring units.

    Residuals of a fit have less in common with its source than noise has; a part of the source is added.
    """
    dim = units[0].shape[1]
    by_fit = np.float32(dim / (source.plan.n_items - 1 - source.rank))
    of_source = source.leave_out.hat_across(product.shape for product in of_target)
    of_residuals = products_across(units)
    products = (
        (a, b, left + by_fit * a) for a, b, left in zip(of_source, of_target, of_residuals, strict=True)
    )
    return Across.of(source.plan, (source.rank, dim), products)


def _log_share_left(rows: Floats32, left_out: Callable[[Floats32], Floats32]) -> float:
    """Log |I - X' L X|: effect of deleting rows X on the log-determinant of a second moment of unit size.

    Args:
        rows: the rows of a unit, shape (n, d).
        left_out: multiplies a matrix of n rows by L, which makes residuals those of a fit without the unit.
    """
    product = left_out(rows @ rows.T) if len(rows) <= rows.shape[1] else rows.T @ left_out(rows)
    return float(np.linalg.slogdet(np.eye(len(product)) - MAX_LEVERAGE * product).logabsdet)


def times_lower(rows: Floating, lower: Floating) -> Floating:
    """The product of rows, shape (n, d), with a lower triangular matrix, some of its columns at a time."""
    product = np.empty_like(rows)
    for start in range(0, len(lower), COLUMNS_AT_ONCE):
        some = slice(start, start + COLUMNS_AT_ONCE)
        np.matmul(rows[:, start:], lower[start:, some], out=product[:, some])
    return product


def times_upper(rows: Floating, upper: Floating) -> Floating:
    """The product of rows, shape (n, d), with an upper triangular matrix, some of its columns at a time."""
    product = np.empty_like(rows)
    for stop in range(len(upper), 0, -COLUMNS_AT_ONCE):
        some = slice(max(0, stop - COLUMNS_AT_ONCE), stop)
        np.matmul(rows[:, :stop], upper[:stop, some], out=product[:, some])
    return product
