r"""The linear Gaussian family: held-out ridge regression of the target on the source.

V given U is normal with mean W u + b and a diagonal covariance, V alone is normal with a diagonal
covariance. With both scored on items that they were not fitted on, the entropies' difference is

.. math:: \hat I_S(U \to V) = \sum_j -\tfrac12 \log (1 - R_j^2), \qquad
          1 - R_j^2 = \frac{\sum_i (v_{ij} - \hat v_{ij})^2}{\sum_i (v_{ij} - \bar v_j)^2}

where the prediction and the mean of item i come from the folds that i is not in. Source: Gaussian
entropies (Cover and Thomas, Elements of Information Theory, 2nd ed., theorem 8.4.1).

Everything that is fitted comes from second moments: per model one decomposition for each fold, per
pair one product of the two embeddings. The penalty is chosen for each target dimension inside the
training folds by generalised cross-validation (Golub, Heath and Wahba 1979, doi 10.2307/1268518),
which the decomposition gives for all penalties at once. Items are streamed: memory does not grow
with their number.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.linalg
from pydantic import Field

from suffice.estimators.base import Embedding, Estimator, Prepared, check_same_items
from suffice.estimators.items import ItemPlan, uneven_folds_warning
from suffice.estimators.result import Sufficiency, block_standard_error
from suffice.estimators.standardise import Standardisation, chunks_of, standardise
from suffice.settings import Settings

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

UNIT_NORMAL_ENTROPY = 0.5 * np.log(2 * np.pi * np.e)
MAX_DEGREES_SHARE = 0.9  # of the training items; above it generalised cross-validation is noise over noise


class LinearSettings(Settings):
    """Settings of the estimator `linear`."""

    penalties: tuple[float, ...] = Field(
        default=tuple(float(10**exponent) for exponent in np.arange(-6, 2.5, 0.5)),
        min_length=1,
        description="ridge penalties to choose from, per training item, for a source of unit variance",
    )
    variance_floor: float = Field(
        default=1e-6,
        gt=0,
        lt=1,
        description="least share of a target dimension's variance that is taken to be left over; "
        "caps a dimension at -1/2 log(variance_floor) nats, 6.9 by default",
    )


@dataclass(frozen=True)
class PreparedLinear(Prepared):
    """A model's moments and the eigen-decompositions of its training covariances.

    Attributes:
        embedding: shape (n_items, embed_dim), not standardised.
        plan: the division of the items.
        standardisation: of the dimensions that vary, d of them.
        fold_sum: sum over each fold's items, shape (n_folds, d).
        fold_square: sum of squares over each fold's items, shape (n_folds, d).
        eigenvalues: of the centred second moment of all folds but one, shape (n_folds, d), ascending.
        eigenvectors: in columns, shape (n_folds, d, d).
    """

    embedding: Embedding
    plan: ItemPlan
    standardisation: Standardisation
    fold_sum: Floats
    fold_square: Floats
    eigenvalues: Floats
    eigenvectors: Floats32

    @property
    def dim(self) -> int:
        """Number of dimensions that vary."""
        return self.standardisation.dim

    def train_items(self) -> npt.NDArray[np.int64]:
        """Number of items outside each fold, shape (n_folds,)."""
        return self.plan.n_items - self.plan.fold_sizes()

    def train_mean(self) -> Floats:
        """Mean over the items outside each fold, shape (n_folds, d)."""
        return (self.fold_sum.sum(axis=0) - self.fold_sum) / self.train_items()[:, None]

    def train_spread(self) -> Floats:
        """Centred sum of squares over the items outside each fold, shape (n_folds, d)."""
        squares = self.fold_square.sum(axis=0) - self.fold_square
        return squares - self.train_items()[:, None] * np.square(self.train_mean())

    def rows(self, items: slice, order: npt.NDArray[np.int64]) -> Floats32:
        """Standardised rows of a slice of the items, in the given order."""
        return self.standardisation.apply(np.asarray(self.embedding[items]))[order]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything but the embedding and the plan, as plain arrays."""
        moments = {"fold_sum": self.fold_sum, "fold_square": self.fold_square}
        decomposition = {"eigenvalues": self.eigenvalues, "eigenvectors": self.eigenvectors}
        return vars(self.standardisation) | moments | decomposition

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, npt.NDArray[Any]], embedding: Embedding, plan: ItemPlan
    ) -> Self:
        """What `arrays` described."""
        standardisation = Standardisation(arrays["kept"], arrays["mean"], arrays["scale"])
        moments = (arrays[name] for name in ("fold_sum", "fold_square", "eigenvalues", "eigenvectors"))
        return cls(embedding, plan, standardisation, *moments)


class Linear(Estimator[PreparedLinear]):
    """Held-out ridge regression of the standardised target, diagonal Gaussian residual."""

    name = "linear"
    summary = "held-out ridge regression, diagonal Gaussian residual; seconds for all pairs (default)"
    about = (
        "Each dimension of the target is predicted by ridge regression on the source and scored on items "
        "that the regression has not seen; what is left over is taken to be normal. It sees linear "
        "dependence only, is a little low where the source is wide and items are few, and cannot exceed "
        "6.9 nats per dimension."
    )
    Settings = LinearSettings
    Prepared = PreparedLinear
    settings: LinearSettings

    def prepare(self, embedding: Embedding, plan: ItemPlan | None = None) -> PreparedLinear:
        """Standardise, and decompose the covariance of all folds but each one."""
        plan = self.plan_for(embedding, plan)
        standardisation = standardise(embedding)
        gram, total, square = _fold_moments(embedding, plan, standardisation)
        train_items = plan.n_items - plan.fold_sizes()
        eigenvalues = np.empty_like(total)
        eigenvectors = np.empty(gram.shape, dtype=np.float32)
        for fold, n_train in enumerate(train_items):
            mean = (total.sum(axis=0) - total[fold]) / n_train
            centred = gram.sum(axis=0) - gram[fold] - n_train * np.outer(mean, mean)
            eigenvalues[fold], eigenvectors[fold] = scipy.linalg.eigh(
                centred, driver="evd", check_finite=False
            )
        eigenvalues = np.maximum(eigenvalues, 0.0)  # a second moment has none below 0 but by rounding
        return PreparedLinear(embedding, plan, standardisation, total, square, eigenvalues, eigenvectors)

    def pairs(
        self, sources: Mapping[str, PreparedLinear], target: PreparedLinear
    ) -> Iterator[tuple[str, Sufficiency]]:
        """Estimate I_S(U -> V) for every source U and one target V."""
        total_squares = _block_squares(target)
        for name, source in sources.items():
            check_same_items(name, source, target)
            weights, intercept = self._fit(source, target)
            residual_squares = _block_squares(target, source, weights, intercept)
            yield name, self._score(source, target, residual_squares, total_squares)

    def _fit(self, source: PreparedLinear, target: PreparedLinear) -> tuple[Floats32, Floats32]:
        """Ridge weights (n_folds, d_u, d_v) and intercepts (n_folds, d_v) from the other folds' items."""
        cross = _fold_cross_moments(source, target)
        all_folds = cross.sum(axis=0)
        source_mean, target_mean = source.train_mean(), target.train_mean()
        spread = target.train_spread()
        weights = np.empty(cross.shape, dtype=np.float32)
        for fold, n_train in enumerate(source.train_items()):
            centred = all_folds - cross[fold] - n_train * np.outer(source_mean[fold], target_mean[fold])
            vectors = source.eigenvectors[fold]
            rotated = vectors.T @ centred.astype(np.float32)  # (d_u, d_v)
            penalty = self._choose_penalty(source.eigenvalues[fold], rotated, spread[fold], int(n_train))
            weights[fold] = vectors @ (rotated / (source.eigenvalues[fold][:, None] + penalty)).astype(
                np.float32
            )
        intercept = target_mean - np.einsum("fu,fuv->fv", source_mean, weights)
        return weights, intercept.astype(np.float32)

    def _choose_penalty(self, eigenvalues: Floats, rotated: Floats32, spread: Floats, n_train: int) -> Floats:
        r"""The penalty of least generalised cross-validation for each target dimension, shape (d_v,).

        .. math:: \mathrm{GCV}_j(\lambda) = n^{-1} \mathrm{RSS}_j(\lambda) / (1 - \mathrm{df}(\lambda) / n)^2
        """
        penalties = np.sort(np.asarray(self.settings.penalties)) * n_train  # (n_penalties,)
        shrunk = eigenvalues / (eigenvalues + penalties[:, None])  # (n_penalties, d_u)
        degrees = 1 + shrunk.sum(axis=1)
        usable = degrees <= MAX_DEGREES_SHARE * n_train
        usable[-1] = True
        gain = (eigenvalues + 2 * penalties[:, None]) / np.square(eigenvalues + penalties[:, None])
        residual = spread - gain[usable] @ np.square(rotated, dtype=np.float64)  # (n_usable, d_v)
        criterion = residual / np.square(1 - degrees[usable] / n_train)[:, None]
        return penalties[usable][criterion.argmin(axis=0)]

    def _score(
        self, source: PreparedLinear, target: PreparedLinear, residual_squares: Floats, total_squares: Floats
    ) -> Sufficiency:
        """Entropies and their difference from squares summed over blocks, shape (n_blocks, d_v) each."""
        n_items = target.plan.n_items
        marginal_variance = total_squares.sum(axis=0) / n_items
        variance = residual_squares.sum(axis=0) / n_items
        floor = self.settings.variance_floor * marginal_variance
        floored = variance < floor
        variance = np.maximum(variance, floor)
        nats = float(0.5 * np.log(marginal_variance / variance).sum())
        # Influence of each item on the estimate; a floored dimension is a constant and has none.
        block_items = target.plan.block_items.astype(float)
        influence = total_squares / marginal_variance - np.where(
            floored, block_items[:, None], residual_squares / variance
        )
        influence[:, floored] = 0.0
        block_nats = block_items * nats + 0.5 * influence.sum(axis=1)
        marginal_entropy = float((UNIT_NORMAL_ENTROPY + 0.5 * np.log(marginal_variance)).sum())
        return Sufficiency(
            nats=nats,
            nats_per_dim=nats / target.dim,
            standard_error_nats=block_standard_error(block_nats, block_items),
            marginal_entropy_nats=marginal_entropy,
            conditional_entropy_nats=marginal_entropy - nats,
            source_dim=source.embedding.shape[1],
            target_dim=target.dim,
            n_train=int(source.train_items().min()),
            n_test=n_items,
            converged=True,
            warnings=_floor_warning(floored, self.settings.variance_floor)
            + uneven_folds_warning(target.plan),
            block_nats=block_nats,
            block_items=block_items,
        )


def _floor_warning(floored: npt.NDArray[np.bool_], floor: float) -> tuple[str, ...]:
    if not floored.any():
        return ()
    return (
        f"{int(floored.sum())} of {len(floored)} dimensions predicted up to the variance floor of {floor:g}",
    )


def _runs(labels: npt.NDArray[np.int64]) -> Iterator[tuple[int, slice]]:
    """Runs of equal values in a sorted array: the value and where it stands."""
    starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
    for start, stop in zip(starts, np.r_[starts[1:], len(labels)], strict=True):
        yield int(labels[start]), slice(int(start), int(stop))


def _chunks_by_fold(plan: ItemPlan) -> Iterator[tuple[slice, npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Slices of the items, the order that sorts each by fold and block, and the blocks in that order."""
    for items in chunks_of(plan.n_items):
        block, fold = plan.block[items], plan.fold[items]
        order = np.lexsort((block, fold))
        yield items, order, block[order]


def _fold_moments(
    embedding: Embedding, plan: ItemPlan, standardisation: Standardisation
) -> tuple[Floats, Floats, Floats]:
    """Second moment (n_folds, d, d), sum (n_folds, d) and sum of squares (n_folds, d) of each fold."""
    dim = standardisation.dim
    gram = np.zeros((plan.n_folds, dim, dim))
    total, square = np.zeros((plan.n_folds, dim)), np.zeros((plan.n_folds, dim))
    for items, order, block in _chunks_by_fold(plan):
        rows = standardisation.apply(np.asarray(embedding[items]))[order]
        for fold, run in _runs(block % plan.n_folds):
            gram[fold] += rows[run].T @ rows[run]
            total[fold] += rows[run].sum(axis=0, dtype=np.float64)
            square[fold] += np.square(rows[run], dtype=np.float64).sum(axis=0)
    return gram, total, square


def _fold_cross_moments(source: PreparedLinear, target: PreparedLinear) -> Floats:
    """Sum over each fold's items of u v^T, shape (n_folds, d_u, d_v)."""
    cross = np.zeros((source.plan.n_folds, source.dim, target.dim))
    for items, order, block in _chunks_by_fold(source.plan):
        source_rows, target_rows = source.rows(items, order), target.rows(items, order)
        for fold, run in _runs(block % source.plan.n_folds):
            cross[fold] += source_rows[run].T @ target_rows[run]
    return cross


def _block_squares(
    target: PreparedLinear,
    source: PreparedLinear | None = None,
    weights: Floats32 | None = None,
    intercept: Floats32 | None = None,
) -> Floats:
    """Squared residuals of the held-out prediction summed over each block's items, (n_blocks, d_v).

    Without a source the prediction is the mean of the other folds' items.
    """
    plan = target.plan
    squares = np.zeros((plan.n_blocks, target.dim))
    base = target.train_mean().astype(np.float32) if intercept is None else intercept
    for items, order, block in _chunks_by_fold(plan):
        residual = target.rows(items, order)
        source_rows = None if source is None else source.rows(items, order)
        for fold, run in _runs(block % plan.n_folds):
            residual[run] -= base[fold]
            if source_rows is not None and weights is not None:
                residual[run] -= source_rows[run] @ weights[fold]
        starts = np.flatnonzero(np.r_[True, block[1:] != block[:-1]])
        squares[block[starts]] += np.add.reduceat(np.square(residual), starts, axis=0)
    return squares
