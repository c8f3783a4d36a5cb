"""Ways to rank models without labels and without information sufficiency.

A new baseline is a function and a row of `_KNOWN`. The row says what the baseline is computed from, which end
of its scale is better, and who claims this. The direction is fixed before any label is seen, and correlations
with tasks keep their sign.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from suffice.baselines.geometry import alpha_req, rankme, stable_rank, two_nn, uniformity
from suffice.baselines.similarity import (
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

MAX_ITEMS = 2000  # for baselines that compare items with one another
MIN_POOL_ITEMS = N_NEIGHBOURS + 2


@dataclass(frozen=True)
class Pool:
    """Vectors of some models for the same few items, and intermediate results that several baselines share.

    Attributes:
        vectors: vectors of each model, shape (n_items, its embed_dim).
    """

    vectors: Sequence[np.ndarray]

    @cached_property
    def neighbours(self) -> list[np.ndarray]:
        """The nearest items of each item, in each model."""
        depth = min(FUSED_DEPTH, len(self.vectors[0]) - 1)
        return [nearest_neighbours(each, depth) for each in self.vectors]


def embed_dim(embedding: np.ndarray) -> float:
    """Width of the vectors: take the widest."""
    return int(embedding.shape[1])


def _cka(pool: Pool) -> np.ndarray:
    return median_cka([each[:MAX_CKA_ITEMS] for each in pool.vectors])


def _mutual_knn(pool: Pool) -> np.ndarray:
    alike = [nearest_neighbours(standardised(each), N_NEIGHBOURS) for each in pool.vectors]
    return median_mutual_neighbours(alike)


def _consensus(pool: Pool) -> np.ndarray:
    return consensus_retrieval(pool.neighbours)


def _cross_regression(pool: Pool) -> np.ndarray:
    return cross_regression(pool.vectors)


@dataclass(frozen=True)
class Baseline:
    """A way to rank models that needs no estimate.

    Attributes:
        name: name in tables.
        better: which end of its scale is claimed to be better.
        title: short description.
        source: who proposes it.
        of: what it is computed from: all vectors of a model ("items"), a sample of items that it compares
            with one another ("sample"), the samples of all models ("pool"), two looks at each item ("looks";
            see `suffice.baselines.self_retrieval`), or public scores ("public").
        measure: function of these, with one number per model; None for looks and public scores, which are
            read elsewhere.
    """

    name: str
    better: Literal["higher", "lower"]
    title: str
    source: str
    of: Literal["items", "sample", "pool", "looks", "public"]
    measure: Callable[..., Any] | None = None

    @property
    def sign(self) -> int:
        """The factor that makes higher values better."""
        return 1 if self.better == "higher" else -1


_KNOWN = (
    Baseline("embed_dim", "higher", "width: take the widest", "a user's habit", "items", embed_dim),
    Baseline(
        "rankme", "higher", "entropy of the singular values", "Garrido et al. 2023, arXiv 2210.02885",
        "items", rankme,
    ),
    Baseline(
        "stable_rank", "higher", "all variance over the largest", "Tsitsulin et al. 2023, arXiv 2305.16562",
        "items", stable_rank,
    ),
    Baseline(
        "alpha_req", "lower", "distance from 1 of the spectrum's exponent", "Agrawal et al. 2022, NeurIPS",
        "items", alpha_req,
    ),
    Baseline(
        "uniformity", "lower", "how similar unit vectors are", "Wang and Isola 2020, arXiv 2005.10242",
        "sample", uniformity,
    ),
    Baseline(
        "two_nn", "lower", "intrinsic dimension", "Facco et al. 2017; direction: arXiv 2606.03338",
        "sample", two_nn,
    ),
    Baseline(
        "cka", "higher", "median unbiased linear CKA", "Kornblith et al. 2019, arXiv 1905.00414", "pool", _cka
    ),
    Baseline(
        "mutual_knn", "higher", "median share of common neighbours, standardised",
        "Huh et al. 2024, arXiv 2405.07987", "pool", _mutual_knn,
    ),
    Baseline(
        "consensus", "higher", "neighbours in the others' fused lists", "Cormack et al. 2009 (fusion)",
        "pool", _consensus,
    ),
    Baseline(
        "cross_regression", "higher", "median R² of the others", "Darrin et al. 2024, arXiv 2406.07640",
        "pool", _cross_regression,
    ),
    Baseline(
        "public_average", "higher", "mean of public scores: take the leaderboard's first", "a user's habit",
        "public",
    ),
    Baseline(
        "self_retrieval", "higher", "an item's second look found by its first", "after arXiv 1906.00300",
        "looks",
    ),
)  # fmt: skip
BASELINES: dict[str, Baseline] = {baseline.name: baseline for baseline in _KNOWN}


def _of(*kinds: str) -> tuple[str, ...]:
    return tuple(name for name, baseline in BASELINES.items() if baseline.of in kinds)


ONE_MODEL, OF_POOL, OF_LOOKS = _of("items", "sample"), _of("pool"), _of("looks")


def sample_of_items(n_items: int, most: int = MAX_ITEMS, seed: int = 0) -> np.ndarray:
    """Sorted positions of the items that are compared with one another, the same for all models."""
    generator = np.random.default_rng(derive_seed(seed, "baselines"))
    return np.sort(generator.permutation(n_items)[:most])


def baselines_of_model(model: str, embedding: np.ndarray, seed: int = 0) -> dict[str, float]:
    """The baselines of one model alone; NaN if one is not defined for these vectors.

    Args:
        model: name of the model, for messages.
        embedding: shape (n_items, embed_dim).
        seed: seed of the sample of items.

    Raises:
        DataError: the embedding is not a matrix with items.
        EstimationError: it is not finite, or all zero.
    """
    if embedding.ndim != 2 or embedding.size == 0:
        raise DataError(
            f"model {model!r}: the embedding has shape {embedding.shape}; it must be (n_items, embed_dim)"
        )
    try:
        rankme(embedding)
    except EstimationError as error:
        raise EstimationError(f"model {model!r}: {error}") from error
    sample = np.asarray(embedding[sample_of_items(len(embedding), seed=seed)], dtype=np.float64)
    vectors = {"items": embedding, "sample": sample}
    return {name: _value_or_nan(BASELINES[name], vectors[BASELINES[name].of]) for name in ONE_MODEL}


def _value_or_nan(baseline: Baseline, vectors: np.ndarray) -> float:
    """The baseline, or NaN if it is not defined, for example because all vectors are equal."""
    assert baseline.measure is not None
    try:
        return baseline.measure(vectors)
    except EstimationError:
        return np.nan


def baselines_of_pool(embeddings: Mapping[str, np.ndarray], seed: int = 0) -> pd.DataFrame:
    """The baselines that compare a model with the others: the columns model, and those of `OF_POOL`.

    Empty if there are fewer than 2 models or 12 items.

    Args:
        embeddings: vectors of the same items by model, each of shape (n_items, its embed_dim).
        seed: seed of the sample of items.
    """
    models = list(embeddings)
    n_items = min((len(each) for each in embeddings.values()), default=0)
    if len(models) < 2 or n_items < MIN_POOL_ITEMS:
        return pd.DataFrame({"model": models}).reindex(columns=["model", *OF_POOL])
    items = sample_of_items(n_items, seed=seed)
    pool = Pool([np.asarray(embedding[items], dtype=np.float64) for embedding in embeddings.values()])
    measures = {name: BASELINES[name].measure for name in OF_POOL}
    columns = {name: measure(pool) for name, measure in measures.items() if measure is not None}
    return pd.DataFrame({"model": models, **columns})


def baseline_table(embeddings: Mapping[str, np.ndarray], seed: int = 0) -> pd.DataFrame:
    """Every baseline computed from vectors: the column `model`, and those of `ONE_MODEL` and `OF_POOL`.

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
