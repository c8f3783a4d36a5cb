r"""The distance of a linear regression's residual variances from their values with unlimited items.

Let e be the noise of the items, h the leverages, and d the noise of the prediction that leaves out item i.
The error of the residual variance of `linear` has two sums, one over items and one over pairs of items:

.. math:: \frac{\hat\sigma^2}{\sigma^2} - 1 \approx
          \frac1n \sum_i \Big(\frac{e_i^2}{\sigma^2} - 1\Big) - \frac1n \sum_i \frac{e_i d_i}{\sigma^2}

The spread between blocks of items is that of the squares of residuals left out of the fit, (e - d)^2. It
contains the first sum exactly, for any distribution of the noise, but not the second. Each pair of items is
in two blocks (2 e d), and d^2 is added. Blocks therefore vary too much, as in every jackknife (Efron and
Stein, Annals of Statistics 1981). Let q = h / (1 - h), let r be the correlations of the residuals of
dimensions j and k, and let m items count as one. The variance of the sum over dimensions of 1/2 log of the
residual variance is then

.. math:: \frac{q m}{2 n} \sum_{jk} r_{jk}^2 \text{ from pairs of items, and }
          \frac{q (1 + q) m}{2 n} \sum_{jk} r_{jk}^2 \text{ too much in blocks.}

The second is subtracted from the variance between blocks, which never falls below the first. Without this,
the standard errors of independent data are too wide by a factor of the square root of 2 or more. The sum of
r^2 is the mean of the squared inner products of the residuals of two items, with unit variance, in
neighbouring units.

For sums and differences of estimates, we need the part that two estimates have in common. The excess is
therefore kept as deviations of blocks, which add up like the estimates. They are sums over pairs of items of
neighbouring units: the entries of H times the inner products of residuals, e_i'e_k. They behave like the
noise of pairs, but use only a few of the pairs. The second formula above sets their scale.
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
Units = Iterable[tuple[Floats32, Floats32]]

TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class Squares:
    """Squares of residuals of the sampled units, summed over each block.

    Attributes:
        residuals: of each sampled unit in the fit to all items, shape (n_u, d_v) each.
        kept: their squares, shape (n_blocks, d_v).
        product: products of these with the residuals in a fit without the unit, shape (n_blocks, d_v).
    """

    residuals: list[Floats32]

    kept: Floats
    product: Floats

    def influence(self, source: PreparedRegression, target_squares: Floats) -> Floats:
        """Contribution of each block to the estimate, about its mean, shape (n_blocks, d_v); it sums to 0.

        The first part is scaled as if all items were sampled, so its variance is smaller by the sampled
        share. The second part is that of the ratio of both sums in a sample. A block's squares left out of
        the fit are its product plus 1 / (1 - h) times the reduction by the fit that is not due to leverage.

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
        """Share of the noise that the fit removes, by dimension of the target, shape (d_v,)."""
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
    residuals: list[Floats32] = []
    squares: list[tuple[Floats32, Floats32]] = []
    for kept, left_out in units:
        residuals.append(kept)
        squares.append((np.einsum("ij,ij->j", kept, kept), np.einsum("ij,ij->j", kept, left_out)))
    kept_sums, products = (np.array(part, dtype=np.float64) for part in zip(*squares, strict=True))
    return Squares(residuals, sample.sum_by_block(kept_sums), sample.sum_by_block(products))


def products_across(rows: Iterable[Floats32]) -> list[Floats32]:
    """Inner products of the first items of each unit with those of the next, from the rows of each unit."""
    return [before[:MAX_ACROSS] @ now[:MAX_ACROSS].T for before, now in pairwise(rows)]


@dataclass(frozen=True)
class OfPairs:
    """The part of the variance that comes from pairs of items.

    Attributes:
        odds: q = h / (1 - h) of the noise that the fit removes.
        variance: of the sum over dimensions of 1/2 log of the residual variance, in nats squared.
        by_block: its part in each block, up to a factor, shape (n_blocks,).
    """

    odds: float
    variance: float
    by_block: Floats

    @property
    def excess(self) -> float:
        """The part that blocks count more than once."""
        return (1 + self.odds) * self.variance


def variance_of_pairs(
    squares: Squares, source: PreparedRegression, counted: npt.NDArray[np.bool_]
) -> OfPairs:
    """The part of the variance of a pair's estimate that comes from pairs of items.

    Args:
        squares: of the pair's residuals.
        source: the source.
        counted: mask of the dimensions of the target that count, shape (d_v,).
    """
    plan, n_dims = source.plan, int(counted.sum())
    odds = float(_odds(squares.leverage()[counted].mean())) if n_dims else 0.0
    mean_square = squares.kept.sum(axis=0) / len(plan.sample.items)
    precision = np.where(counted, 1 / np.maximum(mean_square, TINY), 0.0)
    products = products_across(own * np.sqrt(precision, dtype=np.float32) for own in squares.residuals)
    squares_across = sum(float(np.square(product).sum()) for product in products)
    similarity = squares_across / sum(product.size for product in products)
    similarity = max(similarity - n_dims**2 * odds / plan.n_items, n_dims)
    variance = odds * _items_alike(odds, source, plan) * similarity / (2 * plan.n_items)
    by_block = sums_across(source, products, n_dims * (1 + odds))
    return OfPairs(odds, variance, by_block)


def sums_across(source: PreparedRegression, products: Sequence[Floats32], by_fit: float) -> Floats:
    """Sums over pairs of items of neighbouring units: entries of H times products of noise, (n_blocks,).

    The products of residuals equal those of noise minus a term from the fit, which is on average `by_fit`
    times the entry of H.
    """
    hats = source.leave_out.hat_across(product.shape for product in products)
    sums = [(hat * (product + by_fit * hat)).sum() for hat, product in zip(hats, products, strict=True)]
    return source.plan.sample.sum_by_block(np.append(sums, 0.0))


def excess_of_blocks(
    by_block: Floats, spread: Floats, block_items: Floats, excess: float, least: float
) -> Floats:
    """Deviations of blocks whose variance equals the part that the jackknife counts twice, shape (n_blocks,).

    Args:
        by_block: part from pairs of items in each block, up to a factor, shape (n_blocks,).
        spread: deviation of each block's sum, shape (n_blocks,).
        block_items: number of items of each block, shape (n_blocks,).
        excess: amount to subtract from the squared standard error, in nats squared.
        least: smallest value that may remain.
    """
    own = block_variance(by_block, block_items)
    taken_off = min(excess, block_variance(spread, block_items) - least)
    if own == 0 or taken_off <= 0:
        return np.zeros_like(by_block)
    centred = by_block - block_items * by_block.sum() / block_items.sum()
    return np.asarray(centred * np.sqrt(taken_off / own))


def _items_alike(odds: float, source: PreparedRegression, plan: ItemPlan) -> float:
    """How many items of one group count as one: how much more of the noise the fit removes."""
    share = source.degrees[0] / plan.n_items
    return float(np.clip(odds / (1 + odds) / share, 1.0, plan.n_items / plan.n_groups))
