r"""How far the residual variances of a linear regression are from their values with unlimited items.

With the noise e of the items, the leverages h and the noise d_i of the prediction that leaves out item i, the
residual variance of `suffice.estimators.linear` is off by two sums, one over items and one over pairs of items:

.. math:: \frac{\hat\sigma^2}{\sigma^2} - 1 \approx
          \frac1n \sum_i \Big(\frac{e_i^2}{\sigma^2} - 1\Big) - \frac1n \sum_i \frac{e_i d_i}{\sigma^2}

The spread between blocks of items is that of their squared residuals left out of the fit, (e - d)^2. They show
the first sum as it is, for any distribution of the noise, but not the second: each pair of items stands in two
blocks (2 e d), and d^2 is added. So blocks vary too much, as every jackknife does (Efron and Stein, Annals of
Statistics 1981). With q = h / (1 - h), the correlations r of the residuals of dimensions j and k, and m items
that count as one, the variances of the sum over dimensions of 1/2 log of the residual variance are

.. math:: \text{of pairs of items: } \frac{q m}{2 n} \sum_{jk} r_{jk}^2, \qquad
          \text{too much in blocks: } \frac{q (1 + q) m}{2 n} \sum_{jk} r_{jk}^2

The second is taken off the variance between blocks, which never falls below the first. Without this the
standard errors of independent data are too wide by the square root of 2 and more. For dependent noise of an item's
dimensions the sum of r^2 is the mean of (z_i'z_k)^2 over pairs of items in neighbouring units, z the residuals
of unit variance.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suffice.estimators.items import ItemPlan
from suffice.estimators.regression import PreparedRegression, Residuals
from suffice.estimators.result import Floats, block_standard_error

TINY = np.finfo(float).tiny


@dataclass(frozen=True)
class Squares:
    """Squares of residuals of the sampled units, summed over each block.

    Attributes:
        kept: of residuals in the fit to all items, shape (n_blocks, d_v).
        product: of these with the residuals in a fit without the unit, shape (n_blocks, d_v).
        likeness: mean square of the inner products of the unit-variance residuals of two items.
    """

    kept: Floats
    product: Floats
    likeness: float

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


def block_squares(residuals: Residuals, mean_square: Floats) -> Squares:
    """Squares of the residuals of one pair, summed over each block.

    Args:
        residuals: of the sampled units.
        mean_square: of the residuals of all items, shape (d_v,); dimensions with 0 are not compared.
    """
    scale = np.where(mean_square > 0, 1 / np.sqrt(np.maximum(mean_square, TINY)), 0.0).astype(np.float32)
    squares, likeness, n_pairs = [], 0.0, 0
    before = np.zeros((0, len(scale)), dtype=np.float32)
    for kept, left_out in residuals.of_units():
        squares.append((np.einsum("ij,ij->j", kept, kept), np.einsum("ij,ij->j", kept, left_out)))
        now = kept * scale
        products = before @ now.T
        likeness, n_pairs = likeness + float(np.square(products).sum()), n_pairs + products.size
        before = now
    kept, product = (np.array(part, dtype=np.float64) for part in zip(*squares, strict=True))
    sample = residuals.source.plan.sample
    return Squares(sample.sum_by_block(kept), sample.sum_by_block(product), likeness / n_pairs)


def without_excess(
    influence: Floats, squares: Squares, source: PreparedRegression, counted: npt.NDArray[np.bool_]
) -> Floats:
    """The influence of each block with the variance that the estimate has, shape (n_blocks,).

    Args:
        influence: summed over the counted dimensions, shape (n_blocks,).
        squares: of the residuals.
        source: the source.
        counted: which dimensions of the target count, shape (d_v,).
    """
    plan = source.plan
    spread = len(plan.sample.items) * influence
    n_dims = int(counted.sum())
    if n_dims == 0:
        return spread
    odds = float(_odds(squares.leverage()[counted].mean()))
    likeness = max(squares.likeness - n_dims**2 * odds / plan.n_items, n_dims)
    of_pairs = odds * _items_alike(odds, source, plan) * likeness / (2 * plan.n_items)
    return narrowed(spread, plan.sample.block_items, (1 + odds) * of_pairs, of_pairs)


def narrowed(spread: Floats, block_items: Floats, excess: float, least: float) -> Floats:
    """Deviations of blocks whose variance is less by what the jackknife counts twice.

    Args:
        spread: of each block's sum about its mean, shape (n_blocks,).
        block_items: number of items of each block, shape (n_blocks,).
        excess: what is taken off the squared standard error, in nats squared.
        least: what is left of it at least.
    """
    variance = block_standard_error(spread, block_items) ** 2
    return spread if variance == 0 else spread * np.sqrt(max(variance - excess, least) / variance)


def _items_alike(odds: float, source: PreparedRegression, plan: ItemPlan) -> float:
    """As how many items of one group count as one: by how much more of the noise the fit takes off."""
    share = source.degrees[0] / plan.n_items
    return float(np.clip(odds / (1 + odds) / share, 1.0, plan.n_items / plan.n_groups))
