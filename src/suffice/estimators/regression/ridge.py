"""Linear regression of one model on another from second moments, shared by the families that use it.

Per model: standardised rows, the inverse of the penalised second moment, and the effect of leaving out each
unit of items. Per unordered pair: one product of the two embeddings. Per ordered pair: one product with the
weights, which gives the residuals. Items are streamed, so memory does not grow with their number.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, pairwise
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt
import scipy
from pydantic import Field

from suffice.errors import EstimationError
from suffice.estimators.base import Embedding, Estimator, Prepared, check_same_items
from suffice.estimators.items import ItemPlan, large_group_warning
from suffice.estimators.looks import Looks, keys_of_looks, mean_of_looks, ways_across
from suffice.estimators.regression.leave_out import LeaveOut, Moment, leave_out_of
from suffice.estimators.regression.tiling import PairKey, Pool, pair_tiles, pool, source_tiles
from suffice.estimators.result import Sufficiency
from suffice.estimators.standardise import Standardisation
from suffice.settings import Settings

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

MAX_DEGREES_SHARE = 0.5  # of the groups; with more, the residual variance is too uncertain
MAX_SINGLE_PRECISION_NORM = 1e3  # of the inverse of the mean square; above this, rounding errors would show
OWN_ARRAYS = ("inverse", "penalty", "degrees")
BYTES_OF_MOMENTS = 48  # six matrices in double precision, for each pair of dimensions of a model


@dataclass(frozen=True)
class StandardRows:
    """The standardised rows of an embedding, read a run of units at a time.

    Attributes:
        embedding: shape (n_items, embed_dim), not standardised; may be a memory map.
        plan: the division of the items.
        standardisation: of the d dimensions that vary.
    """

    embedding: Embedding
    plan: ItemPlan
    standardisation: Standardisation

    @property
    def dim(self) -> int:
        """Number of dimensions that vary."""
        return self.standardisation.dim

    def rows(self, units: range) -> Floats32:
        """Standardised rows of a run of units, unit by unit, shape (n, d)."""
        return self._rows_of(self.plan.items_of(units))

    def sampled_rows(self) -> Floats32:
        """Standardised rows of the plan's sample of units, unit by unit, shape (n, d)."""
        return self._rows_of(self.plan.sample.items)

    def _rows_of(self, items: npt.NDArray[np.int64]) -> Floats32:
        taken = np.asarray(self.embedding[items])  # a copy
        return self.standardisation.apply(taken, overwrite=True)

    def second_moment(self, precision: npt.DTypeLike = np.float64) -> Floats:
        """Sum over all items of x x', shape (d, d).

        Args:
            precision: of the products of at most 4096 items; their sums are in double precision.
        """
        moment = np.zeros((self.dim, self.dim))
        for units in self.plan.windows():
            rows = self.rows(units).astype(precision, copy=False)
            moment += rows.T @ rows
        return moment


@dataclass(frozen=True)
class PreparedRegression(StandardRows, Prepared):
    """The work on a model that its pairs share.

    Attributes:
        inverse: inverse of the penalised second moment, shape (d, d); in single precision if that is enough.
        leave_out: turns residuals of a regression on this model into those of fits without a sampled unit.
        penalty: constant added to the diagonal of the second moment.
        degrees: traces of the hat matrix and of its square, the intercept included, shape (2,).
    """

    inverse: npt.NDArray[np.floating]
    leave_out: LeaveOut
    penalty: float
    degrees: Floats

    @property
    def rank(self) -> int:
        """Number of dimensions that the penalty does not suppress."""
        return round(self.degrees[0] - 1)

    @property
    def block_degrees(self) -> Floats:
        """Sum of the leverages of each block's sampled items, shape (n_blocks,)."""
        return self.plan.sample.sum_by_block(self.leave_out.degrees)

    @property
    def is_penalised(self) -> bool:
        """Whether there are too few groups for the dimensions, so the penalty was raised."""
        return self.dim > MAX_DEGREES_SHARE * self.plan.n_groups - 1

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything but the embedding and the plan, as plain arrays."""
        own = {name: np.asarray(getattr(self, name)) for name in OWN_ARRAYS}
        return self.standardisation.arrays() | own | self.leave_out.arrays()

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, npt.NDArray[Any]], embedding: Embedding, plan: ItemPlan
    ) -> Self:
        """What `arrays` described."""
        own: dict[str, Any] = {name: arrays[name] for name in OWN_ARRAYS}
        own["penalty"] = float(own["penalty"])
        standardisation, leave_out = Standardisation.from_arrays(arrays), LeaveOut.from_arrays(arrays)
        return cls(embedding, plan, standardisation, leave_out=leave_out, **own)

    @classmethod
    def of(cls, rows: StandardRows, penalty: float, precision: npt.DTypeLike) -> Self:
        """Invert the second moment, and prepare to leave out each unit.

        Args:
            rows: the model's standardised rows.
            penalty: smallest ridge penalty, as a share of a dimension's variance.
            precision: of the products of rows, unless these must be in double precision for the inverse.
        """
        system = _System.of(rows, penalty, precision)
        shrunk = system.penalty * np.trace(system.inverse)
        twice = rows.dim - 2 * shrunk + system.penalty**2 * np.square(system.inverse).sum()
        moment = Moment(system.factor.astype(system.precision, copy=False), rows.plan.n_items)
        return cls(
            rows.embedding,
            rows.plan,
            rows.standardisation,
            inverse=system.inverse.astype(system.precision, copy=False),
            leave_out=leave_out_of(rows.sampled_rows(), rows.plan.sample.bounds, moment),
            penalty=system.penalty,
            degrees=1 + np.array([rows.dim - shrunk, twice]),
        )


@dataclass(frozen=True)
class _System:
    """The penalised second moment of a model.

    Attributes:
        factor: its lower Cholesky factor, shape (d, d).
        inverse: its inverse, shape (d, d).
        penalty: constant added to the diagonal.
        precision: single if that is enough for products with the inverse.
    """

    factor: Floats
    inverse: Floats
    penalty: float
    precision: npt.DTypeLike

    @classmethod
    def of(cls, rows: StandardRows, least_share: float, precision: npt.DTypeLike) -> "_System":
        """From products in a precision, or in double precision if the inverse needs it."""
        system = cls._from(rows.second_moment(precision), least_share, rows.plan)
        if precision != np.float64 and (system is None or system.precision == np.float64):
            system = cls._from(rows.second_moment(), least_share, rows.plan)
        if system is None:
            raise EstimationError(
                "the second moment of the dimensions cannot be inverted; use a larger `penalty`"
            )
        return system

    @classmethod
    def _from(cls, moment: Floats, least_share: float, plan: ItemPlan) -> "_System | None":
        """Factorise and invert; None if rounding made the second moment indefinite."""
        penalty = _penalty(moment, least_share, plan)
        moment[np.diag_indices_from(moment)] += penalty
        factor, failed = scipy.linalg.lapack.dpotrf(moment, lower=1)
        if failed:
            return None
        inverse, _ = scipy.linalg.lapack.dpotri(factor, lower=1)
        inverse += np.tril(inverse, -1).T
        is_tame = plan.n_items * np.abs(inverse).sum(axis=0).max() < MAX_SINGLE_PRECISION_NORM
        return cls(factor, inverse, penalty, np.float32 if is_tame else np.float64)


def _penalty(moment: Floats, least_share: float, plan: ItemPlan) -> float:
    """The smallest penalty that keeps the degrees of freedom, intercept included, below their limit."""
    n_items = plan.n_items
    least, limit = least_share * n_items, MAX_DEGREES_SHARE * plan.n_groups - 1
    if len(moment) <= limit:
        return least
    eigenvalues = np.maximum(scipy.linalg.eigvalsh(moment, check_finite=False), 0.0)
    low, high = np.log(least), np.log(n_items * len(moment))
    for _ in range(60):
        middle = (low + high) / 2
        is_low = (eigenvalues / (eigenvalues + np.exp(middle))).sum() > limit
        low, high = (middle, high) if is_low else (low, middle)
    return float(np.exp(high))


def cross_moments(
    models: Mapping[str, StandardRows], wanted: Sequence[PairKey], threads: Pool
) -> Callable[[PairKey], Floats]:
    """Sums over all items of u v' for wanted pairs, with one product for both directions of a pair.

    Products of at most 4096 items are in single precision, and their sums in double precision.

    Args:
        models: by name.
        wanted: pairs (source, target).
        threads: threads for the computation.

    Returns:
        The moment, shape (d_u, d_v), of a pair (source, target).
    """
    unordered = list(dict.fromkeys(oriented(models, pair) for pair in wanted))
    moments = {pair: np.zeros((models[pair[0]].dim, models[pair[1]].dim)) for pair in unordered}
    plan = next(iter(models.values())).plan
    for units in plan.windows() if unordered else ():
        read = threads.map(partial(_rows_of, models, units), models)
        rows = dict(zip(models, read, strict=True))

        def add(pair: PairKey, rows: dict[str, Floats32] = rows) -> None:
            moments[pair] += rows[pair[0]].T @ rows[pair[1]]

        threads.each(add, unordered)

    def moment_of(pair: PairKey) -> Floats:
        computed = oriented(models, pair)
        return moments[pair] if computed == pair else moments[computed].T

    return moment_of


def _rows_of(models: Mapping[str, StandardRows], units: range, name: str) -> Floats32:
    return models[name].rows(units)


def oriented(models: Mapping[str, StandardRows], pair: PairKey) -> PairKey:
    """The pair in the order in which its moment is computed, which the contents of the models decide."""

    def content(name: str) -> tuple[int, bytes]:
        return models[name].dim, models[name].standardisation.mean.tobytes()

    left, right = sorted(pair, key=content)
    return left, right


def of_different(models: Mapping[str, StandardRows], wanted: Iterable[PairKey]) -> list[PairKey]:
    """The pairs of two different models; those of a model with itself need no cross-moment."""
    return [(source, target) for source, target in wanted if models[source] is not models[target]]


def sampled_rows(models: Mapping[str, StandardRows], threads: Pool) -> dict[str, Floats32]:
    """The rows of the plan's sample of units of each model."""
    rows = threads.map(lambda name: models[name].sampled_rows(), models)
    return dict(zip(models, rows, strict=True))


def warnings_of_pair(n_floored: int, n_dims: int, floor: float, low: str | None, plan: ItemPlan) -> list[str]:
    """Warnings about a pair's estimate.

    Args:
        n_floored: dimensions or directions of the target that were predicted up to the variance floor.
        n_dims: number of the target's dimensions.
        floor: the variance floor.
        low: why the estimate is too low, if it is.
        plan: division of the items.
    """
    floored = f"{n_floored} of {n_dims} dimensions predicted up to the variance floor of {floor:g}"
    said = [floored] if n_floored else []
    return [*said, *([low] if low else []), *large_group_warning(plan)]


@dataclass(frozen=True)
class Residuals:
    """Residuals of one target regressed on one source, for the plan's sample of units.

    Attributes:
        source: the source.
        source_rows: its sampled rows, shape (n, d_u).
        target_rows: the target's sampled rows, shape (n, d_v).
        weights: shape (d_u, d_v).
    """

    source: PreparedRegression
    source_rows: Floats32
    target_rows: Floats32
    weights: Floats32

    def of_dimensions(self, which: npt.NDArray[np.bool_]) -> "Residuals":
        """The same for some dimensions of the target, given as a mask of shape (d_v,)."""
        return replace(self, target_rows=self.target_rows[:, which], weights=self.weights[:, which])

    def of_units(self) -> Iterator[tuple[Floats32, Floats32]]:
        """Residuals of each unit, and its residuals in a fit without it, shape (n_u, d_v) each."""
        residuals = self.source_rows @ self.weights
        np.subtract(self.target_rows, residuals, out=residuals)
        for unit, (start, stop) in enumerate(pairwise(self.source.plan.sample.bounds.tolist())):
            own = residuals[start:stop]
            yield own, self.source.leave_out.apply(unit, self.source_rows[start:stop], own)


R = TypeVar("R", bound=PreparedRegression)
T = TypeVar("T")


class RegressionSettings(Settings):
    """Settings of every family based on linear regression."""

    penalty: float = Field(
        default=1e-8,
        ge=1e-12,
        le=1,
        description="smallest ridge penalty, as a share of a source dimension's variance; it is raised until "
        "the degrees of freedom are at most half the number of groups of items",
    )


class RegressionEstimator(Estimator[R]):
    """A family based on linear regression: shared work is done once, and several pairs at a time."""

    shares_work = True
    settings: RegressionSettings

    def memory_bytes(self, n_items: int, dim: int) -> int:
        """Six matrices of moments, float64: vectors are streamed."""
        return BYTES_OF_MOMENTS * dim**2

    def over_models(self, work: Callable[[str], T], names: Iterable[str]) -> list[T]:
        """What some work gives for each model. Several models are worked on at once."""
        with pool() as threads:
            return threads.map(work, names)

    @abstractmethod
    def estimate_together(
        self, models: Mapping[str, R], wanted: Sequence[PairKey], threads: Pool
    ) -> dict[PairKey, Sufficiency]:
        """All wanted pairs (source, target) of some models, prepared from the same items."""

    def pairs(self, sources: Mapping[str, R], target: R) -> Iterator[tuple[str, Sufficiency]]:
        """Estimate I_S(U -> V) for every source U and one target V."""
        key = "\0target"  # no model has this name
        for tile in source_tiles(sources, target.dim):
            for name, source in tile.items():
                check_same_items(name, source, target)
            wanted = [(name, key) for name in tile]
            with pool() as threads:
                results = self.estimate_together({**tile, key: target}, wanted, threads)
            yield from ((name, results[name, key]) for name in tile)

    def all_pairs(
        self, prepared: Mapping[str, R], wanted: Sequence[PairKey] | None = None
    ) -> Iterator[tuple[str, str, Sufficiency]]:
        """Many pairs, with one product of the two embeddings for both directions of a pair."""
        for models, pairs in pair_tiles(prepared, wanted):
            some = next(iter(models.values()))
            for name, model in models.items():
                check_same_items(name, model, some)
            with pool() as threads:
                results = self.estimate_together(models, pairs, threads)
            yield from ((*pair, results[pair]) for pair in pairs)

    def look_pairs(
        self, sources: Mapping[str, Looks[R]], target: Looks[R]
    ) -> Iterator[tuple[str, Sufficiency]]:
        """Estimate I_S(U -> V) across two looks for every source U and one target V."""
        key = "\0target"  # no model has this name
        for tile in source_tiles(sources, target.dim):
            wanted = [(name, key) for name in tile]
            results = self._across_looks({**tile, key: target}, wanted)
            yield from ((name, results[name, key]) for name in tile)

    def all_look_pairs(
        self, prepared: Mapping[str, Looks[R]], wanted: Sequence[PairKey] | None = None
    ) -> Iterator[tuple[str, str, Sufficiency]]:
        """Many pairs across two looks, with one product of U(x1) and V(x2) for both directions."""
        for models, pairs in pair_tiles(prepared, wanted):
            results = self._across_looks(models, pairs)
            yield from ((*pair, results[pair]) for pair in pairs)

    def _across_looks(
        self, models: Mapping[str, Looks[R]], wanted: Sequence[PairKey]
    ) -> dict[PairKey, Sufficiency]:
        """All wanted pairs (source, target) of some models, each the mean of both directions across looks."""
        looks = {
            key: look for name in models for key, look in zip(keys_of_looks(name), models[name], strict=True)
        }
        some = next(iter(looks.values()))
        for name in models:
            for look in models[name]:
                check_same_items(name, look, some)
        ways = {pair: ways_across(*pair) for pair in wanted}
        with pool() as threads:
            results = self.estimate_together(looks, list(chain.from_iterable(ways.values())), threads)
        return {pair: mean_of_looks(results[there], results[back]) for pair, (there, back) in ways.items()}
