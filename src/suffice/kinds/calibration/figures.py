"""Shared parts of the figures of a calibration study."""

import importlib
from collections.abc import Callable

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from suffice.plots.style import BAND, MUTED, Drawn

NEAR = 0.1  # within a tenth of the truth


def draw_figure(name: str, accuracy: pd.DataFrame) -> Drawn:
    """Draw a figure from the accuracy table; its name determines its module and function."""
    draw: Callable[[pd.DataFrame], Drawn] = getattr(
        importlib.import_module(f"suffice.kinds.calibration.{name}"), f"draw_{name}"
    )
    return draw(accuracy)


def truth_line(axes: Axes, most: float) -> None:
    """The line of correct estimates, and the band within a tenth of it."""
    axes.fill_between([0, most], [0, (1 - NEAR) * most], [0, (1 + NEAR) * most], color=BAND, zorder=0.3, lw=0)
    axes.plot([0, most], [0, most], color=MUTED, lw=0.9, ls="--", zorder=0.5)


def truth_handle() -> Artist:
    """The legend's entry for the line of truth."""
    return Line2D([], [], color=MUTED, ls="--", lw=0.9, label="truth, ±10 %")
