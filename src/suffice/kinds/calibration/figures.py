"""Shared parts of the figures of a calibration study."""

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from suffice.plots.style import BAND, COLORS, MARKERS, MUTED, Drawn

NEAR = 0.1  # within a tenth of the truth


def draw_figure(name: str, accuracy: pd.DataFrame) -> Drawn:
    """Draw a figure from the accuracy table; its name determines its module and function."""
    draw: Callable[[pd.DataFrame], Drawn] = getattr(
        importlib.import_module(f"suffice.kinds.calibration.{name}"), f"draw_{name}"
    )
    return draw(accuracy)


@dataclass(frozen=True)
class LineStyle:
    """Style of the lines of one estimator or one family of channels."""

    color: str
    marker: str

    def plot(self, axes: Axes, rows: pd.DataFrame, across: str, up: str, **more: Any) -> None:
        """A line with marks through two columns of the rows."""
        axes.plot(rows[across], rows[up], color=self.color, marker=self.marker, **more)


Styles = dict[str, LineStyle]


def styles_of(names: Iterable[str]) -> Styles:
    """Colour and marker of each name, by its position."""
    unique = list(dict.fromkeys(names))
    return {
        name: LineStyle(COLORS[place % len(COLORS)], MARKERS[place % len(MARKERS)])
        for place, name in enumerate(unique)
    }


def truth_line(axes: Axes, most: float) -> None:
    """The line of correct estimates, and the band within a tenth of it."""
    axes.fill_between([0, most], [0, (1 - NEAR) * most], [0, (1 + NEAR) * most], color=BAND, zorder=0.3, lw=0)
    axes.plot([0, most], [0, most], color=MUTED, lw=0.9, ls="--", zorder=0.5)


def legend_above(figure: Figure, styles: Styles, *more: Artist) -> None:
    """A legend of the names, then `more`, above the panels."""
    handles: list[Artist] = [
        Line2D([], [], label=name, color=style.color, marker=style.marker) for name, style in styles.items()
    ]
    handles += more
    letters = max(len(str(handle.get_label())) for handle in handles)
    columns = max(1, int(figure.get_figwidth() / (0.075 * letters + 0.55)))
    figure.legend(handles=handles, loc="outside upper left", ncols=min(len(handles), columns))


def truth_handle() -> Artist:
    """The legend's entry for the line of truth."""
    return Line2D([], [], color=MUTED, ls="--", lw=0.9, label="truth, ±10 %")
