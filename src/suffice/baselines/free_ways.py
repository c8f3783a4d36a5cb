"""Other ways to choose a model from existing vectors, at almost no cost and without labels."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from suffice.baselines.geometry import rankme
from suffice.baselines.registry import MIN_POOL_ITEMS, Pool, embed_dim, sample_of_items
from suffice.baselines.self_retrieval import MAX_PAIRS, self_retrieval
from suffice.baselines.similarity import consensus_retrieval
from suffice.errors import EstimationError
from suffice.ranking.scores import rank_pairs
from suffice.ranking.table import ordering_values

Arrays = Mapping[str, np.ndarray]
MIN_MODELS = 3  # of which one can agree more with the others than another does


def ways_from_vectors(
    pairs: pd.DataFrame, first: Arrays, second: Arrays | None = None, seed: int = 0
) -> pd.DataFrame:
    """Other ways to choose than a ranking of the same vectors: model, predictor, value; higher is better.

    They are RankMe, the width, agreement with the neighbours that all models find (consensus), finding an
    item's own second look if there is one, and each estimator alone if the ranking uses several.

    Args:
        pairs: the pairs of the ranking.
        first: vectors by model, shape (n_items, embed_dim) each.
        second: their vectors of a second look at the same items.
        seed: seed of the sample of items.
    """
    ways: dict[str, pd.Series] = {
        "rankme": pd.Series({model: _or_nan(rankme, array) for model, array in first.items()}),
        "embed_dim": pd.Series({model: float(embed_dim(array)) for model, array in first.items()}),
    }
    neighbours = consensus(first, seed)
    if neighbours is not None:
        ways["consensus"] = neighbours
    if second:
        rows = sample_of_items(len(next(iter(first.values()))), MAX_PAIRS, seed)
        ways["self_retrieval"] = pd.Series(
            {model: self_retrieval(first[model][rows], second[model][rows]) for model in first}
        )
    by_estimator = pairs.groupby("estimator", sort=False)
    if by_estimator.ngroups > 1:
        ways |= {str(name): ordering_values(rank_pairs(own, seed=seed)) for name, own in by_estimator}
    parts = [
        way.rename_axis("model").rename("value").reset_index().assign(predictor=name)
        for name, way in ways.items()
    ]
    return pd.concat(parts, ignore_index=True)[["model", "predictor", "value"]]


def consensus(first: Arrays, seed: int = 0) -> pd.Series | None:
    """Agreement of each model with the neighbours that all others find; None in a pool that is too small.

    Two models agree with each other equally, so at least three are needed.
    """
    n_items = len(next(iter(first.values())))
    if len(first) < MIN_MODELS or n_items < MIN_POOL_ITEMS:
        return None
    rows = sample_of_items(n_items, seed=seed)
    pool = Pool([np.asarray(array[rows], dtype=np.float64) for array in first.values()])
    return pd.Series(consensus_retrieval(pool.neighbours), index=list(first))


def _or_nan(measure: Callable[[np.ndarray], float], vectors: np.ndarray) -> float:
    """The measure, or NaN if it is not defined for the vectors."""
    try:
        return measure(vectors)
    except EstimationError:
        return float("nan")
