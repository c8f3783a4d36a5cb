"""The order of the models, and which stand above which: by win rates, or by the mean or median of nats."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from suffice.errors import EstimationError
from suffice.ranking.arrays import Booleans, Floats, Integers, PairArrays, aggregate
from suffice.ranking.resampling import (
    ROUNDING,
    certain_comparisons,
    certain_differences,
    narrowing_of_scores,
    score_deviations,
)
from suffice.ranking.wins import (
    TINY,
    Signs,
    WinShares,
    least_differences,
    observed_wins,
    stands_above,
    transitive,
    win_shares,
)

MOST_ITEMS = 1e6  # times the number of items; a need for more counts as infinite
HALVINGS = 24


class Order(ABC):
    """The values that order models, and how far apart models must be to be distinguishable."""

    @abstractmethod
    def value(self, matrix: Floats) -> Floats:
        """The values that order the models, higher is better, shape (n_models,)."""

    @abstractmethod
    def above(self, matrix: Floats) -> Booleans:
        """Which models (rows) stand above which (columns) for every outcome that the items leave open."""

    @abstractmethod
    def separates(self, matrix: Floats, first: int, second: int, share: float) -> bool:
        """Whether a share of the items distinguishes the first model from the second, with nats unchanged."""

    def n_separated(self, matrix: Floats, share: float) -> int:
        """Number of neighbours in the ranking that a share of the items distinguishes."""
        return sum(self.separates(matrix, *pair, share) for pair in neighbours(self.value(matrix)))

    def shares_needed(self, matrix: Floats) -> Floats:
        """The share of the items from which neighbours are distinguishable, with nats unchanged.

        Returns:
            Shape (n_models - 1,), in the order of the ranking: 1 if the present items are enough, infinite if
            more than a million times as many are needed.
        """
        pairs = neighbours(self.value(matrix))
        return np.array([self._share_needed(matrix, first, second) for first, second in pairs])

    def _share_needed(self, matrix: Floats, first: int, second: int) -> float:
        if self.separates(matrix, first, second, 1.0):
            return 1.0
        if not self.separates(matrix, first, second, MOST_ITEMS):
            return float("inf")
        low, high = 1.0, MOST_ITEMS
        for _ in range(HALVINGS):
            middle = float(np.sqrt(low * high))
            enough = self.separates(matrix, first, second, middle)
            low, high = (low, middle) if enough else (middle, high)
        return high


@dataclass(frozen=True)
class ByWins(Order):
    """The order by win rates.

    Attributes:
        shares: contribution of each comparison to a win rate.
        threshold: nats per target dimension beyond which a comparison is certain, shape (n_models, n_models,
            n_columns).
    """

    shares: WinShares
    threshold: Floats

    def value(self, matrix: Floats) -> Floats:
        """Win rates."""
        return self.shares.rates(observed_wins(matrix))

    def above(self, matrix: Floats) -> Booleans:
        """Which models have the higher win rate for every outcome of the open comparisons."""
        return stands_above(self.shares, self.known(matrix), self.value(matrix))

    def known(self, matrix: Floats, rows: Integers | slice = slice(None), share: float = 1.0) -> Signs:
        """Which comparisons of some models are won (1), lost (-1) and open (0), with a share of the items."""
        difference = np.nan_to_num(matrix[rows, None] - matrix[None])
        beyond = np.abs(difference) > np.maximum(self.threshold[rows] / np.sqrt(share), ROUNDING)
        return (np.sign(difference) * beyond).astype(np.int8)

    def separates(self, matrix: Floats, first: int, second: int, share: float) -> bool:
        """Whether the win rate of the first is higher for every outcome of the open comparisons."""
        known = self.known(matrix, np.array([first, second]), share)
        least = least_differences(self.shares, known[0], known[1:], first, np.array([second]))
        return bool(least[0] > TINY)


@dataclass(frozen=True)
class ByNats(Order):
    """The order by the mean or median of nats.

    Attributes:
        how: "mean" or "median".
        threshold: nats per target dimension beyond which a difference of scores is certain, shape (n_models,
            n_models).
    """

    how: str
    threshold: Floats

    def value(self, matrix: Floats) -> Floats:
        """Mean or median over targets, in nats per target dimension."""
        return aggregate(matrix, self.how)

    def above(self, matrix: Floats) -> Booleans:
        """Which scores are certainly higher."""
        value = self.value(matrix)
        return transitive(value[:, None] - value > np.maximum(self.threshold, ROUNDING))

    def separates(self, matrix: Floats, first: int, second: int, share: float) -> bool:
        """Whether the score of the first is certainly higher."""
        value = self.value(matrix)
        needed = max(self.threshold[first, second] / np.sqrt(share), ROUNDING)
        return bool(value[first] - value[second] > needed)


def ranks_of(value: Floats) -> Integers:
    """Ranks from 1, best first; values that differ by rounding only have one rank, shape (n_models,)."""
    return np.asarray(1 + (value > value[:, None] + TINY).sum(axis=1))


def neighbours(value: Floats) -> list[tuple[int, int]]:
    """Positions of the first and second of every two neighbours in the ranking, best first.

    Models of one rank keep their order, as in a ranking's table.
    """
    ranked = [int(place) for place in np.argsort(ranks_of(value), kind="stable")]
    return list(zip(ranked, ranked[1:], strict=False))


def by_wins(arrays: PairArrays, n_resamples: int, seed: int) -> ByWins:
    """The order by win rates."""
    return ByWins(win_shares(arrays), certain_comparisons(arrays, n_resamples, seed))


def by_nats(arrays: PairArrays, how: str, n_resamples: int, seed: int) -> ByNats:
    """The order by the mean or median of nats.

    Raises:
        EstimationError: the pairs come from several estimators, whose nats are not on one scale.
    """
    if len(set(arrays.estimators)) > 1:
        raise EstimationError(
            f"the aggregate {how!r} needs pairs of one estimator, but these are from "
            f"{', '.join(dict.fromkeys(arrays.estimators))}; use the aggregate 'ranks'"
        )
    score, deviation = aggregate(arrays.matrix(), how), score_deviations(arrays, how, n_resamples, seed)
    _, narrowed = narrowing_of_scores(arrays)
    return ByNats(how, certain_differences(score, deviation, narrowed, arrays.n_blocks))


def order_of(arrays: PairArrays, how: str, n_resamples: int, seed: int) -> Order:
    """The order by an aggregate: "ranks", "mean" or "median"."""
    if how == "ranks":
        return by_wins(arrays, n_resamples, seed)
    return by_nats(arrays, how, n_resamples, seed)
