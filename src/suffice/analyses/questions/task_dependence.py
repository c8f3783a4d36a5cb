"""On which tasks does the score agree? Agreement with each task against properties of the task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from suffice.analyses import task_dependence
from suffice.analyses.base import Analysis, Figure, Finding, Made, Ranked, ShownTable
from suffice.numbers import Column, correlation, correlation_interval, integer
from suffice.plots.labels import place_labels, settle
from suffice.plots.style import (
    ACCENT,
    MUTED,
    RULE,
    Drawn,
    logarithmic,
    panel_title,
    require_rows,
    short_names,
    sized,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

TRAIT_WORDS = {
    "n_classes": "number of classes",
    "n_items": "number of items",
    "solvability": "solvability of the task",
}
TRAITS = (
    Column("trait", "Property of the task"),
    Column("value", "Spearman with agreement", correlation),
    Column("low", "95 % interval", correlation_interval, "low", "high"),
    Column("n_tasks", "Tasks", integer),
    Column("note", "Note"),
)


def _findings(ranked: Ranked) -> list[Finding]:
    if "dependence" not in ranked or ranked["dependence"].empty:
        return []
    table = ranked["dependence"]
    shown = ShownTable(
        table.assign(trait=table["trait"].map(TRAIT_WORDS)),
        TRAITS,
        "Agreement by properties of tasks",
        "Agreement against properties of tasks in numbers",
    )
    return [Finding(title="On which tasks does the score agree?", figures=(FIGURE,), tables=(shown,))]


COLUMNS = ("task", "agreement", "n_models", "n_classes", "n_items", "solvability")
LABELS = {
    "n_classes": "number of classes",
    "n_items": "number of items",
    "solvability": "share of the way from chance to 1",
}
LOGARITHMIC = ("n_classes", "n_items")
N_NAMED = 8


@styled
def draw_task_dependence(dependence: pd.DataFrame, figure: Canvas | None = None) -> Drawn:
    """Spearman's correlation of the score with each task against three properties of the tasks.

    Tasks without a property, such as regressions without classes, are left out of its panel.

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
    lowest = float(np.nanmin([0.0, *points["agreement"]]))
    figure = sized(figure, 2.6 * len(LABELS) + 0.2, 2.6)
    grid = figure.subplots(1, len(LABELS), sharey=True)
    panels = [
        points[points["trait"] == trait].dropna(subset=["x", "agreement"]).reset_index(drop=True)
        for trait in LABELS
    ]
    for axes, (trait, label), panel in zip(grid, LABELS.items(), panels, strict=True):
        if trait in LOGARITHMIC:
            logarithmic(axes, panel["x"])
        axes.plot(panel["x"], panel["agreement"], "o", color=ACCENT, ms=4.5)
        axes.axhline(0, color=MUTED, lw=0.7)
        axes.set_xlabel(label)
        axes.set_ylim(lowest - 0.05, 1.05)
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


FIGURE = Figure(
    name="task_dependence",
    title="Agreement by properties of tasks",
    caption="Each point is a task: Spearman's correlation of the score with it, against its number of "
    "classes, its number of items, and how far the mean over models is from chance on the way to 1.",
    draw=lambda ranked: draw_task_dependence(ranked["agreement_by_task"]),
    reads=("agreement_by_task",),
)
TASK_DEPENDENCE = Analysis(
    name="task_dependence",
    needs=("ranking", "tasks"),
    makes={
        "agreement_by_task": Made("dependence/{dataset}/{estimator}.tasks.csv"),
        "dependence": Made("dependence/{dataset}/{estimator}.csv", "kinds of tasks"),
    },
    tables=task_dependence.tables,
    parameters=lambda study: {
        "n_resamples": study.settings.correlation.n_resamples,
        "seed": study.settings.seed,
        task_dependence.INFORMATION: {
            task.name: task.information for task in study.tasks.values() if task.information
        },
    },
    figures=(FIGURE,),
    is_asked=lambda study: study.has_tasks,
    findings=_findings,
)
