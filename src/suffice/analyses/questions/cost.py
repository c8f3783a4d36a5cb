"""What does a better score cost?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from markupsafe import Markup

from suffice.analyses import cost as arithmetic
from suffice.analyses.base import Analysis, Figure, Finding, Made, Ranked, ShownTable
from suffice.analyses.cost import quotient_table
from suffice.embed.cards import CPU, DEVICE, PARAMETERS, PRICE
from suffice.numbers import Column, correlation, integer, number
from suffice.plots.labels import place_labels, settle
from suffice.plots.style import (
    ACCENT,
    MEASURES,
    MUTED,
    RULE,
    Drawn,
    Families,
    family_legend,
    logarithmic,
    panel_title,
    require_rows,
    rows_of,
    short_names,
    sized,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

COST_WORDS = {
    PRICE: "price per million items",
    DEVICE: "GPU seconds per 1,000 items",
    CPU: "CPU seconds per 1,000 items",
    PARAMETERS: "parameters",
    "embed_dim": "width",
}
FRONT = (
    Column("model", "Model"),
    Column("cost", "Cost"),
    Column("cost_value", "Value", number),
    Column("value", "Value", number),
    Column("value_per_cost", "Value / cost", number),
)
QUOTIENT = (
    Column("cost", "Cost"),
    Column("value_spearman", "Spearman of the value", correlation),
    Column("quotient_spearman", "Spearman of value / cost", correlation),
    Column("n_models", "Models", integer),
)
ABOUT = Markup(
    "A model is on the Pareto front if no other model reaches its value (win rate or score) at a lower cost "
    "or exceeds it at the same cost. <strong>Value "
    "divided by cost is not\nrecommended</strong>: costs often differ by far more than values, and the "
    "quotient then ranks by cheapness alone. A model that is made from others costs what these cost. CPU\n"
    "seconds are those of models that need no GPU."
)
ABOUT_QUOTIENT = Markup(" The table shows how well each agrees with the tasks of this study.")


def _findings(ranked: Ranked) -> list[Finding]:
    if "pareto" not in ranked:
        return []
    front = ranked["pareto"][ranked["pareto"]["on_front"].astype(bool)]
    if front.empty:
        return []
    shown = ShownTable(
        _named(front), FRONT, "Models that no model of the same or lower cost beats", "The fronts in numbers"
    )
    beside = _quotient(ranked)
    return [
        Finding(
            title="Cost",
            about=ABOUT + ABOUT_QUOTIENT if beside else ABOUT,
            figures=(FIGURE,),
            tables=(*beside, shown),
        )
    ]


def _quotient(ranked: Ranked) -> tuple[ShownTable, ...]:
    """How dividing by the cost changes the agreement with tasks; empty without tasks."""
    if "quotient" in ranked:
        table = ranked["quotient"]
    elif "tasks" in ranked:
        table = quotient_table(ranked["pareto"], ranked["tasks"])
    else:
        return ()
    return (ShownTable(_named(table), QUOTIENT, "Agreement with the mean rank"),) if len(table) else ()


def _named(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(cost=table["cost"].map(COST_WORDS))


COLUMNS = ("model", "cost", "cost_value", "measure", "value", "on_front")


@styled
def draw_pareto_front(pareto: pd.DataFrame, families: Families, figure: Canvas | None = None) -> Drawn:
    """Value against cost on a logarithmic axis, one panel per cost; models on the front are named.

    Models with cost 0 are at the left edge because a logarithmic axis has no 0.

    Args:
        pareto: as `suffice.analyses.cost.pareto_table` makes it.
        families: family of each model.
        figure: where to draw; by default a new figure of fitting size.

    Returns:
        The figure; points: the columns above, a row per mark.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(pareto, COLUMNS, "pareto")
    points = pareto.loc[:, list(COLUMNS)].reset_index(drop=True)
    costs = list(dict.fromkeys(points["cost"]))
    figure = sized(figure, 2.6 * len(costs) + 0.4, 2.9)
    grid = figure.subplots(1, len(costs), squeeze=False, sharey=True)[0]
    panels = [points[points["cost"] == cost].assign(at=_shown) for cost in costs]
    for axes, cost, panel in zip(grid, costs, panels, strict=True):
        _draw_panel(axes, panel, families)
        axes.set_xlabel(COST_WORDS.get(cost, cost))
        panel_title(axes, "", f"{len(panel)} models")
    grid[0].set_ylabel(MEASURES[str(points["measure"].iloc[0])] if len(points) else "")
    family_legend(figure, families, points["model"].drop_duplicates())
    settle(figure)
    for axes, panel in zip(grid, panels, strict=True):
        _name_front(axes, panel)
    return Drawn(figure, points)


def _shown(panel: pd.DataFrame) -> pd.Series:
    """Position of a cost on the axis: 0 is drawn at a third of the smallest other cost."""
    positive = panel["cost_value"][panel["cost_value"] > 0]
    lowest = positive.min() / 3 if len(positive) else 1.0
    return panel["cost_value"].astype(float).clip(lower=lowest)


def _draw_panel(axes: Axes, panel: pd.DataFrame, families: Families) -> None:
    front = panel[panel["on_front"].astype(bool)].sort_values(["at", "value"])
    logarithmic(axes, panel["at"])
    axes.step(front["at"], front["value"], where="post", color=ACCENT, lw=1.0, alpha=0.7)
    for row in rows_of(panel):
        alpha = 1.0 if row.on_front else 0.4
        color = families.color(row.model)
        axes.plot(row.at, row.value, families.marker(row.model), color=color, ms=4.5, alpha=alpha)
    axes.grid(color=RULE, lw=0.4)
    axes.margins(x=0.12, y=0.12)


def _name_front(axes: Axes, panel: pd.DataFrame) -> None:
    front = panel[panel["on_front"].astype(bool)].drop_duplicates(["at", "value"])
    names = short_names(list(front["model"]), 18)
    where = np.asarray(front[["at", "value"]], dtype=float)
    obstacles = np.concatenate([panel[["at", "value"]].to_numpy(dtype=float), _along(where)])
    for label in place_labels(axes, where, names, obstacles, size=6):
        label.set_color(MUTED)


def _along(front: np.ndarray) -> np.ndarray:
    """Points on the steps between the models of the front, shape (n, 2), which names keep off."""
    corners = np.sort(front, axis=0)
    steps = zip(corners, corners[1:], strict=False)
    flat = [np.column_stack([np.geomspace(a, b, 20), np.full(20, y)]) for (a, y), (b, _) in steps]
    return np.concatenate([np.empty((0, 2)), *flat])


FIGURE = Figure(
    name="pareto_front",
    title="Score against cost",
    caption="Named models are on the Pareto front: no other model reaches their score at a lower cost. The "
    "others are pale.",
    draw=lambda ranked: draw_pareto_front(ranked["pareto"], Families.from_table(ranked.models)),
    reads=("pareto",),
)
COST = Analysis(
    name="cost",
    needs=("ranking", "cards"),
    parameters=lambda study: {"prices": study.settings.prices},
    makes={"pareto": Made(arithmetic.PATH, "cost")},
    tables=arithmetic.tables,
    figures=(FIGURE,),
    findings=_findings,
)
