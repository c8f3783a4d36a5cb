r"""The joint Gaussian family: mutual information from canonical correlations, free of its sampling bias.

U and V are jointly normal with any covariances, so that dependence between target dimensions counts once:

.. math:: I(U; V) = \tfrac12 \log (|\Sigma_V| / |\Sigma_{V \mid U}|) = -\tfrac12 \sum_k \log (1 - \rho_k^2)

with the canonical correlations rho (Cover and Thomas, Elements of Information Theory, 2nd ed., theorem
8.4.1). It is symmetric and does not change with invertible linear maps of either side; for data of any
other distribution it is what the second moments alone show.

**Bias.** The log-determinant of a sample covariance of d dimensions and m = n - 1 degrees of freedom is low
by a constant that is known exactly (Misra, Singh and Demchuk, Journal of Multivariate Analysis 2005), and
the three of them give

.. math:: E \hat I - I = \tfrac12 [ S(d_u) + S(d_v) - S(d_u + d_v) ], \qquad
          S(d) = \sum_{i=1}^{d} \psi(\tfrac{m - i + 1}{2})

which is taken off. That needs more items than dimensions of both sides together. A model of more dimensions
than half the number of items (or of their groups) is first reduced to its leading principal components, a
third as many; no map of one side can add information, so the number is then low and says so.

**Standard error.** By deleting units of items one after the other, a sample of them: what that does to the
three determinants follows from the matrices that leave the unit out of the regression, without another fit.
This counts the part of the variance that is due to pairs of items twice, as every jackknife does (Efron and
Stein, Annals of Statistics 1981). For normal data both are known: the log-determinant of d dimensions of n
items has the variance -2 log(1 - d/n), by the jackknife 2 d / (n - d), of which 2 d / n is due to single
items. The log-determinant of both sides is that of the source plus one that does not depend on it, and what
those of source and target have in common is that of as many dimensions as the sum of rho^2; so

.. math:: \tfrac14 [ S(d_u + d_v) - S(d_u) - S(d_v) + 2 S(\textstyle\sum_k \rho_k^2) ]

with S(d) the difference of the two variances is taken off. For data that are far from normal this is rough.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.linalg
from pydantic import Field
from scipy.special import digamma

from suffice.errors import EstimationError
from suffice.estimators.base import Embedding
from suffice.estimators.few_values import Held, held_to_entropy
from suffice.estimators.items import ItemPlan
from suffice.estimators.regression.leave_out import MAX_LEVERAGE
from suffice.estimators.regression.ridge import (
    PreparedRegression,
    RegressionEstimator,
    RegressionSettings,
    Residuals,
    StandardRows,
    cross_moments,
    oriented,
    sampled_rows,
    warnings_of_pair,
)
from suffice.estimators.regression.squares import Units, excess_of_blocks, products_across
from suffice.estimators.regression.tiling import PairKey, Pool
from suffice.estimators.result import Floats, Sufficiency, block_standard_error
from suffice.estimators.standardise import standardise

Floats32 = npt.NDArray[np.float32]

LOG_2_PI_E = float(np.log(2 * np.pi * np.e))
REDUCED_WARNING = "low, as items (or their groups) are fewer than twice the dimensions"


class GaussianSettings(RegressionSettings):
    """Settings of the estimators `gaussian` and `copula`."""

    variance_floor: float = Field(
        default=1e-6,
        gt=0,
        lt=1,
        description="least share of the variance in a canonical direction that is taken to be left over; "
        "caps a direction at -1/2 log(variance_floor) nats, 6.9 by default",
    )


@dataclass(frozen=True)
class PreparedGaussian(PreparedRegression):
    """A model's second moment, and its rows if they are not the embedding's own.

    Attributes:
        embed_dim: width of the embedding, constant dimensions included.
        n_varying: number of its dimensions that vary.
        has_own_rows: whether `embedding` holds scores made from the embedding, which are kept with the rest.
        held: what the values of its dimensions can hold.
    """

    embed_dim: int
    n_varying: int
    has_own_rows: bool
    held: Held

    @property
    def is_reduced(self) -> bool:
        """Whether only the leading principal components are left."""
        return self.dim < self.n_varying

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything but the embedding and the plan, as plain arrays."""
        widths = {"widths": np.array([self.embed_dim, self.n_varying, self.has_own_rows])}
        return (
            super().arrays()
            | self.held.arrays()
            | widths
            | ({"scores": self.embedding} if self.has_own_rows else {})
        )

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, npt.NDArray[Any]], embedding: Embedding, plan: ItemPlan
    ) -> Self:
        """What `arrays` described."""
        embed_dim, n_varying, has_own_rows = arrays["widths"].tolist()
        rows = arrays["scores"] if has_own_rows else embedding
        parts = PreparedRegression.from_arrays(arrays, rows, plan)
        return cls(
            **vars(parts),
            embed_dim=embed_dim,
            n_varying=n_varying,
            has_own_rows=bool(has_own_rows),
            held=Held.from_arrays(arrays),
        )


class Gaussian(RegressionEstimator[PreparedGaussian]):
    """Mutual information of jointly normal vectors, with the exact correction of its bias."""

    name = "gaussian"
    summary = "joint normal distribution, any covariances: mutual information from canonical correlations"
    about = (
        "Source and target are taken to be jointly normal with any covariances, so that related target "
        "dimensions count once; the sampling bias is taken off exactly. It sees linear dependence only, is "
        "symmetric, and does not change with linear maps of either side."
    )
    Settings = GaussianSettings
    Prepared = PreparedGaussian
    settings: GaussianSettings

    def prepare(self, embedding: Embedding, plan: ItemPlan | None = None) -> PreparedGaussian:
        """Standardise, reduce a model that is too wide for the items, invert the second moment."""
        plan = self.plan_for(embedding, plan)
        rows = self.rows_of(embedding, plan)
        n_varying = rows.dim
        if rows.dim > max_dim(plan):
            most = min(plan.n_groups // 3, max_dim(plan))
            rows = _leading_components(rows, most, self.settings.penalty)
        parts = PreparedRegression.of(rows, self.settings.penalty)
        return PreparedGaussian(
            **vars(parts),
            embed_dim=embedding.shape[1],
            n_varying=n_varying,
            has_own_rows=rows.embedding is not embedding,
            held=Held.of(embedding, standardise(embedding)),
        )

    def rows_of(self, embedding: Embedding, plan: ItemPlan) -> StandardRows:
        """The rows that are taken to be normal."""
        return StandardRows(embedding, plan, standardise(embedding))

    def estimate_together(
        self, models: Mapping[str, PreparedGaussian], wanted: Sequence[PairKey], threads: Pool
    ) -> dict[PairKey, Sufficiency]:
        """All wanted pairs of some models, whose rows are read twice; a pair's two directions are one."""
        unordered = list(dict.fromkeys(oriented(models, pair) for pair in wanted))
        moment_of = cross_moments(models, unordered, threads, np.float64)
        sampled = sampled_rows(models, threads)

        def canonical(pair: PairKey) -> _Canonical:
            target, source = pair
            rows = sampled[source], sampled[target]
            floor = self.settings.variance_floor
            return _canonical(models[target], models[source], moment_of(pair), rows, floor)

        found = dict(zip(unordered, threads.map(canonical, unordered), strict=True))
        return {
            (source, target): self._score(
                models[source], models[target], found[oriented(models, (source, target))]
            )
            for source, target in wanted
        }

    def _score(
        self, source: PreparedGaussian, target: PreparedGaussian, canonical: "_Canonical"
    ) -> Sufficiency:
        """The corrected estimate, and what each block adds to it."""
        plan, sample = target.plan, target.plan.sample
        unit_items = np.diff(sample.bounds)
        bias = _Bias(source.rank, target.rank)
        influence = -(plan.n_items - unit_items) * canonical.changes
        n_alike = _items_alike(-influence.sum() / len(sample.items), bias, plan)
        nats = canonical.nats - bias.of(plan.n_items / n_alike)
        influence -= unit_items * influence.sum() / len(sample.items)
        spread = np.sqrt(sample.share) * sample.sum_by_block(influence)
        of_pairs = _OfPairs(source.rank, target.rank, canonical.shared, plan.n_items / n_alike)
        excess = excess_of_blocks(
            canonical.by_block,
            spread,
            sample.block_items,
            of_pairs.excess(),
            of_pairs.variance(),
        )
        block_nats = sample.block_items * nats + spread
        marginal_entropy = _entropy(target)
        low = REDUCED_WARNING if source.is_reduced or target.is_reduced else None
        warnings = warnings_of_pair(
            canonical.n_floored, target.n_varying, self.settings.variance_floor, low, plan
        )
        result = Sufficiency(
            nats=nats,
            nats_per_dim=nats / target.n_varying,
            standard_error_nats=block_standard_error(block_nats, sample.block_items, excess),
            marginal_entropy_nats=marginal_entropy,
            conditional_entropy_nats=marginal_entropy - nats,
            source_dim=source.embed_dim,
            target_dim=target.n_varying,
            n_train=plan.n_items - plan.largest_unit,
            n_test=plan.n_items,
            converged=True,
            warnings=tuple(warnings),
            block_nats=block_nats,
            block_items=sample.block_items,
            block_excess_nats=excess,
        )
        return held_to_entropy(result, source.held, target.held)


def max_dim(plan: ItemPlan) -> int:
    """The most dimensions that a model may have, so that two such leave degrees of freedom over.

    Raises:
        EstimationError: none; one group holds nearly all items.
    """
    left = plan.n_groups * (1 - plan.largest_unit / plan.n_items)
    most = int(left - 2) // 2
    if most < 1:
        raise EstimationError(
            f"one group holds {plan.largest_unit} of {plan.n_items} items, which leaves too few without it; "
            "divide that group, or use the estimator linear"
        )
    return most


def _leading_components(rows: StandardRows, n_components: int, least_share: float) -> StandardRows:
    """Scores of the items on the leading principal components of their standardised dimensions.

    Args:
        rows: the standardised dimensions.
        n_components: the most components that there may be.
        least_share: of a dimension's variance that a component must have.
    """
    dim = rows.dim
    variances, directions = scipy.linalg.eigh(
        rows.second_moment(), subset_by_index=(dim - n_components, dim - 1), check_finite=False
    )
    directions = directions[:, variances > least_share * rows.plan.n_items]  # the rest is rounding
    n_components = directions.shape[1]
    scores = np.empty((rows.plan.n_items, n_components), dtype=np.float32)
    for units in rows.plan.windows():
        scores[rows.plan.items_of(units)] = rows.rows(units) @ directions.astype(np.float32)
    return StandardRows(scores, rows.plan, standardise(scores))


@dataclass(frozen=True)
class _Canonical:
    """What the second moments of a pair say.

    Attributes:
        nats: the plug-in estimate, floored.
        n_floored: number of canonical directions that were predicted up to the floor.
        shared: sum of the squared canonical correlations.
        changes: what deleting each sampled unit does to the plug-in estimate, shape (n_sampled,).
        by_block: what pairs of items of neighbouring units add to it, but for a factor, shape (n_blocks,).
    """

    nats: float
    n_floored: int
    shared: float
    changes: Floats
    by_block: Floats


def _canonical(
    target: PreparedGaussian,
    source: PreparedGaussian,
    moment: Floats,
    rows: tuple[Floats32, Floats32],
    floor: float,
) -> _Canonical:
    """From the sums of v u' over all items, shape (d_v, d_u), and the sampled rows of source and target."""
    whitening = scipy.linalg.cholesky(target.inverse.astype(np.float64), lower=True, check_finite=False)
    weights = source.inverse @ (moment.T @ whitening)  # (d_u, d_v)
    shared = whitening.T @ (moment @ weights)
    squares, directions = scipy.linalg.eigh((shared + shared.T) / 2, driver="evd", check_finite=False)
    left_over = np.maximum(1 - np.maximum(squares, 0.0), floor)
    kept = left_over > floor
    scaled = directions[:, kept] / np.sqrt(left_over[kept])  # residuals of unit variance
    moved = rows[1] @ (whitening @ scaled).astype(np.float32)  # (n, k)
    residuals = Residuals(source, rows[0], moved, (weights @ scaled).astype(np.float32))
    scale = np.sqrt(left_over[kept]).astype(np.float32)
    units = list(residuals.of_units())
    changes, by_block = _changes(residuals, units, scale), _of_pairs_by_block(residuals, units, scale)
    nats, shared = -0.5 * np.log(left_over).sum(), np.clip(squares, 0.0, 1.0).sum()
    return _Canonical(float(nats), int((~kept).sum()), float(shared), changes, by_block)


def _changes(residuals: Residuals, units: Units, scale: Floats32) -> Floats:
    """What deleting each unit does to the plug-in estimate; `scale` takes the target to unit variance."""
    plan, moved = residuals.source.plan, residuals.target_rows
    changes = []
    for (start, stop), own in zip(pairwise(plan.sample.bounds.tolist()), units, strict=True):
        alone = moved[start:stop] * scale
        about_others = alone + alone.sum(axis=0) / (plan.n_items - len(alone))
        changes.append(0.5 * (_log_share_left(alone, about_others) - _log_share_left(*own)))
    return np.array(changes)


def _of_pairs_by_block(residuals: Residuals, units: Units, scale: Floats32) -> Floats:
    r"""What pairs of items of neighbouring units add to the plug-in estimate, but for a factor, (n_blocks,).

    To second order a log-determinant holds -1/2 (z_i'z_k)^2 of two items with whitened vectors z, and the
    inner products of both sides together are those of the source, a, and of the residuals, r, added up. With
    those of the target, b, the estimate holds 1/4 [(a + r)^2 - a^2 - b^2] of each pair of items.
    """
    source, moved = residuals.source, residuals.target_rows
    bounds = source.plan.sample.bounds
    by_fit = moved.shape[1] / (source.plan.n_items - 1 - source.rank)
    of_residuals = products_across(kept for kept, _ in units)
    of_target = products_across(moved[start:stop] * scale for start, stop in pairwise(bounds.tolist()))
    of_source = source.leave_out.hat_across(product.shape for product in of_target)
    sums = []
    for a, b, left in zip(of_source, of_target, of_residuals, strict=True):
        r = left + by_fit * a
        sums.append((2 * a * r + r**2 - b**2).sum())
    return source.plan.sample.sum_by_block(np.array([*sums, 0.0]))


def _log_share_left(rows: Floats32, left_out: Floats32) -> float:
    """Log |I - X' X~|: what deleting rows X does to the log-determinant of a second moment of unit size."""
    product = rows @ left_out.T if len(rows) <= rows.shape[1] else rows.T @ left_out
    return float(np.linalg.slogdet(np.eye(len(product)) - MAX_LEVERAGE * product).logabsdet)


def _items_alike(jackknife_bias: float, bias: "_Bias", plan: ItemPlan) -> float:
    """As how many items of one group count as one: 1 if every item is its own group.

    Otherwise the number with which the formula of the bias agrees with what the jackknife says of it.
    """
    n_items = plan.n_items
    if plan.n_groups == n_items:
        return 1.0
    step = plan.largest_unit
    expected = (n_items - step) / step * (bias.of(n_items - step) - bias.of(n_items))
    return float(np.clip(jackknife_bias / expected, 1.0, n_items / plan.n_groups))


@dataclass(frozen=True)
class _Bias:
    """Bias of the plug-in estimate for normal data of given ranks."""

    source_rank: int
    target_rank: int

    def of(self, n_items: float) -> float:
        """For a number of items."""
        ranks = (self.source_rank, self.target_rank, self.source_rank + self.target_rank)
        source, target, both = (_log_determinant_bias(n_items, rank) for rank in ranks)
        return 0.5 * (source + target - both)


def _log_determinant_bias(n_items: float, rank: int) -> float:
    r"""Sum of digamma((m - i + 1) / 2) for i = 1..rank, with m = n - 1; constants cancel in the estimate."""
    return float(digamma((n_items - 1 - np.arange(rank)) / 2).sum())


@dataclass(frozen=True)
class _OfPairs:
    """The part of the variance that is due to pairs of items, for normal data of given ranks.

    Attributes:
        source_rank: of the source.
        target_rank: of the target.
        shared: sum of the squared canonical correlations.
        n_items: how many items there are, those of one group that count as one counted once.
    """

    source_rank: int
    target_rank: int
    shared: float
    n_items: float

    def variance(self) -> float:
        """What it is, in nats squared."""
        return self._combined(_variance_of_pairs)

    def excess(self) -> float:
        """By how much the jackknife has it too large, in nats squared."""
        return self._combined(_excess_of_jackknife)

    def _combined(self, of_share: Callable[[float], float]) -> float:
        ranks = (self.source_rank, self.target_rank, self.shared, self.source_rank + self.target_rank)
        source, target, shared, both = (of_share(rank / self.n_items) for rank in ranks)
        return 0.25 * (both - source - target + 2 * shared)


def _variance_of_pairs(share: float) -> float:
    """Of the log-determinant of a covariance, whose rank is this share of the number of items."""
    return float(-2 * np.log1p(-share) - 2 * share)


def _excess_of_jackknife(share: float) -> float:
    """Variance of the same by the jackknife, 2 share / (1 - share), less what it is."""
    return float(2 * share / (1 - share) + 2 * np.log1p(-share))


def _entropy(target: PreparedGaussian) -> float:
    """Entropy of the standardised target, each of whose dimensions has unit variance."""
    _, log_determinant = np.linalg.slogdet(target.inverse)
    degrees = target.plan.n_items - 1
    steps = np.arange(target.rank)
    bias = (digamma((degrees - steps) / 2) - np.log(target.plan.n_items / 2)).sum()
    log_variance = -log_determinant - target.dim * np.log(target.plan.n_items)
    return float(0.5 * (target.dim * LOG_2_PI_E + log_variance - bias))
