"""Is the score a better guide than free baselines? Predictors of task results side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from suffice.baselines.shown import shown_way
from suffice.errors import DataError
from suffice.plots.style import (
    ACCENT,
    BAND,
    MUTED,
    Drawn,
    grid_shape,
    mark_zero,
    name_inches,
    panel_title,
    require_rows,
    rows_of,
    short_names,
    sized,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEAN_RANK = "mean rank"
SUFFICIENCY = "information sufficiency"
N_COLUMNS = 4
COLUMNS = ("predictor", "predictor_kind", "task", "statistic", "value", "low", "high", "n_models")


@styled
def draw_predictors(
    correlation: pd.DataFrame, statistic: str = "spearman", figure: Figure | None = None
) -> Drawn:
    """Correlation of every predictor with the mean rank and with every task, with 95 % intervals.

    Predictors are ordered by their correlation with the mean rank; free ones (baselines) are grey. A
    correlation that is not defined has no mark.

    Args:
        correlation: predictor, predictor_kind, task, statistic, value, low, high, n_models.
        statistic: which statistic to draw: "pearson", "spearman" or "kendall".
        figure: where to draw; by default a new figure of fitting size.

    Returns:
        The figure; points: the rows drawn, and `position` (0 is the top row).

    Raises:
        DataError: a column is missing, or there are no rows of this statistic.
    """
    require_rows(correlation, COLUMNS, "correlation")
    points = correlation.loc[correlation["statistic"] == statistic, list(COLUMNS)]
    if points.empty:
        known = ", ".join(sorted(set(correlation["statistic"])))
        raise DataError(f"the correlation table has no rows of {statistic!r}; it has {known}")
    order = _order(points)
    points = points.assign(position=points["predictor"].map({name: i for i, name in enumerate(order)}))
    tasks = _tasks(points)
    names = short_names(list(map(shown_way, order)), 28)
    n_rows, n_columns = grid_shape(len(tasks), N_COLUMNS)
    width = max(3.2, name_inches(names, 7.5) + 1.55 * n_columns + 0.3)
    figure = sized(figure, width, n_rows * (0.24 * len(order) + 0.55) + 0.35)
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    for axes, task in zip(grid.flat, tasks, strict=False):
        _draw_panel(axes, points[points["task"] == task], task)
    for axes in grid.flat[len(tasks) :]:
        axes.axis("off")
    grid[0, 0].set_yticks(range(len(order)), names)
    grid[0, 0].set_ylim(len(order) - 0.4, -0.6)
    grid[0, 0].set_xlim(min(0.0, _lowest(points)) - 0.06, 1.06)
    for axes in grid.flat[: len(tasks)]:
        mark_zero(axes)
    for axes in grid.flat[len(tasks) - n_columns : len(tasks)]:
        axes.tick_params(labelbottom=True)
    figure.supxlabel(f"{statistic.capitalize()} correlation with task results, 95 % interval", fontsize=8)
    return Drawn(figure, points.reset_index(drop=True))


def _order(points: pd.DataFrame) -> list[str]:
    """Predictors from best to worst by the mean rank, or by the mean over tasks if it is not there."""
    overall = points[points["task"] == MEAN_RANK]
    by_value = (overall if len(overall) else points).groupby("predictor", sort=False)["value"].mean()
    every = list(dict.fromkeys(points["predictor"]))
    return list(by_value.reindex(every).sort_values(ascending=False, kind="stable", na_position="last").index)


def _tasks(points: pd.DataFrame) -> list[str]:
    """The tasks, the mean rank first."""
    tasks = list(dict.fromkeys(points["task"]))
    return sorted(tasks, key=lambda task: task != MEAN_RANK)


def _lowest(points: pd.DataFrame) -> float:
    return float(pd.concat([points["low"], points["value"]]).min())


def _draw_panel(axes: Axes, points: pd.DataFrame, task: str) -> None:
    for row in rows_of(points):
        ours = row.predictor_kind == SUFFICIENCY
        color = ACCENT if ours else MUTED
        axes.plot([row.low, row.high], [row.position] * 2, color=color, lw=1.8, alpha=0.5)
        axes.plot(row.value, row.position, "o" if ours else "s", color=color, ms=5)
    counts = sorted(set(points["n_models"]))
    n_text = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"
    panel_title(axes, short_names([task], 24)[0], f"{n_text} models", bold=task == MEAN_RANK)
    if task == MEAN_RANK:
        axes.set_facecolor(BAND)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
