r"""How many items the ranking needs: what fewer would have said, and what more would tell apart.

The standard error of a mean over n independent items falls as one over the root of n. So if the 95 %
interval over items of the difference of two scores is as wide as its standard error s at n items
says, it would leave 0 out at

.. math:: n^* = n \, (1.96 \, s / \lvert \hat\Delta \rvert)^2

items, presuming that the difference is as estimated and that estimates move with n by noise alone.
This is about items: which models are targets is another matter, which more items do not help.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from suffice.ranking.arrays import Floats, PairArrays, aggregate, arrays_of
from suffice.ranking.resampling import Z, deviations
from suffice.seeds import derive_seed

IN_SIGHT = 100  # times the items there are
SHARES = (1 / 8, 1 / 4, 1 / 2, 1)
N_DRAWS = 50
PRESUMED = (
    "This is about items, not about which models are targets, and presumes that estimates move with the "
    "number of items by noise alone."
)


def items_needed(score: Floats, deviation: Floats, n_items: int) -> Floats:
    """Items at which each model's difference from the next one in the ranking would leave 0 out.

    Args:
        score: shape (n_models,).
        deviation: of the scores in resamples of items, shape (n_resamples, n_models).
        n_items: number of items there are.

    Returns:
        n* above, shape (n_models,); infinite for two equal scores, NaN for the last model.
    """
    order = np.argsort(-score, kind="stable")
    needed = np.full(len(score), np.nan)
    needed[order[:-1]] = n_items * np.square(_least_separated(score, deviation, order))
    return needed


def _least_separated(score: Floats, deviation: Floats, order: "np.ndarray[Any, Any]") -> Floats:
    """Half-width of the interval over each neighbours' difference, as a multiple of the difference."""
    difference = score[order[:-1]] - score[order[1:]]
    spread = (deviation[:, order[:-1]] - deviation[:, order[1:]]).std(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference > 0, Z * spread / difference, np.inf)
