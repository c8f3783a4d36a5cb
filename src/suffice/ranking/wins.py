r"""Win rates: how often a model beats others on common targets, and the bounds on these rates.

On a column c (a target under one estimator) model a wins against model d if it has more nats. With weights w
of models and v of columns, in which relatives count once,

.. math:: r_a = \frac{1}{\sum_{d \ne a} w_d} \sum_{d \ne a} w_d
          \frac{\sum_{c \in C_{ad}} v_c \, [a > d \text{ on } c]}{\sum_{c \in C_{ad}} v_c},

where the columns C_ad are those that count for both, and a tie or a missing column is half a win. If all
models share the targets, the order is that of the mean of within-target ranks, the Borda count. Suppose that
a model has more nats than another on every common target. It never has the lower win rate if all models share
their targets, or if each leaves out only itself and no model has relatives.

If some comparisons are decided and the others are open, a difference of win rates has a smallest possible
value. On each column, the order of a and b and transitivity decide which pairs of outcomes against a third
model d are possible. For each column, the smallest value over both possible orders is used. One model
therefore stands above another if no completion of the open comparisons reverses them.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suffice.ranking.arrays import Booleans, Floats, Integers, PairArrays

TINY = 1e-9  # smaller differences of win rates are rounding errors
Signs = npt.NDArray[np.int8]


@dataclass(frozen=True)
class WinShares:
    """The contribution of each won comparison to a win rate.

    Attributes:
        share: contribution of a win of a model against another on a column, shape (n_models, n_models,
            n_columns); 0 if the column does not count for both.
        constant: half a win against each model without a common column, shape (n_models,).
        common: whether both models count, shape (n_models, n_models, n_columns).
    """

    share: Floats
    constant: Floats
    common: Booleans

    def rates(self, won: Floats) -> Floats:
        """Win rates from the won part of each comparison, 0 to 1; shape (n_models,)."""
        rates = (self.share * won).sum(axis=(1, 2)) + self.constant
        return np.minimum(rates, 1.0)  # removes rounding errors


def win_shares(arrays: PairArrays) -> WinShares:
    """The weight of each comparison."""
    counted, weight = arrays.counted, arrays.model_weight
    common = counted[:, None] & counted[None]
    common[np.diag_indices(len(weight))] = False
    total = (common * arrays.column_weight).sum(axis=2)
    opponents = weight / (weight.sum() - weight)[:, None]  # of a model (row) by another (column)
    np.fill_diagonal(opponents, 0.0)
    each = np.divide(opponents, total, out=np.zeros_like(total), where=total > 0)
    share = common * arrays.column_weight * each[..., None]
    return WinShares(share, np.where(total > 0, 0.0, opponents / 2).sum(axis=1), common)


def observed_wins(matrix: Floats) -> Floats:
    """1 if the first model has more nats than the second, 1/2 for a tie; 0 if one does not count."""
    one, other = matrix[:, None], matrix[None]
    return (one > other) + 0.5 * (one == other)


def win_rates(arrays: PairArrays, matrix: Floats) -> Floats:
    """The win rate of each model, shape (n_models,)."""
    return win_shares(arrays).rates(observed_wins(matrix))


def rate_bounds(shares: WinShares, known: Signs) -> tuple[Floats, Floats]:
    """Smallest and largest win rates that the decided comparisons allow.

    Args:
        shares: weight of each comparison.
        known: 1 won, -1 lost, 0 open, antisymmetric in the first two axes.
    """
    return shares.rates((known > 0).astype(float)), shares.rates((known >= 0).astype(float))


def stands_above(shares: WinShares, known: Signs, rates: Floats) -> Booleans:
    """Which models (rows) have a higher win rate than others (columns) for all open outcomes."""
    n_models = len(rates)
    above = np.zeros((n_models, n_models), dtype=bool)
    for model in range(n_models):
        below = np.flatnonzero(rates < rates[model] - TINY)
        if len(below):
            least = least_differences(shares, known[model], known[below], model, below)
            above[model, below] = least > TINY
    return transitive(above)


def transitive(above: Booleans) -> Booleans:
    """The transitive closure of a relation."""
    closed = above.copy()
    for middle in range(len(above)):
        closed |= closed[:, [middle]] & closed[[middle]]
    return closed


def least_differences(shares: WinShares, own: Signs, theirs: Signs, model: int, others: Integers) -> Floats:
    """The smallest possible difference of a model's win rate from those of others.

    Args:
        shares: weight of each comparison.
        own: decided comparisons of the model, shape (n_models, n_columns).
        theirs: decided comparisons of the others, shape (n_others, n_models, n_columns).
        model: position of the model.
        others: positions of the others, shape (n_others,).
    """
    gain, loss = shares.share[model][None], shares.share[others]  # (1 or n_others, n_models, n_columns)
    place = np.arange(len(others))
    above, below, apart = _least_terms(gain, loss, own[None], theirs)
    both = shares.common[model][None] & shares.common[others]
    above, below = np.where(both, above, apart), np.where(both, below, apart)
    for terms in (above, below, apart):
        terms[:, model] = terms[place, others] = 0.0  # against each other: added next
    wins, loses = own[others] >= 0, own[others] <= 0  # possible outcomes; (n_others, n_columns)
    with_win = above.sum(axis=1) + np.where(wins, shares.share[model, others], np.inf)
    with_loss = below.sum(axis=1) + np.where(loses, -shares.share[others, model], np.inf)
    met = shares.common[model, others]
    least = np.where(met, np.minimum(with_win, with_loss), apart.sum(axis=1))
    return np.asarray(least.sum(axis=1) + shares.constant[model] - shares.constant[others])


def _least_terms(gain: Floats, loss: Floats, own: Signs, theirs: Signs) -> tuple[Floats, Floats, Floats]:
    """Smallest difference between the results of two models against each third one.

    Returns:
        The value if the first is above the second on the column, if it is below, and if they do not meet.
    """
    wins, loses, they_win, they_lose = own >= 0, own <= 0, theirs >= 0, theirs <= 0  # can be
    alike = _least([(wins & they_win, gain - loss), (loses & they_lose, 0.0 * loss)])
    above = np.minimum(alike, _least([(wins & they_lose, gain)]))
    below = np.minimum(alike, _least([(loses & they_win, -loss)]))
    return above, below, np.where(loses, 0.0, gain) - np.where(they_win, loss, 0.0)


def _least(outcomes: list[tuple[Booleans, Floats]]) -> Floats:
    """The smallest of the possible outcomes; infinite if there is no possible outcome."""
    return np.minimum.reduce([np.where(can_be, value, np.inf) for can_be, value in outcomes])
