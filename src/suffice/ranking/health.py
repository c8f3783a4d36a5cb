"""The health of the ranked vectors: the findings on embeddings of a study's page, for arrays."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.errors import EstimationError, ModelError
from suffice.health import health_warnings, measure_health

SHOWN = ["model", "n_zero_rows", "n_duplicate_rows", "n_constant_dims", "effective_rank", "embed_dim"]
"""Columns of a health table that a reader sees first, those of a study's page."""


def health_of(arrays: Mapping[str, npt.NDArray[np.floating]]) -> pd.DataFrame:
    """One row per model: model, what `suffice.health.Health` has, and warnings, joined by "; ".

    Args:
        arrays: vectors by model, shape (n_items, embed_dim) each.

    Raises:
        EstimationError: vectors that no estimate can use; the message names the model.
    """
    rows = []
    for name, array in arrays.items():
        try:
            health = measure_health(array, name)
        except ModelError as error:
            raise EstimationError(str(error)) from error
        rows.append({"model": name, **vars(health), "warnings": "; ".join(health_warnings(health, None))})
    return pd.DataFrame(rows)


def warnings_of_health(table: pd.DataFrame) -> dict[str, list[str]]:
    """The warnings of each model that has some, by its name."""
    given = zip(table["model"], table["warnings"], strict=True)
    return {str(model): text.split("; ") for model, text in given if text}
