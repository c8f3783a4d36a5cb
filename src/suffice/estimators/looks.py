r"""Two looks at every item: the source sees one, the target the other, and only shared information counts.

With looks x1 and x2 of an item, the estimate for a pair is the mean over both ways to assign them,

.. math:: I_S(U \to V) = \tfrac12 [ I_S(U(x_1) \to V(x_2)) + I_S(U(x_2) \to V(x_1)) ]

in nats. By the data processing inequality (Cover and Thomas, Elements of Information Theory, 2nd ed.,
theorem 2.8.1) no family can see more than I(x1; x2). If a model copies something from its input that the
looks do not share, it is worth nothing. A model's own two looks are a pair like any other.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from suffice.errors import EstimationError
from suffice.estimators.regression.tiling import HasDim, PairKey
from suffice.estimators.result import Sufficiency, block_standard_error

L = TypeVar("L", bound=HasDim)
S = TypeVar("S")
T = TypeVar("T")


class Looks(NamedTuple, Generic[L]):
    """One model prepared on two looks at the same items, with the same division of the items."""

    first: L
    second: L

    @property
    def dim(self) -> int:
        """Number of dimensions of both looks together."""
        return self.first.dim + self.second.dim


class Chosen(Mapping[str, T], Generic[S, T]):
    """A mapping to something made from each value when it is looked up, for all names or for some."""

    def __init__(
        self, whole: Mapping[str, S], choose: Callable[[S], T], names: Iterable[str] | None = None
    ) -> None:
        self.whole = whole
        self.choose = choose
        self.names = list(whole if names is None else names)

    def __getitem__(self, name: str) -> T:
        return self.choose(self.whole[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def check_shapes(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> None:
    """Raise EstimationError unless both looks have the same shape."""
    if first.shape != second.shape:
        raise EstimationError(
            f"the first look has shape {first.shape} but the second has {second.shape}; "
            "embed both looks at the same items, in the same order, by the same model"
        )


def mean_of_looks(there: Sufficiency, back: Sufficiency) -> Sufficiency:
    """The mean of I_S(U(x1) -> V(x2)) and I_S(U(x2) -> V(x1)), both over the same blocks of items.

    Block sums and their excess are averaged before their spread is computed, so the standard error includes
    the covariance of both. A target dimension that varies in one look only counts as 0 nats in the other.
    """
    nats = (there.nats + back.nats) / 2
    target_dim = max(there.target_dim, back.target_dim)
    block_nats = (there.block_nats + back.block_nats) / 2
    excess = (there.block_excess_nats + back.block_excess_nats) / 2
    return replace(
        there,
        nats=nats,
        nats_per_dim=nats / target_dim,
        standard_error_nats=block_standard_error(block_nats, there.block_items, excess),
        marginal_entropy_nats=(there.marginal_entropy_nats + back.marginal_entropy_nats) / 2,
        conditional_entropy_nats=(there.conditional_entropy_nats + back.conditional_entropy_nats) / 2,
        target_dim=target_dim,
        n_train=min(there.n_train, back.n_train),
        converged=there.converged and back.converged,
        warnings=tuple(dict.fromkeys((*there.warnings, *back.warnings))),
        block_nats=block_nats,
        block_excess_nats=excess,
    )


def keys_of_looks(name: str) -> tuple[str, str]:
    """Names for a model's two looks when each is used as a model of its own."""
    return f"{name}\0first", f"{name}\0second"


def ways_across(source: str, target: str) -> tuple[PairKey, PairKey]:
    """The two pairs of looks, U(x1) -> V(x2) and U(x2) -> V(x1)."""
    (source_first, source_second), (target_first, target_second) = (
        keys_of_looks(source),
        keys_of_looks(target),
    )
    return (source_first, target_second), (source_second, target_first)
