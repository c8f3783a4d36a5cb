r"""The standard error of a softmax's score, when every item is a candidate for all others.

An item adds to the estimate in two ways: q, as a query, and c, as a candidate for others. Without item l, the
items whose nearest it is would have the next nearest as their answer, and all items would have one candidate
less. To first order, and about its mean, this is

.. math:: c_l = \sum_{i : l \in N(i)} w_{il} [\log p_i(l) - \log p_i(l')] + \log (1 - p_i(l))
          - \sum_{i : l \notin N(i)} p_i(l)

where l' is the item nearest to i after those of N(i). Squares of c are mostly noise, because each item is the
answer to few queries. The c of many items share the product of two sums over different queries, a and b.
The variance of the estimate is therefore that of q, plus 2qc, plus 4ab. Blocks hold q + f c, with the factor
f that gives this variance. It is the Hájek projection of a U-statistic (van der Vaart, Asymptotic
Statistics, chapter 12), without the bias that the jackknife has for nearest neighbours.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from suffice.estimators.items import Integers, ItemPlan, UnitSample
from suffice.estimators.nearness import Nearest
from suffice.estimators.softmax import Fit, Floats, Floats32
from suffice.estimators.standardise import chunks_of

ENTRIES_AT_ONCE = 8192
MAX_PROBABILITY = 1 - 1e-6  # above it single precision loses the rest


@dataclass(frozen=True)
class Answers:
    """The right answers of the asked items, and their cosines in one source.

    Attributes:
        plan: division of the items.
        asked: the items that are queries.
        near: the right answers of each.
        cosines: of the asked items with their answers, one after the other, shape (n_answers,).
        following: of each asked item with the nearest that is not an answer, shape (n_asked,).
    """

    plan: ItemPlan
    asked: UnitSample
    near: Nearest
    cosines: Floats
    following: Floats

    @classmethod
    def of(
        cls, plan: ItemPlan, asked: UnitSample, near: Nearest, rows: tuple[Floats32, Floats32]
    ) -> "Answers":
        """From a source's rows of unit length, as queries and as candidates."""
        who = np.repeat(asked.items, near.counts)
        cosines, following = _cosines(*rows, who, near.items), _cosines(*rows, asked.items, near.following)
        return cls(plan, asked, near, cosines, following)

    @cached_property
    def who(self) -> Integers:
        """Position of each answer's query among the asked items, shape (n_answers,)."""
        return np.repeat(np.arange(len(self.near.counts)), self.near.counts)

    @cached_property
    def found(self) -> Floats:
        """Weighted mean over the answers of each asked item, shape (n_asked,)."""
        starts = np.cumsum(self.near.counts) - self.near.counts
        found: Floats = np.add.reduceat(self.near.weights * self.cosines, starts)
        return found

    @cached_property
    def half(self) -> Integers:
        """The half of each asked item; its temperature is fitted on the other half."""
        return half_of(self.plan, self.asked.items)

    def block_nats(self, fit: Fit, log_number: Floats) -> Floats:
        """What the items of each block add to the estimate, summed, shape (n_blocks,).

        Args:
            fit: of the softmax.
            log_number: logarithm of each one's number of candidates, shape (n_asked,).
        """
        plan, block_items = self.plan, self.asked.block_items
        sums = np.zeros(plan.n_blocks)
        np.add.at(sums, plan.block[self.asked.items], fit.item_nats)
        first, second = self._added_as_candidates(fit, log_number)
        own, both = sums - block_items * fit.item_nats.mean(), first + second
        square, product = both @ both, own @ both
        more = 2 * product + 4 * first @ second  # variance beside that of q
        if square == 0 or more <= 0:
            return sums
        factor = (np.sqrt(product**2 + square * more) - product) / square
        found: Floats = sums + factor * both
        return found

    def _added_as_candidates(self, fit: Fit, log_number: Floats) -> Floats:
        """What each block's items add as candidates of each half, about the mean, shape (2, n_blocks)."""
        n_blocks, block_items = self.plan.n_blocks, self.asked.block_items
        place = self.half[self.who] * n_blocks + self.plan.block[self.near.items]
        added = np.bincount(place, self._lost(fit, log_number), 2 * n_blocks).reshape(2, -1) - fit.shares
        added[:, block_items == 0] = 0
        centred: Floats = added - block_items * added.sum(axis=1, keepdims=True) / block_items.sum()
        return centred

    def _lost(self, fit: Fit, log_number: Floats) -> Floats:
        """The loss in each asked item's score without an answer, beyond the answer's probability."""
        log_mean = fit.item_nats - log_number
        log_p = log_mean[self.who] + fit.betas[self.who] * (self.cosines - self.found[self.who])
        log_following = (log_mean + fit.betas * (self.following - self.found))[self.who]
        p = np.exp(np.minimum(log_p, 0))
        log_rest = np.maximum(np.log1p(-np.minimum(p, MAX_PROBABILITY)), np.minimum(log_following, 0))
        lost = self.near.weights * (log_p - log_following) + log_rest
        is_itself = self.near.items == self.asked.items[self.who]  # then the query goes too
        return np.where(is_itself, 0.0, lost) + p


def half_of(plan: ItemPlan, items: Integers) -> Integers:
    """The half of some items, from their blocks: 0 or 1."""
    return plan.block[items] % 2


def _cosines(asking: Floats32, candidates: Floats32, who: Integers, whom: Integers) -> Floats:
    """Cosines of some items with others, from rows of unit length, shape (len(who),)."""
    found = np.empty(len(who))
    for chunk in chunks_of(len(who), ENTRIES_AT_ONCE):
        found[chunk] = np.einsum("ij,ij->i", asking[who[chunk]], candidates[whom[chunk]])
    return found
