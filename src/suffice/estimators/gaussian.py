r"""The joint Gaussian family: mutual information from canonical correlations, free of its sampling bias.

U and V are jointly normal with any covariances, so dependence between target dimensions counts once:

.. math:: I(U; V) = \tfrac12 \log (|\Sigma_V| / |\Sigma_{V \mid U}|) = -\tfrac12 \sum_k \log (1 - \rho_k^2)

with the canonical correlations rho (Cover and Thomas, Elements of Information Theory, 2nd ed., theorem
8.4.1). It is symmetric, and invertible linear maps of either side do not change it. For data of any other
distribution it is the information in the second moments alone.

**Bias.** The log-determinant of a sample covariance of d dimensions and m = n - 1 degrees of freedom is too
low by a constant that is known exactly (Misra, Singh and Demchuk, Journal of Multivariate Analysis 2005).
The bias from the three determinants is

.. math:: E \hat I - I = \tfrac12 [ S(d_u) + S(d_v) - S(d_u + d_v) ], \qquad
          S(d) = \sum_{i=1}^{d} \psi(\tfrac{m - i + 1}{2})

and it is subtracted. This needs more items than dimensions of both sides together. A model with more
dimensions than half the number of items (or of their groups) is first reduced to its leading principal
components, a third as many. No map of one side can add information, so the estimate is then too low, and a
warning says so.

**Standard error.** It comes from deleting units of items one after the other, for a sample of units. The
effect on the three determinants follows from the matrices that leave the unit out of the regression, without
another fit. Like every jackknife (Efron and Stein, Annals of Statistics 1981), this counts the part of the
variance from pairs of items twice, that from triples three times, and so on. For normal data all parts are
known, and so is what two pairs have of them in common (see `regression.determinants`). The excess is
subtracted. For data far from normal this is rough.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy
from pydantic import Field

from suffice.errors import EstimationError
from suffice.estimators.base import Embedding
from suffice.estimators.discrete_part import Divided, with_discrete_part
from suffice.estimators.items import ItemPlan
from suffice.estimators.regression.canonical import (
    Canonical,
    Whitened,
    canonical_of,
    moment_in_double,
    rotated_target,
)
from suffice.estimators.regression.determinants import LogDeterminants, OfPair
from suffice.estimators.regression.ridge import (
    PreparedRegression,
    RegressionEstimator,
    RegressionSettings,
    StandardRows,
    cross_moments,
    of_different,
    oriented,
    sampled_rows,
    warnings_of_pair,
)
from suffice.estimators.regression.squares import excess_of_blocks
from suffice.estimators.regression.tiling import PairKey, Pool
from suffice.estimators.result import Sufficiency, block_standard_error
from suffice.estimators.standardise import standardise

LOG_2_PI_E = float(np.log(2 * np.pi * np.e))
REDUCED_WARNING = "too low, because there are fewer items (or groups) than twice the number of dimensions"


class GaussianSettings(RegressionSettings):
    """Settings of the estimators `gaussian` and `copula`."""

    variance_floor: float = Field(
        default=1e-6,
        gt=0,
        lt=1,
        description="smallest residual share of the variance in a canonical direction; "
        "caps a direction at -1/2 log(variance_floor) nats, 6.9 by default",
    )


@dataclass(frozen=True)
class PreparedGaussian(PreparedRegression):
    """A model's second moment, and its rows if they are not the embedding's own.

    Attributes:
        embed_dim: width of the embedding, constant dimensions included.
        n_varying: number of its dimensions that vary.
        has_own_rows: whether `embedding` holds scores made from the embedding, which are kept with the rest.
        divided: its few-valued dimensions and the others.
    """

    embed_dim: int
    n_varying: int
    has_own_rows: bool
    divided: Divided

    @property
    def is_reduced(self) -> bool:
        """Whether the model was reduced to its leading principal components."""
        return self.dim < self.n_varying

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything but the embedding and the plan, as plain arrays."""
        widths = {"widths": np.array([self.embed_dim, self.n_varying, self.has_own_rows])}
        return (
            super().arrays()
            | self.divided.arrays()
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
            divided=Divided.from_arrays(arrays, embedding, plan),
        )


class Gaussian(RegressionEstimator[PreparedGaussian]):
    """Mutual information of jointly normal vectors, with an exact bias correction."""

    name = "gaussian"
    summary = "joint normal distribution with any covariances: mutual information from canonical correlations"
    about = (
        "Source and target are assumed to be jointly normal with any covariances, so related target "
        "dimensions count once. The exact sampling bias is subtracted. It sees linear dependence only, is "
        "symmetric, and does not change with linear maps of either side."
    )
    Settings = GaussianSettings
    Prepared = PreparedGaussian
    settings: GaussianSettings

    def prepare(self, embedding: Embedding, plan: ItemPlan | None = None) -> PreparedGaussian:
        """Standardise, reduce a model that is too wide for the items, and invert the second moment."""
        plan, standardisation = self.plan_for(embedding, plan), standardise(embedding)
        rows = self.rows_of(StandardRows(embedding, plan, standardisation))
        n_varying = rows.dim
        if rows.dim > max_dim(plan):
            most = min(plan.n_groups // 3, max_dim(plan))
            rows = _leading_components(rows, most, self.settings.penalty)
        parts = PreparedRegression.of(rows, self.settings.penalty, np.float64)
        return PreparedGaussian(
            **vars(parts),
            embed_dim=embedding.shape[1],
            n_varying=n_varying,
            has_own_rows=rows.embedding is not embedding,
            divided=Divided.of(embedding, plan, standardisation),
        )

    def rows_of(self, rows: StandardRows) -> StandardRows:
        """The rows that are assumed to be normal, from the standardised dimensions of a model."""
        return rows

    def estimate_together(
        self, models: Mapping[str, PreparedGaussian], wanted: Sequence[PairKey], threads: Pool
    ) -> dict[PairKey, Sufficiency]:
        """All wanted pairs of some models; the few-valued dimensions of a target are estimated apart."""
        divided = {name: model.divided for name, model in models.items()}
        targets = {target for _, target in wanted if len(divided[target].few)}
        dense = {name: self._dense(models[name]) for name in targets if len(divided[name].dense)}
        key = {name: f"{name}\0dense" if name in targets else name for name in models}
        jointly = [(source, key[target]) for source, target in wanted if target not in targets - dense.keys()]
        parts = dict(models) | {key[name]: model for name, model in dense.items()}
        own = self._jointly(parts, jointly, threads) if jointly else {}
        return {
            (source, target): with_discrete_part(
                own.get((source, key[target])),
                divided[target].discrete_nats(divided[source]),
                divided[source],
                divided[target],
            )
            for source, target in wanted
        }

    def _dense(self, model: PreparedGaussian) -> PreparedGaussian:
        """The dimensions with a density, as a target."""
        return self.prepare(np.asarray(model.divided.embedding[:, model.divided.dense]), model.plan)

    def _jointly(
        self, models: Mapping[str, PreparedGaussian], wanted: Sequence[PairKey], threads: Pool
    ) -> dict[PairKey, Sufficiency]:
        """Pairs of densities. Rows are read twice; both directions of a pair share one value."""
        unordered = list(dict.fromkeys(oriented(models, pair) for pair in wanted))
        white = dict(zip(models, threads.map(lambda name: Whitened.of(models[name]), models), strict=True))
        moment_of = cross_moments(white, of_different(models, unordered), threads)
        sampled = sampled_rows(models, threads)
        alone = dict(zip(models, threads.map(lambda name: white[name].alone(), models), strict=True))

        def canonical(pair: PairKey) -> Canonical:
            target, source = pair
            if models[target] is models[source]:
                in_double = white[target].moment
                moment = in_double()
            else:
                in_double = partial(moment_in_double, white[target], white[source])
                moment = moment_of(pair)
            rotated = rotated_target(moment, in_double, alone[target], self.settings.variance_floor)
            residuals = rotated.residuals(alone[target].rows, alone[source].rows)
            return canonical_of(models[source], sampled[source], residuals, rotated)

        found = dict(zip(unordered, threads.map(canonical, unordered), strict=True))
        entropy = {name: _entropy(models[name], white[name]) for name in models}
        return {
            (source, target): self._score(
                models[source], models[target], entropy[target], found[oriented(models, (source, target))]
            )
            for source, target in wanted
        }

    def _score(
        self,
        source: PreparedGaussian,
        target: PreparedGaussian,
        marginal_entropy: float,
        canonical: "Canonical",
    ) -> Sufficiency:
        """The corrected estimate, and the contribution of each block."""
        plan, sample = target.plan, target.plan.sample
        unit_items = np.diff(sample.bounds)
        bias = _Bias(source.rank, target.rank)
        influence = -(plan.n_items - unit_items) * canonical.changes
        n_alike = _items_alike(-influence.sum() / len(sample.items), bias, plan)
        nats = canonical.nats - bias.of(plan.n_items / n_alike)
        influence -= unit_items * influence.sum() / len(sample.items)
        spread = np.sqrt(sample.share) * sample.sum_by_block(influence)
        known = LogDeterminants.of(plan, n_alike)
        of_pair = OfPair.of(known, source.rank, target.rank, canonical.shared)
        excess = excess_of_blocks(
            canonical.across.by_block(known), spread, sample.block_items, of_pair.excess, of_pair.variance
        )
        block_nats = sample.block_items * nats + spread
        low = REDUCED_WARNING if source.is_reduced or target.is_reduced else None
        warnings = warnings_of_pair(
            canonical.n_floored, target.n_varying, self.settings.variance_floor, low, plan
        )
        return Sufficiency(
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


def max_dim(plan: ItemPlan) -> int:
    """The largest width of a model that leaves degrees of freedom for a pair of two such models.

    Raises:
        EstimationError: one group holds nearly all items.
    """
    left = plan.n_groups * (1 - plan.largest_unit / plan.n_items)
    most = int(left - 2) // 2
    if most < 1:
        raise EstimationError(
            f"one group holds {plan.largest_unit} of {plan.n_items} items, so too few items are left "
            "without it; divide that group, or use the estimator linear"
        )
    return most


def _leading_components(rows: StandardRows, n_components: int, least_share: float) -> StandardRows:
    """Scores of the items on the leading principal components of their standardised dimensions.

    Args:
        rows: the standardised dimensions.
        n_components: largest number of components.
        least_share: share of a dimension's variance that a component must have.
    """
    dim = rows.dim
    variances, directions = scipy.linalg.eigh(
        rows.second_moment(), subset_by_index=(dim - n_components, dim - 1), check_finite=False
    )
    directions = directions[:, variances > least_share * rows.plan.n_items]  # the rest is rounding error
    n_components = directions.shape[1]
    scores = np.empty((rows.plan.n_items, n_components), dtype=np.float32)
    for units in rows.plan.windows():
        scores[rows.plan.items_of(units)] = rows.rows(units) @ directions.astype(np.float32)
    return StandardRows(scores, rows.plan, standardise(scores))


def _items_alike(jackknife_bias: float, bias: "_Bias", plan: ItemPlan) -> float:
    """How many items of one group count as one: 1 if every item is its own group.

    Otherwise it is the number for which the formula of the bias agrees with the jackknife.
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
        """The bias for a number of items."""
        ranks = (self.source_rank, self.target_rank, self.source_rank + self.target_rank)
        source, target, both = (_log_determinant_bias(n_items, rank) for rank in ranks)
        return 0.5 * (source + target - both)


def _log_determinant_bias(n_items: float, rank: int) -> float:
    r"""Sum of digamma((m - i + 1) / 2) for i = 1..rank, with m = n - 1. Constants cancel in the estimate."""
    return float(scipy.special.digamma((n_items - 1 - np.arange(rank)) / 2).sum())


def _entropy(target: PreparedGaussian, white: Whitened) -> float:
    """Entropy of the standardised target; each dimension has unit variance."""
    log_determinant = 2 * np.log(np.diag(white.whitening)).sum()  # of the inverse of the second moment
    degrees = target.plan.n_items - 1
    steps = np.arange(target.rank)
    bias = (scipy.special.digamma((degrees - steps) / 2) - np.log(target.plan.n_items / 2)).sum()
    log_variance = -log_determinant - target.dim * np.log(target.plan.n_items)
    return float(0.5 * (target.dim * LOG_2_PI_E + log_variance - bias))
