r"""How far the residual variances of a linear regression are from their values with unlimited items.

With the noise e of the items, the leverages h and the noise d of the prediction that leaves out item i, the
residual variance of `linear` is off by two sums, one over items and one over pairs of items:

.. math:: \frac{\hat\sigma^2}{\sigma^2} - 1 \approx
          \frac1n \sum_i \Big(\frac{e_i^2}{\sigma^2} - 1\Big) - \frac1n \sum_i \frac{e_i d_i}{\sigma^2}

The spread between blocks of items is that of the squares of residuals left out of the fit, (e - d)^2. It has
the first sum as it is, for any distribution of the noise, but not the second: each pair of items stands in
two blocks (2 e d), and d^2 is added. So blocks vary too much, as those of every jackknife (Efron and Stein,
Annals of Statistics 1981). With q = h / (1 - h), the correlations r of the residuals of dimensions j and k,
and m items that count as one, the variance of the sum over dimensions of 1/2 log of the residual variance is

.. math:: \frac{q m}{2 n} \sum_{jk} r_{jk}^2 \text{ from pairs of items, and }
          \frac{q (1 + q) m}{2 n} \sum_{jk} r_{jk}^2 \text{ too much in blocks.}

The second is taken off the variance between blocks, which never falls below the first. Without this the
standard errors of independent data are too wide by the square root of 2 and more. The sum of r^2 is the mean
of the squared inner products of two items' residuals, brought to unit variance, in neighbouring units.

For sums and differences of such numbers one has to know how much of it two of them have in common. So it is
kept as deviations of blocks, which are added up like the numbers: the sums over pairs of items of
neighbouring units of the entries of H times the inner products of residuals, e_i'e_k. They are as noise of
pairs is, but of few of the pairs; their scale is that of the second formula above.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from suffice.estimators.items import ItemPlan, UnitSample
from suffice.estimators.regression.leave_out import MAX_ACROSS
from suffice.estimators.regression.ridge import PreparedRegression
from suffice.estimators.result import Floats, block_variance

Floats32 = npt.NDArray[np.float32]
Units = Sequence[tuple[Floats32, Floats32]]

TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class Squares:
    """Squares of residuals of the sampled units, summed over each block.

    Attributes:
        kept: of residuals in the fit to all items, shape (n_blocks, d_v).
        product: of these with the residuals in a fit without the unit, shape (n_blocks, d_v).
    """

    kept: Floats
    product: Floats

    def influence(self, source: PreparedRegression, target_squares: Floats) -> Floats:
        """What each block adds to the estimate, about its mean, shape (n_blocks, d_v); it sums to 0.

        The first part is as if all items were sampled, so that its variance is less by the share that is.
        The second is that of the ratio of both sums in a sample. A block's squares left out of the fit are
        its product and 1 / (1 - h) times what the fit took off it, as far as that is not due to leverage.

        Args:
            source: the source.
            target_squares: of the target about its mean, by block, shape (n_blocks, d_v).
        """
        sample = source.plan.sample
        total, kept, product = map(_shares, (target_squares, self.kept, self.product))
        taken = _shares(self.product - self.kept) - _shares(source.block_degrees)[:, None]
        whole = total - product - _odds(self.leverage()) * taken
        ratio = product - kept
        return np.asarray(0.5 * (np.sqrt(sample.share) * whole - np.sqrt(1 - sample.share) * ratio))

    def leverage(self) -> Floats:
        """Share of the noise that the fit takes off, by dimension of the target, shape (d_v,)."""
        shares = 1 - self.kept.sum(axis=0) / np.maximum(self.product.sum(axis=0), TINY)
        return np.asarray(np.clip(shares, 0.0, 0.99))


def _shares(squares: Floats) -> Floats:
    """Each block's share of the sum over all blocks."""
    sums = squares.sum(axis=0)
    return np.asarray(squares / np.where(np.abs(sums) > TINY, sums, 1.0))


def _odds(leverage: Floats | float) -> Floats:
    return np.asarray(leverage / (1 - leverage))


def block_squares(units: Units, sample: UnitSample) -> Squares:
    """Squares of the residuals of one pair, summed over each block.

    Args:
        units: residuals of each sampled unit with and without it in the fit, shape (n_u, d_v) each.
        sample: the units that are sampled.
    """
    squares = [
        (np.einsum("ij,ij->j", kept, kept), np.einsum("ij,ij->j", kept, left_out)) for kept, left_out in units
    ]
    kept, product = (np.array(part, dtype=np.float64) for part in zip(*squares, strict=True))
    return Squares(sample.sum_by_block(kept), sample.sum_by_block(product))


def products_across(rows: Iterable[Floats32]) -> list[Floats32]:
    """Inner products of the first items of each unit with those of the next, by the rows of each unit."""
    return [before[:MAX_ACROSS] @ now[:MAX_ACROSS].T for before, now in pairwise(rows)]


@dataclass(frozen=True)
class OfPairs:
    """The part of the variance that is due to pairs of items.

    Attributes:
        odds: q = h / (1 - h) of the noise that the fit takes off.
        variance: of the sum over dimensions of 1/2 log of the residual variance, in nats squared.
        by_block: what it is in each block, but for a factor, shape (n_blocks,).
    """

    odds: float
    variance: float
    by_block: Floats

    @property
    def excess(self) -> float:
        """What blocks have of it more than once."""
        return (1 + self.odds) * self.variance


def variance_of_pairs(
    units: Units, squares: Squares, source: PreparedRegression, counted: npt.NDArray[np.bool_]
) -> OfPairs:
    """The part of the variance of a pair's number that is due to pairs of items.

    Args:
        units: residuals of the sampled units, as `block_squares` takes them.
        squares: of these residuals.
        source: the source.
        counted: the dimensions of the target that count, shape (d_v,).
    """
    plan, n_dims = source.plan, int(counted.sum())
    odds = float(_odds(squares.leverage()[counted].mean())) if n_dims else 0.0
    mean_square = squares.kept.sum(axis=0) / len(plan.sample.items)
    precision = np.where(counted, 1 / np.maximum(mean_square, TINY), 0.0)
    products = products_across(kept * np.sqrt(precision, dtype=np.float32) for kept, _ in units)
    squares_across = sum(float(np.square(product).sum()) for product in products)
    likeness = squares_across / sum(product.size for product in products)
    likeness = max(likeness - n_dims**2 * odds / plan.n_items, n_dims)
    variance = odds * _items_alike(odds, source, plan) * likeness / (2 * plan.n_items)
    by_block = sums_across(source, products, n_dims * (1 + odds))
    return OfPairs(odds, variance, by_block)


def sums_across(source: PreparedRegression, products: Sequence[Floats32], by_fit: float) -> Floats:
    """Sums over pairs of items of neighbouring units: entries of H times products of noise, (n_blocks,).

    The products of residuals are those of noise less what the fit has put into them, which is on average
    `by_fit` times the entry of H.
    """
    hats = source.leave_out.hat_across(product.shape for product in products)
    sums = [(hat * (product + by_fit * hat)).sum() for hat, product in zip(hats, products, strict=True)]
    return source.plan.sample.sum_by_block(np.append(sums, 0.0))


def excess_of_blocks(
    by_block: Floats, spread: Floats, block_items: Floats, excess: float, least: float
) -> Floats:
    """Deviations of blocks whose variance is what the jackknife counts twice, shape (n_blocks,).

    Args:
        by_block: what is due to pairs of items in each block, but for a factor, shape (n_blocks,).
        spread: deviation of each block's sum, shape (n_blocks,).
        block_items: number of items of each block, shape (n_blocks,).
        excess: what is to be taken off the squared standard error, in nats squared.
        least: what is to be left of it at least.
    """
    own = block_variance(by_block, block_items)
    taken_off = min(excess, block_variance(spread, block_items) - least)
    if own == 0 or taken_off <= 0:
        return np.zeros_like(by_block)
    centred = by_block - block_items * by_block.sum() / block_items.sum()
    return np.asarray(centred * np.sqrt(taken_off / own))


def _items_alike(odds: float, source: PreparedRegression, plan: ItemPlan) -> float:
    """As how many items of one group count as one: by how much more of the noise the fit takes off."""
    share = source.degrees[0] / plan.n_items
    return float(np.clip(odds / (1 + odds) / share, 1.0, plan.n_items / plan.n_groups))
