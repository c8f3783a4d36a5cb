"""The result of one pair, with its standard error and warnings."""

import html
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.errors import EstimationError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
F = TypeVar("F", float, npt.NDArray[np.float64])

BLOCK_FIELDS = ("block_nats", "block_items", "block_excess_nats")
LEAST_LEFT = 0.2  # of the variance between blocks, for any excess; see `left_of_variance`


@dataclass(frozen=True, repr=False)
class Sufficiency:
    r"""Information sufficiency of a source U for a target V: I_S(U -> V) = H(V) - H(V|U), in nats.

    It is the V-information of an estimator's density family (Xu et al., ICLR 2020, arXiv 2002.10689), not the
    mutual information. Entropies are those of the standardised target: each dimension has unit variance.
    Constant dimensions of the target are left out and not counted.

    Attributes:
        nats: the estimate; negative if the fitted conditional predicts unseen items worse than the marginal.
        nats_per_dim: `nats` divided by the number of target dimensions that vary.
        standard_error_nats: standard error of `nats` over blocks of items.
        marginal_entropy_nats: H(V).
        conditional_entropy_nats: H(V|U).
        source_dim: width of the source, constant dimensions included.
        target_dim: number of target dimensions that vary.
        n_train: number of items each density was fitted on.
        n_test: number of items that were scored.
        converged: whether the fit converged; always true for closed forms.
        warnings: what you should know before you use the value.
        block_nats: sum over each block's scored items of their contributions to `nats`, shape (n_blocks,).
        block_items: number of scored items of each block, shape (n_blocks,).
        block_excess_nats: excess variation of the blocks, as deviations whose variance is subtracted from
            that of `block_nats`, shape (n_blocks,); 0 if there is no excess. For a sum of pairs, add up the
            deviations of the pairs, as for `block_nats`.

    Example:
        >>> import numpy as np
        >>> from suffice import estimate
        >>> generator = np.random.default_rng(0)
        >>> source = generator.normal(size=(500, 6))
        >>> found = estimate(source, source + 0.5 * generator.normal(size=(500, 6)))
        >>> found.source_dim, found.target_dim, found.n_test
        (6, 6, 500)
        >>> bool(np.isclose(found.nats, found.marginal_entropy_nats - found.conditional_entropy_nats))
        True
    """

    nats: float
    nats_per_dim: float
    standard_error_nats: float
    marginal_entropy_nats: float
    conditional_entropy_nats: float
    source_dim: int
    target_dim: int
    n_train: int
    n_test: int
    converged: bool
    warnings: tuple[str, ...]
    block_nats: Floats
    block_items: Floats
    block_excess_nats: Floats

    def __repr__(self) -> str:
        """The number, its context, and the warnings; every field is an attribute."""
        error, warned = f"{self.standard_error_nats:.2g}", "".join(f"\n  {said}" for said in self.warnings)
        return (
            f"Sufficiency({self.nats:.4g} nats, standard error {error}, {self.nats_per_dim:.4g} per "
            f"dimension; {self.source_dim} to {self.target_dim} dimensions, {self.n_test:,} items"
            f"){warned}"
        )

    def _repr_html_(self) -> str:
        """The number and its context as a table, for notebooks."""
        table = self.to_pandas().T.to_html(header=False)
        return f"<p>{html.escape(repr(self))}</p>{table}"

    def to_pandas(self) -> pd.DataFrame:
        """The result as a table of one row, without the fields on blocks of items."""
        row = {name: value for name, value in self.as_row().items() if name not in BLOCK_FIELDS}
        return pd.DataFrame([row])

    def plot(self) -> "Figure":
        """A figure of nats per item in each block of items, with their mean and its 95 % interval."""
        return import_module("suffice.plots.blocks").draw_blocks(self).figure

    def as_row(self) -> dict[str, Any]:
        """The result as one row of a pairs table."""
        return asdict(self) | {"warnings": "; ".join(self.warnings)}

    def as_json(self) -> dict[str, Any]:
        """The result as JSON-compatible values; `from_json` restores it exactly."""
        lists = {name: getattr(self, name).tolist() for name in BLOCK_FIELDS}
        return asdict(self) | lists | {"warnings": list(self.warnings)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Sufficiency":
        """The result that `as_json` described."""
        arrays = {name: np.asarray(content[name], dtype=float) for name in BLOCK_FIELDS}
        return cls(**(content | arrays | {"warnings": tuple(content["warnings"])}))

    def with_warnings(self, *warnings: str) -> "Sufficiency":
        """The same result with more warnings."""
        return replace(self, warnings=(*self.warnings, *warnings))


def block_standard_error(block_nats: Floats, block_items: Floats, block_excess_nats: Floats) -> float:
    r"""Standard error of the ratio estimator sum(block_nats) / sum(block_items), minus its excess.

    .. math:: \mathrm{se}^2 =
              \frac{B}{B-1} \frac{\sum_b (s_b - \hat\theta n_b)^2 - \sum_b x_b^2}{(\sum_b n_b)^2}

    with the excess x. For a sum of pairs, s and x are sums over the pairs. The formula therefore also holds
    for sums, means and differences of pairs, including their covariance.

    Source: Cochran, Sampling Techniques, 3rd ed., equation 6.13 (linearised variance of a ratio).
    Blocks that hold no scored item are left out.
    """
    with_excess = block_variance(block_nats, block_items)
    return float(np.sqrt(left_of_variance(with_excess, block_variance(block_excess_nats, block_items))))


def block_variance(block_nats: Floats, block_items: Floats) -> float:
    """The squared standard error between blocks, the excess included."""
    scored = block_items > 0
    sums, counts = block_nats[scored], block_items[scored]
    if len(sums) < 2:
        raise EstimationError("a standard error needs at least 2 blocks of scored items; embed more items")
    deviations = sums - sums.sum() / counts.sum() * counts
    return float(len(sums) / (len(sums) - 1) * np.square(deviations).sum() / counts.sum() ** 2)


def left_of_variance(variance: F, excess: F) -> F:
    """A variance between blocks minus its excess, but at least a fifth of the variance.

    The excess of a sum of pairs is itself estimated, from one deviation per block. At a fifth, the excess is
    four times the rest. `linear` never reaches this, and `gaussian` only at its largest widths.
    """
    left: F = np.maximum(variance - excess, LEAST_LEFT * variance)
    return left
