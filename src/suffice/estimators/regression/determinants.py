r"""How much the jackknife counts too much in log-determinants of covariances of normal data.

Let S_A be the covariance of the dimensions A in a sample, with m = n - 1 degrees of freedom. Its
log-determinant is a sum of parts from single items, pairs of items, triples and so on (Hoeffding, Annals of
Mathematical Statistics 1948). Let s be the sum of the squared canonical correlations between A and B, which
is the number of dimensions if A = B, and let t = s / m. To leading order in 1/m, the parts from sets of k
items have the covariance 2 t^k / k: a set is a ring of k items, and each of its items gives a factor t. A
jackknife counts these parts k times (Efron and Stein, Annals of Statistics 1981). With p = t / (1 - t), the
covariance of both log-determinants, its value by the jackknife, and its excess in the jackknife are

.. math:: \sum_k 2 t^k / k = 2 \log (1 + p), \qquad \sum_k 2 t^k = 2 p, \qquad
          \varphi(p) = 2 p - 2 \log (1 + p)

For A = B the exact variance is a sum of values of trigamma (Muirhead, Aspects of Multivariate Statistical
Theory, theorem 3.2.15). That of a jackknife is another, because the determinant without a unit of items,
divided by that with it, is Wilks' lambda, a product of beta variables (theorem 10.5.3). Both sums are
computed as integrals, with trigamma(x) = 1 / (x - 1/2).

**A pair.** The estimate is half the difference of two log-determinants, log |S_V| - log |S_{V|U}|. The
second has m - d_u degrees of freedom. The jackknife divides by all items, so its value is 2 (1 + p_U) p and
its excess 2 p_U p + phi(p), with the p of V given U.

**Sums of pairs.** When dimensions are many for the number of items, most of the excess is from triples and
larger sets. Two pairs of models have much less of it in common than of the part from pairs of items. The
deviations of blocks that stand for it therefore need the covariances above, not only their first term t^2.
They are made from entries of hat matrices for two items of neighbouring units. For normal data,

.. math:: m \operatorname{cov}(H^A_{ik}, H^B_{ik}) = (1 - \gamma_A) (1 - \gamma_B) \, p, \qquad
          \gamma = d / m

To see this for B that contains A, where p = p_A: H^B H^A = H^A, so the products of their entries for i and
all k sum to H^A_ii, of which k = i has gamma_A gamma_B. Entries and their products have these covariances
without an excess of their own. Let a, b and r be the entries of the source, the target and the target's
residuals, with unit variance. Then a r has covariances of the form p_U p, r those of p, and
(r^2 - 1) / sqrt(2) those of p^2. For phi we take the sum of p and p^2 that equals phi at 0 and for A = B, and
has the same mean in between.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from suffice.estimators.items import ItemPlan
from suffice.estimators.result import Floats

Floats32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LogDeterminants:
    """Variances of log-determinants of normal data.

    Attributes:
        n_items: number of items, where items of one group that count as one are counted once.
        unit_items: mean number of items that are deleted together, counted in the same way.
    """

    n_items: float
    unit_items: float

    @classmethod
    def of(cls, plan: ItemPlan, n_alike: float) -> Self:
        """For items of which `n_alike` of one group count as one."""
        return cls(plan.n_items / n_alike, plan.n_items / plan.n_units / n_alike)

    @property
    def degrees(self) -> float:
        """Degrees of freedom."""
        return self.n_items - 1

    def odds(self, dim: float, given: float = 0.0) -> float:
        """The p of so many dimensions given others: their number over the degrees of freedom left."""
        return dim / (self.degrees - given - dim)

    def variance(self, dim: float) -> float:
        """Variance of the log-determinant of so many dimensions."""
        return _log_ratio(self.degrees, dim)

    def of_sets(self, dim: float) -> float:
        """The part of it from pairs of items and larger sets."""
        return self.variance(dim) - 2 * dim / self.degrees

    def excess(self, dim: float) -> float:
        """How much larger its variance by the jackknife is."""
        unit = self.unit_items
        deleted = _log_ratio(self.degrees - dim, unit) - _log_ratio(self.degrees, unit)
        return (self.n_items - unit) ** 2 / (self.n_items * unit) * deleted - self.variance(dim)

    def population_shared(self, shared: float, source_rank: int, target_rank: int) -> float:
        """The sum of squared canonical correlations with unlimited items, from that of the sample."""
        gammas = np.array([source_rank, target_rank]) / self.degrees
        odds = max(shared / self.degrees - gammas.prod(), 0.0) / (1 - gammas).prod()
        return float(self.degrees * odds / (1 + odds))


def _log_ratio(degrees: float, n_less: float) -> float:
    """The sum of trigamma((degrees - i) / 2) for i from 0 to n_less - 1, as an integral."""
    return float(2 * np.log((degrees - 0.5) / (degrees - n_less - 0.5)))


@dataclass(frozen=True)
class OfPair:
    """The variance of a pair's estimate from sets of items, and its excess, in nats squared.

    Attributes:
        variance: the variance from pairs of items and larger sets.
        excess: how much larger it is in the jackknife.
    """

    variance: float
    excess: float

    @classmethod
    def of(cls, known: LogDeterminants, source_rank: int, target_rank: int, shared: float) -> Self:
        """From the ranks of both sides and the sum of squared canonical correlations of the sample.

        The log-determinant of both sides is that of the source plus an independent one. Those of source and
        target share that of `shared` dimensions.
        """
        s = known.population_shared(shared, source_rank, target_rank)
        variance, excess = (
            0.25 * (part(source_rank + target_rank) - part(source_rank) - part(target_rank) + 2 * part(s))
            for part in (known.of_sets, known.excess)
        )
        return cls(variance, excess)


@dataclass(frozen=True)
class Across:
    """Sums over pairs of items of neighbouring units, which have the noise of larger sets of items.

    Attributes:
        source_rank: dimensions of the regression's source.
        target_rank: dimensions of its target.
        target: sums of b and of (b^2 - 1) / sqrt(2), shape (n_blocks, 2).
        residual: sums of r and of (r^2 - 1) / sqrt(2), shape (n_blocks, 2).
        product: sums of a r, shape (n_blocks,).
    """

    source_rank: int
    target_rank: int
    target: Floats
    residual: Floats
    product: Floats

    @classmethod
    def of(
        cls, plan: ItemPlan, ranks: tuple[int, int], products: Iterable[tuple[Floats32, Floats32, Floats32]]
    ) -> Self:
        """From the a, b and r of the items of each unit with those of the next, up to factors."""
        sums = np.array([*map(_sums, products), [0.0] * 7])
        count, *squares = sums[:, :4].sum(axis=0)
        a, b, r = (np.sqrt(count / square) if square > 0 else 0.0 for square in squares)
        scaled = plan.sample.sum_by_block(sums * np.array([1, a**2, b**2, r**2, b, r, a * r]))
        squares_less_one = (scaled[:, 2:4] - scaled[:, :1]) / np.sqrt(2)
        target, residual = np.stack([scaled[:, 4:6], squares_less_one], axis=-1).swapaxes(0, 1)
        return cls(*ranks, target, residual, scaled[:, 6])

    def by_block(self, known: LogDeterminants) -> Floats:
        """Deviations of blocks that have the covariances of the excess, up to a factor, shape (n_blocks,)."""
        odds = known.odds(self.target_rank, given=self.source_rank)
        of_target = self.target @ _weights(known.odds(self.target_rank))
        of_product = np.sqrt(2 * odds * known.odds(self.source_rank)) * self.product
        return np.asarray(of_target - of_product - self.residual @ _weights(odds))


def _sums(products: tuple[Floats32, Floats32, Floats32]) -> list[float]:
    """The number of values, and the sums of a^2, b^2, r^2, b, r and a r."""
    a, b, r = products
    return [a.size, np.vdot(a, a), np.vdot(b, b), np.vdot(r, r), b.sum(), r.sum(), np.vdot(a, r)]


def _weights(odds: float) -> Floats:
    """Roots of the parts of phi(p) in p and in p^2, at p itself; the sum of their squares is phi(p)."""
    if odds == 0:
        return np.zeros(2)
    whole = 2 * odds - 2 * np.log1p(odds)
    mean = odds - 2 * ((1 + 1 / odds) * np.log1p(odds) - 1)  # of phi between 0 and p
    squared = np.clip(3 * whole - 6 * mean, 0.0, whole)
    return np.sqrt(np.array([whole - squared, squared]))
