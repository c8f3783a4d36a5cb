"""The pairs of a study that models are ranked by, and those with one look."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from suffice.data.look_settings import SAME
from suffice.ranking.arrays import of_first_estimator
from suffice.storage.files import read_table

PUBLISHED_SCORE = "published_score"


def ranked_pairs(paths: Iterable[Path | str]) -> pd.DataFrame:
    """The pairs that models are ranked by: those across two looks if there are any, otherwise all.

    Args:
        paths: the tables of pairs of all targets.
    """
    pairs = _read(paths)
    across = pairs[pairs["looks"] != SAME]
    return pairs if across.empty else across.reset_index(drop=True)


def one_look_pairs(paths: Iterable[Path | str]) -> pd.DataFrame:
    """The first estimator's pairs in which source and target see the same; all pairs if it needs two looks.

    Args:
        paths: the tables of pairs of all targets.
    """
    pairs = of_first_estimator(_read(paths))
    same = pairs[pairs["looks"] == SAME]
    return pairs if same.empty else same.reset_index(drop=True)


def with_published_score(ranking: pd.DataFrame, pairs: pd.DataFrame, self_pairs: bool) -> pd.DataFrame:
    """The ranking with the column `published_score`, which is missing if there are no pairs with one look.

    It is the median over targets of nats per dimension when source and target see the same. This is the score
    of Darrin et al., NeurIPS 2024 (arXiv 2406.07640).

    Args:
        ranking: one row per model.
        pairs: source, target, looks, nats_per_dim.
        self_pairs: whether a model is a target of itself.
    """
    counted = pairs[(pairs["looks"] == SAME) & (self_pairs | (pairs["source"] != pairs["target"]))]
    medians = counted.groupby("source")["nats_per_dim"].median()
    return ranking.assign(**{PUBLISHED_SCORE: ranking["model"].map(medians).astype(np.float64)})


def _read(paths: Iterable[Path | str]) -> pd.DataFrame:
    return pd.concat(map(read_table, paths), ignore_index=True)
