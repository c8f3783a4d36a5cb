"""The cards of embeddings as one table."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from suffice.errors import DataError

CARD_PARTS = ("health", "cost")
CPU, DEVICE = "cpu_seconds_per_1000_items", "device_seconds_per_1000_items"
PRICE, PARAMETERS = "price_per_million_items", "n_parameters_with_parents"
Card = Mapping[str, Any]


def cards_table(cards: Sequence[Card], prices: Mapping[str, float] | None = None) -> pd.DataFrame:
    """The cards of embeddings as one table: one row per model, with health and cost.

    A model that is made from others costs what they cost and its own share. `cpu_seconds_per_1000_items`
    are of models that compute without a GPU, `device_seconds_per_1000_items` of the others. NaN means that a
    cost is not known, as for vectors from a file; a cost that is known of no model has no column.

    Args:
        cards: contents of the JSON files beside the embeddings of one data set.
        prices: price of a million tokens by model, beside those in the cards.

    Raises:
        DataError: a card was written by an older version.
    """
    for card in cards:
        if "made_from" not in card:
            raise DataError(
                f"the card of model {card['model']} was written by an older version, which measured its cost "
                "otherwise; run the study again, which makes it anew"
            )
    own = {card["array_sha256"]: _own_costs(card, prices or {}) for card in reversed(cards)}
    rows = []
    for card in cards:
        row = {"model": card["model"], "embed_dim": card["embed_dim"]}
        for part in CARD_PARTS:
            row |= card[part]
        parents = [own.get(sha256, {}) for sha256 in card["made_from"]]
        costs = _with_parents(_own_costs(card, prices or {}), parents)
        rows.append(row | costs | {"warnings": "; ".join(card["health"]["warnings"])})
    table = pd.DataFrame(rows)
    unknown = [name for name in (CPU, DEVICE, PRICE, PARAMETERS) if table[name].isna().all()]
    return table.drop(columns=unknown)


Costs = Mapping[str, float | None]


def _own_costs(card: Card, prices: Mapping[str, float]) -> Costs:
    """What a model costs without those that it is made from, which have no price of their own."""
    cost = card["cost"]
    price = prices.get(card["model"], cost.get("price_per_million_tokens"))
    tokens = cost["tokens_per_item"]
    is_priced = price is not None and tokens is not None
    return {
        CPU: cost[CPU],
        DEVICE: cost[DEVICE],
        PRICE: price * tokens if is_priced else None,
        PARAMETERS: cost["n_parameters"],
    }


def _with_parents(own: Costs, parents: Sequence[Costs]) -> dict[str, float]:
    """All costs with those of the parents; an unknown part makes a sum unknown."""
    device = [each.get(DEVICE) for each in (own, *parents)]
    on_device = [value for value in device if value is not None]
    return {
        CPU: math.nan if on_device else _sum([own[CPU], *(each.get(CPU) for each in parents)]),
        DEVICE: sum(on_device) if on_device else math.nan,
        PRICE: _sum([each.get(PRICE) for each in parents] or [own[PRICE]]),
        PARAMETERS: _sum(
            [own[PARAMETERS] or (0 if parents else None), *(p.get(PARAMETERS) for p in parents)]
        ),
    }


def _sum(values: Sequence[float | None]) -> float:
    return float(np.sum([math.nan if value is None else value for value in values]))
