"""Baselines of a study's embeddings: what is in the store is read, what is not is measured and kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.comparison.baselines import BASELINES, baseline_table
from suffice.comparison.correlation import BASELINE, INFORMATION
from suffice.files import open_array, read_json, sha256_of_json
from suffice.provenance import code_digest
from suffice.store import ResultStore


def baselines_of_models(models: Sequence[str], vectors: Sequence[str], store: ResultStore) -> pd.DataFrame:
    """Every baseline of every model, one row a model.

    Args:
        models: the models' names.
        vectors: the embedding of each, `.npy`, its card beside it.
        store: where the baselines of an embedding are kept.
    """
    rows = []
    for model, path in zip(models, vectors, strict=True):
        card = read_json(Path(path).with_suffix(".json"))
        code = code_digest("suffice.comparison.baselines")
        key = sha256_of_json({"vectors": card["array_sha256"], "baselines": list(BASELINES), "code": code})
        found = store.get(key)
        if found is None:
            found = _measure(model, path)
            store.put(key, found)
        rows.append({"model": model, **found})
    return pd.DataFrame(rows, columns=["model", *BASELINES])


def _measure(model: str, path: str) -> dict[str, Any]:
    (row,) = baseline_table({model: open_array(path)}).to_dict("records")
    return {str(name): value for name, value in row.items() if name != "model"}


def predictor_table(rankings: Mapping[str, pd.DataFrame], baselines: pd.DataFrame) -> pd.DataFrame:
    """Scores and baselines in one tidy table: model, predictor, predictor_kind, value.

    Args:
        rankings: the ranking by each estimator.
        baselines: one row a model.
    """
    scores = [
        ranking[["model"]].assign(predictor=name, predictor_kind=INFORMATION, value=ranking["score"])
        for name, ranking in rankings.items()
    ]
    free = baselines.melt(id_vars="model", var_name="predictor", value_name="value")
    return pd.concat([*scores, free.assign(predictor_kind=BASELINE)], ignore_index=True)
