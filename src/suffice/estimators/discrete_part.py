r"""Targets with few-valued dimensions, for families that take every dimension for a density.

A density of a count or a bit has no upper limit, although the dimension holds at most the entropy of its
values. Such a target V is divided into its few-valued dimensions D and the others C. The family of the pair
is the product of two families: the discrete one of `linear` for D, and the estimator's own for C:

.. math:: q(v \mid u) = q_D(v_D \mid u) \, q_C(v_C \mid u), \qquad
          I_S(U \to V) = I_S(U \to V_D) + I_S(U \to V_C)

No dimension of D can exceed the entropy of its values. What D and C have in common counts in both, as it does
for the dimensions of `linear`. C may consist of codes with many values, such as 8-bit integers. The total of
C is then at most the sum of their entropies, and always at most the entropy of a source of few values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from suffice.estimators.base import Embedding
from suffice.estimators.few_values import MAX_VALUES, FewValues
from suffice.estimators.items import ItemPlan
from suffice.estimators.linear import Linear, PreparedLinear
from suffice.estimators.result import Sufficiency, block_standard_error
from suffice.estimators.standardise import Standardisation

Columns = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Divided:
    """The few-valued dimensions of a model and the others.

    Attributes:
        embedding: shape (n_items, embed_dim), as it was given.
        plan: the division of the items.
        few: columns with a discrete family, among those that vary.
        dense: the other columns that vary.
        n_codes: number of `dense` columns with at most 256 values.
        limit: entropy of the values of `dense` in nats; infinite unless all of them are codes.
        entropy: of the values of all columns in nats; infinite unless all have at most 256 values.
    """

    embedding: Embedding
    plan: ItemPlan
    few: Columns
    dense: Columns
    n_codes: int
    limit: float
    entropy: float

    @property
    def dim(self) -> int:
        """Number of dimensions that vary."""
        return len(self.few) + len(self.dense)

    @classmethod
    def of(
        cls, embedding: Embedding, plan: ItemPlan, standardisation: Standardisation, *, bits: bool = False
    ) -> Self:
        """Divide an embedding.

        Args:
            embedding: shape (n_items, embed_dim).
            plan: the division of the items.
            standardisation: of the columns that vary.
            bits: whether the estimator's own family for this embedding is discrete.
        """
        values = FewValues.of(embedding, standardisation)
        apart = np.zeros(standardisation.dim, dtype=bool) if bits else values.is_discrete
        left, kept = values.entropy[~apart], standardisation.kept
        n_codes = 0 if bits else int(np.isfinite(left).sum())
        limit, entropy = float(left.sum()), float(values.entropy.sum())
        return cls(embedding, plan, kept[apart], kept[~apart], n_codes, limit, entropy)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything but the embedding and the plan, by name."""
        limits = np.array([self.n_codes, self.limit, self.entropy])
        return {"few_columns": self.few, "dense_columns": self.dense, "value_limits": limits}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, npt.NDArray[Any]], embedding: Embedding, plan: ItemPlan
    ) -> Self:
        """What `arrays` described; other arrays are ignored."""
        n_codes, limit, entropy = arrays["value_limits"].tolist()
        columns = arrays["few_columns"], arrays["dense_columns"]
        return cls(embedding, plan, *columns, int(n_codes), limit, entropy)

    def dense_of(self, standardisation: Standardisation) -> Standardisation:
        """Only the dimensions with a density of a standardisation of the columns that vary."""
        return standardisation.of_dimensions(np.isin(standardisation.kept, self.dense))

    @cached_property
    def as_source(self) -> PreparedLinear:
        """All dimensions, as the source of a few-valued target."""
        return Linear().prepare_named("source", self.embedding, self.plan)

    @cached_property
    def as_target(self) -> PreparedLinear:
        """The few-valued dimensions."""
        return Linear().prepare_named("target", np.asarray(self.embedding[:, self.few]), self.plan)

    def discrete_nats(self, source: "Divided") -> Sufficiency | None:
        """What a source says about the few-valued dimensions; None without such dimensions."""
        if not len(self.few):
            return None
        ((_, found),) = Linear().pairs({"source": source.as_source}, self.as_target)
        return found


def with_discrete_part(
    own: Sufficiency | None, discrete: Sufficiency | None, source: Divided, target: Divided
) -> Sufficiency:
    """The result for a whole target.

    Args:
        own: of the estimator's own family for the dimensions with a density; None without such dimensions.
        discrete: of the few-valued dimensions; None without such dimensions.
        source: the source.
        target: the target.

    Returns:
        The sum of both, with warnings that count the few-valued dimensions.
    """
    if own is None and discrete is not None:
        return discrete.with_warnings(_said(discrete, target))
    assert own is not None  # one of the two is there, because a target has a dimension
    own = _limited(own, min(source.entropy, target.limit))
    if target.n_codes:
        own = own.with_warnings(
            f"{target.n_codes} of {target.dim} dimensions have few distinct values{_reason(target.plan)}, "
            f"which this family takes for a density; their total is limited to {target.limit:.2f} nats, the "
            "entropy of the values"
        )
    return own if discrete is None else _sum(own, discrete, target)


def _reason(plan: ItemPlan) -> str:
    """Why there may be few values although none are codes: few items, each of them several times."""
    if plan.n_groups == plan.n_items or plan.n_groups > MAX_VALUES:
        return ""
    return f" (there are only {plan.n_groups} groups of items, whose items may repeat them)"


def _said(discrete: Sufficiency, target: Divided) -> str:
    return (
        f"{len(target.few)} of {target.dim} dimensions have few distinct values and a discrete family, that "
        f"of the estimator linear: {discrete.nats:.2f} nats"
    )


def _limited(result: Sufficiency, most: float) -> Sufficiency:
    """A result that is at most `most` nats, and says so if it was more."""
    nats = result.nats
    if nats <= most:
        return result
    said = f"{nats:.2f} nats were held to {most:.2f}, the entropy of the values of one side"
    return replace(
        result,
        nats=most,
        nats_per_dim=most / result.target_dim,
        conditional_entropy_nats=result.marginal_entropy_nats - most,
        block_nats=result.block_nats - (nats - most) * result.block_items,
    ).with_warnings(said)


def _sum(own: Sufficiency, discrete: Sufficiency, target: Divided) -> Sufficiency:
    """The sum of two parts of a target, whose blocks may hold different samples of the same items."""
    nats = own.nats + discrete.nats
    marginal = own.marginal_entropy_nats + discrete.marginal_entropy_nats
    scored = own.block_items > 0
    share = own.block_items.sum() / discrete.block_items[scored].sum()
    spread = np.where(scored, discrete.block_nats - discrete.block_items * discrete.nats, 0.0)
    spread -= own.block_items * spread.sum() / own.block_items.sum()
    block_nats = own.block_nats + own.block_items * discrete.nats + share * spread
    excess = own.block_excess_nats + share * np.where(scored, discrete.block_excess_nats, 0.0)
    return replace(
        own,
        nats=nats,
        nats_per_dim=nats / target.dim,
        standard_error_nats=block_standard_error(block_nats, own.block_items, excess),
        marginal_entropy_nats=marginal,
        conditional_entropy_nats=marginal - nats,
        target_dim=target.dim,
        warnings=tuple(dict.fromkeys([*own.warnings, *discrete.warnings, _said(discrete, target)])),
        block_nats=block_nats,
        block_excess_nats=excess,
    )
