"""What does a better score cost? Score against each kind of cost, with the front."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from suffice.plots.labels import place_labels, settle
from suffice.plots.style import (
    ACCENT,
    MEASURES,
    MUTED,
    RULE,
    Drawn,
    Families,
    family_legend,
    panel_title,
    require_rows,
    rows_of,
    short_names,
    sized,
    styled,
)

COLUMNS = ("model", "cost", "cost_value", "measure", "value", "on_front")
COST_LABELS = {
    "seconds_per_1000_items": "seconds per 1,000 items",
    "n_parameters": "parameters",
    "embed_dim": "width (dimensions)",
}


@styled
def draw_pareto_front(pareto: pd.DataFrame, families: Families, figure: Figure | None = None) -> Drawn:
    """What orders the models against cost on a logarithmic axis, one panel per cost; the front is named.

    Models without cost (0) stand at the left edge, since a logarithmic axis has no 0.

    Args:
        pareto: as `suffice.analyses.cost.pareto_table` makes it.
        families: family of each model.
        figure: where to draw; by default a new figure of fitting size.

    Returns:
        The figure; points: the columns above, a row a mark.

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
        axes.set_xlabel(COST_LABELS.get(cost, cost))
        panel_title(axes, "", f"{len(panel)} models")
    grid[0].set_ylabel(MEASURES[str(points["measure"].iloc[0])] if len(points) else "")
    family_legend(figure, families, points["model"].drop_duplicates())
    settle(figure)
    for axes, panel in zip(grid, panels, strict=True):
        _name_front(axes, panel)
    return Drawn(figure, points)


def _shown(panel: pd.DataFrame) -> pd.Series:
    """Where a cost is drawn: 0 at a third of the smallest other."""
    positive = panel["cost_value"][panel["cost_value"] > 0]
    lowest = positive.min() / 3 if len(positive) else 1.0
    return panel["cost_value"].astype(float).clip(lower=lowest)


def _draw_panel(axes: Axes, panel: pd.DataFrame, families: Families) -> None:
    front = panel[panel["on_front"].astype(bool)].sort_values(["at", "value"])
    axes.set_xscale("log")
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
    obstacles = panel[["at", "value"]].to_numpy(dtype=float)
    where = np.asarray(front[["at", "value"]], dtype=float)
    for label in place_labels(axes, where, names, obstacles, size=6):
        label.set_color(MUTED)
