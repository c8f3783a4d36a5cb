"""What a user could rank models by without labels and without information sufficiency.

A new baseline is a function, and an entry in `BASELINES` that says which end of its scale is better, and who
says so. The direction is fixed before any label is seen; correlations with tasks keep their sign.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from suffice.comparison.geometry import alpha_req, rankme, stable_rank, two_nn, uniformity
from suffice.comparison.likeness import (
    FUSED_DEPTH,
    N_NEIGHBOURS,
    consensus_retrieval,
    cross_regression,
    median_cka,
    median_mutual_neighbours,
    nearest_neighbours,
    standardised,
)
from suffice.errors import DataError, EstimationError
from suffice.ranking.relatives import MAX_ITEMS as MAX_CKA_ITEMS
from suffice.seeds import derive_seed

MAX_ITEMS = 2000  # of the baselines that compare items with one another
MIN_POOL_ITEMS = N_NEIGHBOURS + 2


@dataclass(frozen=True)
class Baseline:
    """A way to rank models that needs no estimate.

    Attributes:
        name: as in tables.
        better: which end of its scale is said to be better.
        title: what it is, in a few words.
        source: who proposes it.
    """

    name: str
    better: Literal["higher", "lower"]
    title: str
    source: str

    @property
    def sign(self) -> int:
        """What a value is multiplied with so that higher is better."""
        return 1 if self.better == "higher" else -1


_KNOWN: tuple[tuple[str, Literal["higher", "lower"], str, str], ...] = (
    ("embed_dim", "higher", "width: take the widest", "a user's habit"),
    ("rankme", "higher", "entropy of the singular values", "Garrido et al. 2023, arXiv 2210.02885"),
    ("stable_rank", "higher", "all variance over the largest", "Tsitsulin et al. 2023, arXiv 2305.16562"),
    ("alpha_req", "lower", "distance from 1 of the spectrum's exponent", "Agrawal et al. 2022, NeurIPS"),
    ("uniformity", "lower", "how alike unit vectors are", "Wang and Isola 2020, arXiv 2005.10242"),
    ("two_nn", "lower", "intrinsic dimension", "Facco et al. 2017; direction: arXiv 2606.03338"),
    ("cka", "higher", "median unbiased linear CKA", "Kornblith et al. 2019, arXiv 1905.00414"),
    (
        "mutual_knn",
        "higher",
        "median share of common neighbours, standardised",
        "Huh et al. 2024, arXiv 2405.07987",
    ),
    ("consensus", "higher", "neighbours in the others' fused lists", "Cormack et al. 2009 (fusion)"),
    ("cross_regression", "higher", "median R² of the others", "Darrin et al. 2024, arXiv 2406.07640"),
    ("public_average", "higher", "mean of public scores: take the leaderboard's first", "a user's habit"),
    ("self_retrieval", "higher", "a text's second half found by its first", "after arXiv 1906.00300"),
)
BASELINES: dict[str, Baseline] = {row[0]: Baseline(*row) for row in _KNOWN}


def embed_dim(embedding: np.ndarray) -> float:
    """Width of the vectors: take the widest."""
    return int(embedding.shape[1])


WHOLE: dict[str, Callable[[np.ndarray], float]] = {
    "embed_dim": embed_dim,
    "rankme": rankme,
    "stable_rank": stable_rank,
    "alpha_req": alpha_req,
}
"""Baselines of one model over all items."""

SAMPLED: dict[str, Callable[[np.ndarray], float]] = {"uniformity": uniformity, "two_nn": two_nn}
"""Baselines of one model over a sample of items, since they compare all items with one another."""

ONE_MODEL = (*WHOLE, *SAMPLED)
OF_POOL = ("cka", "mutual_knn", "consensus", "cross_regression")
OF_HALVES = ("self_retrieval",)
"""Baselines that need vectors of halves of texts; see `suffice.comparison.self_retrieval`."""


def sample_of_items(n_items: int, most: int = MAX_ITEMS, seed: int = 0) -> np.ndarray:
    """Positions of the items that are compared with one another, the same for all models, in order."""
    generator = np.random.default_rng(derive_seed(seed, "baselines"))
    return np.sort(generator.permutation(n_items)[:most])


def baselines_of_model(model: str, embedding: np.ndarray, seed: int = 0) -> dict[str, float]:
    """The baselines of one model by itself; NaN where one has no value for these vectors.

    Args:
        model: its name, for messages.
        embedding: shape (n_items, embed_dim).
        seed: seed of the sample of items.

    Raises:
        DataError: the embedding is not a matrix with items.
        EstimationError: it is not finite, or all zero.
    """
    if embedding.ndim != 2 or embedding.size == 0:
        raise DataError(f"model {model!r}: the embedding has shape {embedding.shape}; it must be a matrix")
    try:
        found = {"embed_dim": embed_dim(embedding), "rankme": rankme(embedding)}
    except EstimationError as error:
        raise EstimationError(f"model {model!r}: {error}") from error
    sample = np.asarray(embedding[sample_of_items(len(embedding), seed=seed)], dtype=np.float64)
    for name, measure in WHOLE.items():
        if name not in found:
            found[name] = _value_or_nan(measure, embedding)
    return found | {name: _value_or_nan(measure, sample) for name, measure in SAMPLED.items()}


def _value_or_nan(measure: Callable[[np.ndarray], float], vectors: np.ndarray) -> float:
    """The measure, or NaN for vectors that it is not defined for, such as all the same."""
    try:
        return measure(vectors)
    except EstimationError:
        return np.nan


def baselines_of_pool(embeddings: Mapping[str, np.ndarray], seed: int = 0) -> pd.DataFrame:
    """The baselines that say how a model stands to the others: the columns model, and those of `OF_POOL`.

    Empty where there are fewer than 2 models or 12 items.

    Args:
        embeddings: vectors of the same items by model, each of shape (n_items, its embed_dim).
        seed: seed of the sample of items.
    """
    models = list(embeddings)
    n_items = min((len(each) for each in embeddings.values()), default=0)
    if len(models) < 2 or n_items < MIN_POOL_ITEMS:
        return pd.DataFrame({"model": models}).reindex(columns=["model", *OF_POOL])
    items = sample_of_items(n_items, seed=seed)
    vectors = [np.asarray(embedding[items], dtype=np.float64) for embedding in embeddings.values()]
    depth = min(FUSED_DEPTH, len(items) - 1)
    neighbours = [nearest_neighbours(each, depth) for each in vectors]
    columns = {
        "cka": median_cka([each[:MAX_CKA_ITEMS] for each in vectors]),
        "mutual_knn": median_mutual_neighbours(
            [nearest_neighbours(standardised(each), N_NEIGHBOURS) for each in vectors]
        ),
        "consensus": consensus_retrieval(neighbours),
        "cross_regression": cross_regression(vectors),
    }
    return pd.DataFrame({"model": models, **columns})


def baseline_table(embeddings: Mapping[str, np.ndarray], seed: int = 0) -> pd.DataFrame:
    """Every baseline that vectors have: the column `model`, and those of `ONE_MODEL` and `OF_POOL`.

    Args:
        embeddings: vectors of the same items by model, each of shape (n_items, its embed_dim).
        seed: seed of the sample of items.

    Raises:
        DataError: an embedding is not a matrix with items.
        EstimationError: an embedding is not finite, or all zero.
    """
    rows = [
        {"model": model, **baselines_of_model(model, embedding, seed)}
        for model, embedding in embeddings.items()
    ]
    own = pd.DataFrame(rows, columns=["model", *ONE_MODEL])
    return pd.concat([own, baselines_of_pool(embeddings, seed)[list(OF_POOL)]], axis=1)
