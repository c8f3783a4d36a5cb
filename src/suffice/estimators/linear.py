r"""The linear Gaussian family: ridge regression of the target on the source, diagonal residual.

V given U is normal with mean W u + b and a diagonal covariance, V alone is normal with a diagonal
covariance. The difference of their entropies (Cover and Thomas, Elements of Information Theory, 2nd ed.,
theorem 8.4.1) is

.. math:: I_S(U \to V) = \sum_j -\tfrac12 \log (\sigma_j^2 / \tau_j^2)

with the variances of target dimension j about its prediction and about its mean. Residuals of the fit to
all items make sigma too small by the share of the degrees of freedom. Residuals of items left out of the fit
make it too large by the same share. Their product has neither error:

.. math:: \hat\sigma_j^2 = \frac{1}{n c} \sum_u e_{uj}^\top e^{(-u)}_{uj}, \qquad
          e^{(-u)}_{uj} = (I - H_{uu})^{-1} e_{uj}

where e are the residuals of unit u in the fit to all items and e^(-u) those in a fit without it. For
least squares, c = 1 and the estimate is unbiased for any leverages. With a penalty, c is the expectation of
the sum for pure noise. This is the bias-reduced variance of Bell and McCaffrey (Survey Methodology 2002).
Each unit's term is the decrease of the residual sum of squares when the unit is deleted, so standard errors
are those of the delete-a-group jackknife. The sum of e'e of all items comes from the moments. Its ratio to
the sum above hardly varies, and comes from a sample of units of at least 5,000 items (the ratio estimator of
Cochran, Sampling Techniques, 3rd ed., chapter 6). The remaining bias is that of the logarithm, log(m/2) -
digamma(m/2) for m degrees of freedom of a normal residual, and it is subtracted.

The estimate therefore aims at the value that the family would reach with unlimited items, for any width of
the source. On independent data its expectation is 0. The penalty is as small as possible: 1e-8 of a
dimension's variance, or the penalty that keeps the degrees of freedom at half the number of groups of items.
In the second case the estimate is too low.

A target dimension with at most 16 values, such as a bit or a count of a fingerprint, is discrete instead
(see `regression.bernoulli`). One with more values, but at most 256, is limited to their entropy. The modules
of `regression` share the work between pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import scipy
from pydantic import Field

from suffice.estimators.base import Embedding, naming
from suffice.estimators.few_values import FewValues
from suffice.estimators.items import ItemPlan
from suffice.estimators.names import FEW_ITEMS_WARNING
from suffice.estimators.regression.bernoulli import Mask, bernoulli_nats
from suffice.estimators.regression.ridge import (
    PreparedRegression,
    RegressionEstimator,
    RegressionSettings,
    Residuals,
    StandardRows,
    cross_moments,
    of_different,
    sampled_rows,
    warnings_of_pair,
)
from suffice.estimators.regression.squares import (
    TINY,
    Units,
    block_squares,
    excess_of_blocks,
    variance_of_pairs,
)
from suffice.estimators.regression.tiling import PairKey, Pool, pool
from suffice.estimators.result import Floats, Sufficiency, block_standard_error
from suffice.estimators.standardise import Standardisation, standardise

Floats32 = npt.NDArray[np.float32]

MIN_MEAN_SQUARE = 0.01  # of residuals; below this, the difference of moments is not precise enough
UNIT_NORMAL_ENTROPY = 0.5 * np.log(2 * np.pi * np.e)


class LinearSettings(RegressionSettings):
    """Settings of the estimator `linear`."""

    variance_floor: float = Field(
        default=1e-6,
        gt=0,
        lt=1,
        description="smallest residual share of a target dimension's variance; "
        "caps a dimension at -1/2 log(variance_floor) nats, 6.9 by default",
    )
    binary: Literal["bernoulli", "gaussian"] = Field(
        default="bernoulli",
        description="distribution of a target dimension with at most 16 values, such as a bit or a count of "
        "a fingerprint: bernoulli, a bit for each step from one value to the next, worth at most the entropy "
        "of the values; or gaussian, like other dimensions",
    )


@dataclass(frozen=True)
class LinearTarget(StandardRows):
    """What pairs need to know about a model as their target.

    Attributes:
        mean_square: about the mean of all units except the item's own, shape (d,).
        block_squares: the same squares for sampled units, summed over each block, shape (n_blocks, d).
        few: the values of the dimensions that have few.
    """

    mean_square: Floats
    block_squares: Floats
    few: FewValues

    @classmethod
    def of(cls, rows: StandardRows, few: FewValues) -> Self:
        """From the standardised rows of a model."""
        squares = _squares_about_others(rows.sampled_rows(), rows.plan)
        return cls(rows.embedding, rows.plan, rows.standardisation, *squares, few)

    def of_dimensions(self, which: Mask) -> Self:
        """Only some of the dimensions that vary, given as a mask of shape (d,)."""
        return replace(
            self,
            standardisation=self.standardisation.of_dimensions(which),
            mean_square=self.mean_square[which],
            block_squares=self.block_squares[:, which],
            few=self.few.of_dimensions(which),
        )

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything but the embedding and the plan, as plain arrays."""
        squares = {"mean_square": self.mean_square, "block_squares": self.block_squares}
        return self.standardisation.arrays() | squares | self.few.arrays()

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, npt.NDArray[Any]], embedding: Embedding, plan: ItemPlan
    ) -> Self:
        """What `arrays` described; other arrays are ignored."""
        few = FewValues(arrays["cuts"], arrays["value_entropy"])
        squares = arrays["mean_square"], arrays["block_squares"]
        return cls(embedding, plan, Standardisation.from_arrays(arrays), *squares, few)


def _squares_about_others(sampled: Floats32, plan: ItemPlan) -> tuple[Floats, Floats]:
    """Squares about the mean of the other units: their mean (d,), and the block sums of the sample.

    They are a little larger than squares about the mean of all items, which average 1 for standardised rows.

    Args:
        sampled: standardised rows of the plan's sample of units, shape (n, d).
        plan: the division of the items.
    """
    n_items, sample = plan.n_items, plan.sample
    squares, more = np.empty((2, len(sample.block), sampled.shape[1]))
    for unit, (start, stop) in enumerate(pairwise(sample.bounds.tolist())):
        own = sampled[start:stop]
        squares[unit] = np.einsum("ij,ij->j", own, own)
        more[unit] = np.square(own.sum(axis=0)) / (n_items - len(own))
    return 1 + more.sum(axis=0) / len(sampled), sample.sum_by_block(squares + more)


@dataclass(frozen=True)
class PreparedLinear(PreparedRegression):
    """A prepared model.

    Attributes:
        as_target: what its pairs need to know about it as a target.
    """

    as_target: LinearTarget

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything but the embedding and the plan, as plain arrays."""
        return super().arrays() | self.as_target.arrays()

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, npt.NDArray[Any]], embedding: Embedding, plan: ItemPlan
    ) -> Self:
        """What `arrays` described."""
        as_source = PreparedRegression.from_arrays(arrays, embedding, plan)
        return cls(**vars(as_source), as_target=LinearTarget.from_arrays(arrays, embedding, plan))


class Linear(RegressionEstimator[PreparedLinear]):
    """Ridge regression of the standardised target, diagonal Gaussian residual, without first-order bias."""

    name = "linear"
    summary = "ridge regression, diagonal Gaussian residual; one minute for all pairs of 34 models (default)"
    about = (
        "Each dimension of the target is predicted by linear regression on the source. Residuals are assumed "
        "to be normal, and their variance is estimated without bias from residuals with and without each "
        "group of items. A dimension with at most 16 values is discrete. It sees linear dependence only, and "
        "cannot exceed 6.9 nats per dimension."
    )
    Settings = LinearSettings
    Prepared = PreparedLinear
    settings: LinearSettings

    def prepare(self, embedding: Embedding, plan: ItemPlan | None = None) -> PreparedLinear:
        """Standardise, invert the second moment, and prepare to leave out each unit."""
        rows = StandardRows(embedding, self.plan_for(embedding, plan), standardise(embedding))
        as_source = PreparedRegression.of(rows, self.settings.penalty, np.float32)
        return PreparedLinear(**vars(as_source), as_target=self._target_of(rows))

    def _target_of(self, rows: StandardRows) -> LinearTarget:
        is_discrete, standard = self.settings.binary == "bernoulli", rows.standardisation
        few = FewValues.of(rows.embedding, standard) if is_discrete else FewValues.none(standard.dim)
        return LinearTarget.of(rows, few)

    def pair(self, source: Embedding, target: Embedding, plan: ItemPlan) -> Sufficiency:
        """Estimate one pair from its vectors: nothing is inverted for the target."""
        self.check_memory(source)
        self.check_memory(target)
        with pool() as threads:
            with naming("source"):
                rows = StandardRows(source, plan, standardise(source))
                as_source = PreparedRegression.of(rows, self.settings.penalty, np.float32)
            with naming("target"):
                as_target = self._target_of(StandardRows(target, plan, standardise(target)))
            pairs = [("source", "target")]
            found = self._between({"source": as_source}, {"target": as_target}, pairs, threads)
        return found["source", "target"]

    def estimate_together(
        self, models: Mapping[str, PreparedLinear], wanted: Sequence[PairKey], threads: Pool
    ) -> dict[PairKey, Sufficiency]:
        """All wanted pairs (source, target) of some models."""
        targets = {name: model.as_target for name, model in models.items()}
        return self._between(models, targets, wanted, threads)

    def _between(
        self,
        sources: Mapping[str, PreparedRegression],
        targets: Mapping[str, LinearTarget],
        wanted: Sequence[PairKey],
        threads: Pool,
    ) -> dict[PairKey, Sufficiency]:
        """All wanted pairs of some sources and some targets; a name in both is one model."""
        models: dict[str, StandardRows] = {**targets, **sources}
        moment_of = cross_moments(models, of_different(models, wanted), threads)
        sampled = sampled_rows(models, threads)

        def estimate(pair: PairKey) -> Sufficiency:
            source, target = sources[pair[0]], targets[pair[1]]
            if models[pair[0]] is models[pair[1]]:
                weights = np.eye(source.dim) - source.penalty * source.inverse
                fitted = source.plan.n_items - source.penalty * np.diag(weights)
            else:
                moment = moment_of(pair)
                weights = source.inverse @ moment.astype(source.inverse.dtype, copy=False)  # (d_u, d_v)
                fitted = np.einsum("uv,uv->v", weights, moment)
            penalised = source.penalty * np.einsum("uv,uv->v", weights, weights)
            mean_square = 1 - (fitted + penalised) / source.plan.n_items
            rows = sampled[pair[0]], sampled[pair[1]]
            residuals = Residuals(source, *rows, weights.astype(np.float32, copy=False))
            has_steps = target.few.has_steps
            if not has_steps.any():
                return self._score(source, target, mean_square, residuals.of_units())
            if has_steps.all():
                return self._with_bernoulli(source, target, residuals, None)
            rest = ~has_steps
            units = residuals.of_dimensions(rest).of_units()
            continuous = self._score(source, target.of_dimensions(rest), mean_square[rest], units)
            return self._with_bernoulli(source, target, residuals, continuous)

        return dict(zip(wanted, threads.map(estimate, wanted), strict=True))

    def _with_bernoulli(
        self,
        source: PreparedRegression,
        target: LinearTarget,
        residuals: Residuals,
        continuous: Sufficiency | None,
    ) -> Sufficiency:
        """The information about dimensions with few values plus that about the others, if there are any."""
        has_steps, sample = target.few.has_steps, target.plan.sample
        bits = bernoulli_nats(residuals.of_dimensions(has_steps), target.few.cuts[has_steps])
        nats, marginal = bits.nats, bits.marginal_entropy_nats
        block_nats, excess = sample.block_items * nats + bits.spread, bits.excess
        low = FEW_ITEMS_WARNING if source.is_penalised else None
        warnings = tuple(warnings_of_pair(0, target.dim, self.settings.variance_floor, low, target.plan))
        if continuous is not None:
            nats, marginal = nats + continuous.nats, marginal + continuous.marginal_entropy_nats
            block_nats, warnings = block_nats + continuous.block_nats, continuous.warnings
            excess = excess + continuous.block_excess_nats
        return _result(source, target, (nats, marginal), (block_nats, excess), warnings)

    def _score(
        self, source: PreparedRegression, target: LinearTarget, mean_square: Floats, units: Units
    ) -> Sufficiency:
        """Entropies and their difference.

        Args:
            source: the source.
            target: the target.
            mean_square: of the residuals of all items, from the moments, shape (d_v,).
            units: residuals of each sampled unit with and without it in the fit, (n_u, d_v) each.
        """
        n_items, sample = target.plan.n_items, target.plan.sample
        squares = block_squares(units, sample)
        kept, product = squares.kept.sum(axis=0), squares.product.sum(axis=0)
        determined = mean_square < MIN_MEAN_SQUARE
        raw = np.where(
            determined, product / len(sample.items), mean_square * product / np.maximum(kept, TINY)
        )
        variance = raw / _expected_share(source)
        floor = self.settings.variance_floor * target.mean_square
        floored = variance < floor
        nats_of_dim = 0.5 * np.log(target.mean_square / np.maximum(variance, floor))
        nats_of_dim[~floored] -= _log_bias(n_items - source.degrees[0]) - _log_bias(n_items - 1)
        held = nats_of_dim > target.few.entropy
        nats, free = float(np.minimum(nats_of_dim, target.few.entropy).sum()), ~(floored | held)
        influence = squares.influence(source, target.block_squares)[:, free].sum(axis=1)
        of_pairs = variance_of_pairs(squares, source, free)
        spread = len(sample.items) * influence
        excess = excess_of_blocks(
            of_pairs.by_block, spread, sample.block_items, of_pairs.excess, of_pairs.variance
        )
        block_nats = sample.block_items * nats + spread
        marginal_entropy = float((UNIT_NORMAL_ENTROPY + 0.5 * np.log(target.mean_square)).sum())
        low = FEW_ITEMS_WARNING if source.is_penalised else None
        n_floored = int((floored & ~held).sum())
        warnings = warnings_of_pair(n_floored, target.dim, self.settings.variance_floor, low, target.plan)
        if held.any():
            warnings.append(f"{held.sum()} of {target.dim} dimensions limited to the entropy of their values")
        return _result(source, target, (nats, marginal_entropy), (block_nats, excess), tuple(warnings))


def _result(
    source: PreparedRegression,
    target: LinearTarget,
    numbers: tuple[float, float],
    blocks: tuple[Floats, Floats],
    warnings: tuple[str, ...],
) -> Sufficiency:
    """The result from nats, marginal entropy, nats of blocks, and their excess."""
    plan, (nats, marginal_entropy_nats), (block_nats, excess) = target.plan, numbers, blocks
    return Sufficiency(
        nats=nats,
        nats_per_dim=nats / target.dim,
        standard_error_nats=block_standard_error(block_nats, plan.sample.block_items, excess),
        marginal_entropy_nats=marginal_entropy_nats,
        conditional_entropy_nats=marginal_entropy_nats - nats,
        source_dim=source.embedding.shape[1],
        target_dim=target.dim,
        n_train=plan.n_items - plan.largest_unit,
        n_test=plan.n_items,
        converged=True,
        warnings=warnings,
        block_nats=block_nats,
        block_items=plan.sample.block_items,
        block_excess_nats=excess,
    )


def _log_bias(degrees: float) -> float:
    r"""Upward bias of -1/2 log of a mean square of normal residuals: 1/2 (log(m/2) - digamma(m/2))."""
    return float(0.5 * (np.log(degrees / 2) - scipy.special.digamma(degrees / 2)))


def _expected_share(source: PreparedRegression) -> float:
    """Expectation of the product of both kinds of residuals for noise of unit variance.

    Without a penalty it is 1. With one it decreases with the number of independent items, in the worst case
    one per group.
    """
    once, twice = source.degrees / source.plan.n_groups
    return float((1 - 2 * once + twice) / (1 - once))
