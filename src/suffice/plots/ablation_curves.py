"""How the agreement changes with fewer models or targets, or with another setting: curves and spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from suffice.plots.style import COLORS, INK, RULE, Drawn, panel_title, require_rows, sized, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

STATISTIC_COLORS = {"pearson": COLORS[1], "spearman": COLORS[0], "kendall": COLORS[2]}
SYMBOLS = {"pearson": "Pearson's r", "spearman": "Spearman's ρ", "kendall": "Kendall's τ"}


@dataclass(frozen=True)
class Ablation:
    """One panel.

    Attributes:
        title: what is varied.
        x: name of the column of `curve` that runs along the axis.
        label: label of that axis.
        curve: columns `x`, statistic, mean, and optionally low and high for the spread; empty if there are
            only reference points.
        reference: points to compare with: columns `x`, statistic, value; None if there are none.
        below: a line below the title.
    """

    title: str
    x: str
    label: str
    curve: pd.DataFrame
    reference: pd.DataFrame | None = None
    below: str = ""


@styled
def draw_ablation_curves(ablations: Sequence[Ablation], figure: Figure | None = None) -> Drawn:
    """Agreement with tasks, one panel per ablation: mean over draws, the band that holds nine in ten of them.

    Args:
        ablations: the panels.
        figure: where to draw; by default a new figure of fitting size.

    Returns:
        The figure; points: panel, layer ("curve" or "reference"), x, statistic, value, low, high.

    Raises:
        DataError: a column is missing, or a panel has neither curve nor reference.
    """
    figure = sized(figure, 2.55 * len(ablations) + 0.3, 2.75)
    grid = figure.subplots(1, len(ablations), squeeze=False, sharey=True)[0]
    points = [_draw_panel(axes, each) for axes, each in zip(grid, ablations, strict=True)]
    grid[0].set_ylabel("correlation with tasks")
    drawn = pd.concat(points, ignore_index=True)
    figure.legend(handles=_handles(drawn), loc="outside lower center", ncols=5)
    return Drawn(figure, drawn)


def _draw_panel(axes: Axes, ablation: Ablation) -> pd.DataFrame:
    layers = []
    if len(ablation.curve) or ablation.reference is None:
        require_rows(ablation.curve, (ablation.x, "statistic", "mean"), f"curve of {ablation.title!r}")
        layers.append(_layer(ablation.curve.rename(columns={"mean": "value"}), ablation, "curve"))
    if ablation.reference is not None:
        require_rows(
            ablation.reference, (ablation.x, "statistic", "value"), f"reference of {ablation.title!r}"
        )
        layers.append(_layer(ablation.reference, ablation, "reference"))
    points = pd.concat(layers, ignore_index=True)
    for (layer, statistic), rows in points.groupby(["layer", "statistic"], sort=False):
        color = STATISTIC_COLORS[str(statistic)]
        if layer == "curve":
            axes.fill_between(rows["x"], rows["low"], rows["high"], color=color, alpha=0.12, lw=0)
            axes.plot(rows["x"], rows["value"], color=color, lw=1.4)
        else:
            axes.plot(rows["x"], rows["value"], "o", mfc="white", mec=color, ms=4.5)
    axes.set_xlabel(ablation.label)
    axes.grid(color=RULE, lw=0.4)
    panel_title(axes, ablation.title, ablation.below)
    return points


def _layer(table: pd.DataFrame, ablation: Ablation, layer: str) -> pd.DataFrame:
    shown = table.rename(columns={ablation.x: "x"}).assign(panel=ablation.title, layer=layer)
    return shown.reindex(columns=["panel", "layer", "x", "statistic", "value", "low", "high"])


def _handles(points: pd.DataFrame) -> list[Line2D]:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=color, label=SYMBOLS[name])
        for name, color in STATISTIC_COLORS.items()
        if name in set(points["statistic"])
    ]
    if "reference" in set(points["layer"]):
        handles.append(Line2D([], [], ls="", marker="o", mfc="white", mec=INK, label="published"))
    return handles
