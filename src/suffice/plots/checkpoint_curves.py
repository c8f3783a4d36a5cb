"""How training changes a model: score and task results against the training step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from suffice.plots.style import (
    COLORS,
    MARKERS,
    MEASURES,
    Drawn,
    grid_shape,
    panel_title,
    require_rows,
    short_names,
    short_number,
    sized,
    styled,
)
from suffice.ranking.table import interval_columns, ordering_column

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

N_COLUMNS = 3
NORMAL_95 = 1.96
CLOSEST_TICKS = 0.09


@styled
def draw_checkpoint_curves(
    checkpoints: pd.DataFrame, results: pd.DataFrame | None = None, figure: Figure | None = None
) -> Drawn:
    """Score of each checkpoint, and its result on each task, against the training step.

    Steps are on a logarithmic axis that is linear from 0 to the first step above 0.

    Args:
        checkpoints: one row per checkpoint: its row of a ranking table, series (what is trained) and step.
        results: tasks of these models: model, task, metric, value, standard_error; other models are ignored.
        figure: where to draw; by default a new figure of fitting size.

    Returns:
        The figure; points: panel, series, model, step, y, y_low, y_high.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(checkpoints, ("model", "series", "step", "aggregate"), "checkpoints")
    panels = list(_panels(checkpoints, results))
    n_rows, n_columns = grid_shape(len(panels), N_COLUMNS)
    figure = sized(figure, max(3.4, 2.4 * n_columns), 1.95 * n_rows + 0.45)
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    series = list(dict.fromkeys(checkpoints["series"]))
    for axes, (unit, points) in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, points, series)
        axes.set_ylabel(unit.replace("_", " ").replace(" (", "\n("))
        panel_title(axes, short_names([points["panel"].iloc[0]], 30)[0])
        _scale_steps(axes, checkpoints["step"])
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    if len(series) > 1:
        figure.legend(handles=_legend(series), loc="outside lower center", ncols=min(4, len(series)))
    return Drawn(figure, pd.concat([points for _, points in panels], ignore_index=True))


def _panels(checkpoints: pd.DataFrame, results: pd.DataFrame | None) -> Iterator[tuple[str, pd.DataFrame]]:
    """Unit and points of every panel: the score first, then one per task."""
    measure = ordering_column(checkpoints)
    names = dict(zip(interval_columns(measure), ["y", "y_low", "y_high"], strict=True))
    yield MEASURES[measure], _tidy(checkpoints.rename(columns=names), measure.replace("_", " "))
    if results is None:
        return
    require_rows(results, ("model", "task", "metric", "value", "standard_error"), "tasks")
    joined = checkpoints[["model", "series", "step"]].merge(results, on="model")
    half = NORMAL_95 * joined["standard_error"]
    joined = joined.assign(y=joined["value"], y_low=joined["value"] - half, y_high=joined["value"] + half)
    for task, rows in joined.groupby("task", sort=False):
        yield str(rows["metric"].iloc[0]), _tidy(rows, str(task))


def _tidy(rows: pd.DataFrame, panel: str) -> pd.DataFrame:
    columns = ["panel", "series", "model", "step", "y", "y_low", "y_high"]
    return rows.assign(panel=panel)[columns].sort_values(["series", "step"], kind="stable", ignore_index=True)


def _draw_panel(axes: Axes, points: pd.DataFrame, series: list[str]) -> None:
    for place, name in enumerate(series):
        rows = points[points["series"] == name]
        color, marker = COLORS[place % len(COLORS)], MARKERS[place % len(MARKERS)]
        axes.plot(rows["step"], rows["y"], color=color, lw=1.2, marker=marker, ms=4)
        axes.vlines(rows["step"], rows["y_low"], rows["y_high"], color=color, lw=1.4, alpha=0.5)
    axes.grid(axis="y")
    axes.margins(y=0.12)
    axes.set_xlabel("training step")


def _scale_steps(axes: Axes, steps: pd.Series) -> None:
    """A logarithmic axis of steps that includes 0, with ticks at as many measured steps as fit."""
    from matplotlib.scale import SymmetricalLogScale
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    places = np.unique(steps.to_numpy(dtype=float))
    positive = places[places > 0]
    if positive.size:
        scale = SymmetricalLogScale(axes.xaxis, linthresh=positive[0], linscale=0.5)
        axes.set_xscale("symlog", linthresh=positive[0], linscale=0.5)
        along = scale.get_transform().transform(places)
        places = places[_spaced(along)]
        pad = 0.06 * np.ptp(along) or 0.1
        axes.set_xlim(*scale.get_transform().inverted().transform([along[0] - pad, along[-1] + pad]))
    axes.xaxis.set_major_locator(FixedLocator(places.tolist()))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: short_number(step)))


def _spaced(along: np.ndarray) -> list[int]:
    """Indices of ticks that do not overlap; the last step always has a tick."""
    least = CLOSEST_TICKS * 1.6 * np.ptp(along)
    kept = [len(along) - 1]
    for index in range(len(along) - 2, -1, -1):
        if along[kept[-1]] - along[index] >= least:
            kept.append(index)
    return kept[::-1]


def _legend(series: list[str]) -> list[Line2D]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=COLORS[i % len(COLORS)], marker=MARKERS[i % len(MARKERS)], ms=4, label=name)
        for i, name in enumerate(series)
    ]
