"""On which tasks does the score agree? Agreement of each task against what it is like."""

import pandas as pd
from matplotlib.figure import Figure

from suffice.plots.labels import place_labels, settle
from suffice.plots.style import (
    ACCENT,
    MUTED,
    RULE,
    Drawn,
    panel_title,
    require_rows,
    short_names,
    sized,
    styled,
)

COLUMNS = ("task", "agreement", "n_models", "n_classes", "n_items", "solvability")
LABELS = {
    "n_classes": "number of classes",
    "n_items": "number of items",
    "solvability": "share of the way from chance to 1",
}
LOGARITHMIC = ("n_classes", "n_items")
N_NAMED = 8


@styled
def draw_task_dependence(dependence: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """Spearman's correlation of the score with each task against three traits of the tasks.

    Tasks without a trait, such as regressions without classes, are left out of its panel.

    Args:
        dependence: task, agreement, n_models, n_classes, n_items, solvability.
        figure: where to draw; by default a new figure of fitting size.

    Returns:
        The figure; points: trait, task, x, agreement, n_models.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(dependence, COLUMNS, "dependence")
    points = dependence[list(COLUMNS)].melt(
        id_vars=["task", "agreement", "n_models"], var_name="trait", value_name="x"
    )
    points["x"] = points["x"].astype(float)
    figure = sized(figure, 2.6 * len(LABELS) + 0.2, 2.6)
    grid = figure.subplots(1, len(LABELS), sharey=True)
    panels = [
        points[points["trait"] == trait].dropna(subset=["x", "agreement"]).reset_index(drop=True)
        for trait in LABELS
    ]
    for axes, (trait, label), panel in zip(grid, LABELS.items(), panels, strict=True):
        if trait in LOGARITHMIC:
            axes.set_xscale("log")
        axes.plot(panel["x"], panel["agreement"], "o", color=ACCENT, ms=4.5)
        axes.axhline(0, color=MUTED, lw=0.7)
        axes.set_xlabel(label)
        axes.set_ylim(-1.05, 1.05)
        axes.margins(x=0.12)
        axes.grid(color=RULE, lw=0.4)
        panel_title(axes, "", f"{len(panel)} tasks")
    grid[0].set_ylabel("Spearman of score and task")
    settle(figure)
    for axes, panel in zip(grid, panels, strict=True):
        named = panel.head(N_NAMED)
        where = named[["x", "agreement"]].to_numpy(dtype=float)
        names = short_names(list(named["task"]), 18)
        for text in place_labels(axes, where, names, panel[["x", "agreement"]].to_numpy(float), size=6):
            text.set_color(MUTED)
    return Drawn(figure, points[["trait", "task", "x", "agreement", "n_models"]])
