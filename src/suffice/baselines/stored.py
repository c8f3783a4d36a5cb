"""Baselines of a study's embeddings: values in the store are read, others are measured and stored."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from suffice.baselines import BASELINE, INFORMATION
from suffice.baselines.registry import (
    BASELINES,
    OF_POOL,
    ONE_MODEL,
    baselines_of_model,
    baselines_of_pool,
)
from suffice.baselines.self_retrieval import sample_of_looks, self_retrieval
from suffice.data.looks import LookTable
from suffice.ranking.table import ordering_column
from suffice.storage.files import open_array, read_json, sha256_of_json
from suffice.storage.provenance import computed_by
from suffice.storage.store import ResultStore
from suffice.tasks.public_scores import mean_public_scores


def baselines_of_models(
    models: Sequence[str],
    vectors: Sequence[str],
    store: ResultStore,
    seed: int = 0,
    looks: LookTable | None = None,
    vectors_of_looks: Sequence[str] = (),
) -> pd.DataFrame:
    """Every baseline of every model, one row per model: model, then `ONE_MODEL` and `OF_POOL`.

    With two looks at the items there is also `OF_LOOKS`.

    Baselines of one model are stored under its own vectors, so a new model in the pool costs only its own
    baselines. Comparisons with other models are stored under the vectors of all.

    Args:
        models: the models' names.
        vectors: the embedding of each, `.npy`, with its card beside it.
        store: where baselines are kept.
        seed: seed of the sample of items that are compared with one another.
        looks: the pairs of looks at the items; None, or a table without pairs, if there are none.
        vectors_of_looks: each model's vectors of looks, for kinds of looks that have their own vectors.
    """
    hashes = [read_json(Path(path).with_suffix(".json"))["array_sha256"] for path in vectors]
    arrays = [open_array(path) for path in vectors]
    own = [
        store.kept(_key([sha256], seed), partial(_own, model, array, seed))
        for model, sha256, array in zip(models, hashes, arrays, strict=True)
    ]
    pool = store.kept(_key(hashes, seed), partial(_pool, arrays, seed))
    rows = [{"model": model, **each} for model, each in zip(models, own, strict=True)]
    table = pd.DataFrame(rows, columns=["model", *ONE_MODEL])
    table = table.assign(**{name: np.array(pool[name], dtype=float) for name in OF_POOL})
    if looks is None or not looks.n_pairs:
        return table
    sample = sample_of_looks(looks, seed)
    beside: Sequence[np.ndarray | None]
    beside = list(map(open_array, vectors_of_looks)) or [None] * len(arrays)
    found = [self_retrieval(*sample.vectors(*each)) for each in zip(arrays, beside, strict=True)]
    return table.assign(self_retrieval=found)


def _key(hashes: list[str], seed: int) -> str:
    """The key of results that depend on these vectors, in this order."""
    depends_on = {"vectors": hashes, "seed": seed, "baselines": list(BASELINES)}
    return sha256_of_json(depends_on | computed_by("suffice.baselines.registry"))


def _own(model: str, array: np.ndarray, seed: int) -> dict[str, Any]:
    return {name: _number(value) for name, value in baselines_of_model(model, array, seed).items()}


def _pool(arrays: list[np.ndarray], seed: int) -> dict[str, Any]:
    table = baselines_of_pool({str(place): array for place, array in enumerate(arrays)}, seed)
    return {name: [_number(value) for value in table[name]] for name in OF_POOL}


def _number(value: float) -> float | None:
    """A number for JSON: NaN becomes None."""
    return None if np.isnan(value) else value


def with_public_average(baselines: pd.DataFrame, public: pd.DataFrame | None) -> pd.DataFrame:
    """The baselines with the column `public_average`, the mean over public tasks, if these are given.

    Args:
        baselines: one row per model.
        public: the results of public tasks, one row per model and task; None or empty without public tasks. A
            model that lacks a task has no mean.
    """
    if public is None or public.empty:
        return baselines
    means = mean_public_scores(public, public["task"].nunique())
    return baselines.assign(public_average=baselines["model"].map(means))


def predictor_table(rankings: Mapping[str, pd.DataFrame], baselines: pd.DataFrame) -> pd.DataFrame:
    """Scores and baselines in one tidy table: model, predictor, predictor_kind, value; higher is better.

    If lower is better for a baseline, its sign is changed; see `suffice.baselines.registry`.

    Args:
        rankings: the ranking by each estimator.
        baselines: one row per model.
    """
    scores = [
        ranking[["model"]].assign(
            predictor=name, predictor_kind=INFORMATION, value=ranking[ordering_column(ranking)]
        )
        for name, ranking in rankings.items()
    ]
    free = baselines.melt(id_vars="model", var_name="predictor", value_name="value")
    free["value"] = free["value"].astype(float) * free["predictor"].map(lambda name: BASELINES[name].sign)
    return pd.concat([*scores, free.assign(predictor_kind=BASELINE)], ignore_index=True)
