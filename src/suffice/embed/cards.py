"""The cards of embeddings as one table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

CARD_PARTS = ("health", "cost")


def cards_table(cards: list[Mapping[str, Any]]) -> pd.DataFrame:
    """The cards of embeddings as one table: one row per model, with health and cost.

    Args:
        cards: contents of the JSON files beside the embeddings.
    """
    rows = []
    for card in cards:
        row = {"model": card["model"], "embed_dim": card["embed_dim"]}
        for part in CARD_PARTS:
            row |= card[part]
        rows.append(row | {"warnings": "; ".join(card["health"]["warnings"])})
    return pd.DataFrame(rows)
