"""What the page says of few labels and of explained pairs."""

from dataclasses import dataclass, field

import pandas as pd

from suffice.analyses.label_trials import describe_few_labels, notes_of
from suffice.page.numbers import correlation, correlation_interval, integer, number, percent
from suffice.page.tables import Column, Table, make_table
from suffice.plots.few_labels import LOOKS

FEW_LABELS = (
    Column("task", "Task"),
    Column("n_labels", "Labels", integer),
    Column("way", "Way to choose"),
    Column("spearman", "Spearman with all labels", correlation),
    Column("spearman_low", "95 % of draws", correlation_interval, "spearman_low", "spearman_high"),
    Column("regret_at_1", "Loss of the pick", number),
    Column("n_draws", "Draws", integer),
)
DIRECTIONS = (
    Column("component", "Component"),
    Column("low_items", "Items at one end"),
    Column("high_items", "Items at the other"),
    Column("variance_share", "Share of the variance", percent),
    Column("lost_share", "of it lost", percent),
    Column("r2", "R²", correlation),
    Column("nats", "Nats given", number),
)
ITEMS = (
    Column("item", "Row", integer),
    Column("text", "Item"),
    Column("nats", "Nats", number),
    Column("end", "End"),
)


@dataclass(frozen=True)
class PairView:
    """One explained pair, written."""

    source: str
    target: str
    mean_item_nats: str
    directions: Table
    items: Table


@dataclass(frozen=True)
class ExtrasView:
    """What one data set and estimator have beside the ranking.

    Attributes:
        sentence: what a few labels add.
        notes: which numbers of labels could not be tried, and why.
        few_labels: the table; None if not made.
        pairs: explained pairs.
    """

    sentence: str = ""
    notes: list[str] = field(default_factory=list)
    few_labels: Table | None = None
    pairs: list[PairView] = field(default_factory=list)


def view_extras(
    few_labels: pd.DataFrame | None, directions: pd.DataFrame | None, items: pd.DataFrame | None
) -> ExtrasView:
    """The tables as the page shows them; what was not made is left out."""
    pairs = [] if directions is None or items is None else _pairs(directions, items)
    if few_labels is None:
        return ExtrasView(pairs=pairs)
    return ExtrasView(describe_few_labels(few_labels), notes_of(few_labels), _few_labels(few_labels), pairs)


def _few_labels(trials: pd.DataFrame) -> Table:
    tried = trials[trials["n_draws"] > 0]
    named = tried.assign(way=[LOOKS[way][0] for way in tried["way"]])
    return make_table(
        named, FEW_LABELS, "The score, a few labels, and both, against the results of all labels"
    )


def _pairs(directions: pd.DataFrame, items: pd.DataFrame) -> list[PairView]:
    """The pairs in the order of the tables."""
    found = []
    for (source, target), rows in directions.groupby(["source", "target"], sort=False):
        own = items[(items["source"] == source) & (items["target"] == target)]
        about = f"{source} as source of {target}"
        found.append(
            PairView(
                source=str(source),
                target=str(target),
                mean_item_nats=number(own["mean_item_nats"].iloc[0]),
                directions=make_table(rows, DIRECTIONS, f"Directions of which most is lost: {about}"),
                items=make_table(own, ITEMS, f"Items that are lost and gained most: {about}", name_at=1),
            )
        )
    return found
