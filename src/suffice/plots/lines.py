"""Lines for several names in one figure: a colour and a marker for each, and a legend above the panels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from suffice.plots.style import COLORS, MARKERS

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class LineStyle:
    """Style of the lines of one name."""

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


def legend_above(figure: Figure, styles: Styles, *more: Artist, line: str = "-") -> None:
    """A legend of the names, then `more`, above the panels; an empty `line` is for marks alone."""
    from matplotlib.lines import Line2D

    handles: list[Artist] = [
        Line2D([], [], ls=line, label=name, color=style.color, marker=style.marker)
        for name, style in styles.items()
    ]
    handles += more
    letters = max(len(str(handle.get_label())) for handle in handles)
    columns = max(1, int(figure.get_figwidth() / (0.075 * letters + 0.55)))
    figure.legend(handles=handles, loc="outside upper left", ncols=min(len(handles), columns))
