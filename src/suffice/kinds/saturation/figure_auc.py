"""How well measures of pairs separate the arms: areas, one panel per contrast."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from suffice.plots.style import (
    COLORS,
    MUTED,
    WIDTH_INCHES,
    Drawn,
    panel_title,
    require_rows,
    rows_of,
    sized,
    styled,
)

COLUMNS = ("contrast", "probe", "noise", "measure", "auc", "p_value")
NAMES = {
    "gaussian": "information sufficiency, gaussian",
    "linear": "information sufficiency, linear",
    "linear_two_looks": "… across two looks",
    "ridge_r2": "ridge R², held out",
    "cka": "CKA",
    "output_js": "output divergence",
    "loss_difference": "loss difference",
    "ood_rule_1_difference": "behaviour (rule 1)",
}
PROBE_COLORS = {
    "in distribution": COLORS[0],
    "out of distribution": COLORS[1],
    "documents": COLORS[0],
    "prompts": COLORS[1],
    "both": COLORS[6],
}
SHIFTED = {"in distribution": -1, "documents": -1, "out of distribution": 1, "prompts": 1, "both": 0}
TITLES = {
    "arms": ("Arms", "likelihood, adversarial, oracle"),
    "read-out": ("Read-out only", "likelihood, same states, new read-out"),
    "in context": ("In context", "likelihood, mislabelling"),
}
LEVEL = 0.05
APART = 0.17


@styled
def draw_auc_bars(table: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """Area under the curve of each measure and probe, from 0.5 on; filled where it is significant.

    Several levels of noise are shown beside each other; the smallest mark has the least noise.

    Args:
        table: rows of `auc_table`.
        figure: where to draw; by default a new figure.

    Returns:
        The figure; points: contrast, probe, noise, measure, auc, p_value.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(table, COLUMNS, "areas")
    points = table[list(COLUMNS)]
    panels = list(points.groupby("contrast", sort=False))
    figure = sized(figure, WIDTH_INCHES, 3.2)
    grid = figure.subplots(1, len(panels), squeeze=False, sharey=True, sharex=True)
    measures = [name for name in NAMES if name in set(points["measure"])]
    levels = sorted(points["noise"].dropna().unique())
    for axes, (contrast, rows) in zip(grid.flat, panels, strict=True):
        axes.axvline(0.5, color=MUTED, lw=0.8, zorder=0.5)
        _draw_panel(axes, rows, measures, levels)
        panel_title(axes, *TITLES.get(str(contrast), (str(contrast),)))
    grid[0, 0].set_yticks(range(len(measures)), [NAMES[name] for name in measures])
    grid[0, 0].invert_yaxis()
    figure.supxlabel("probability that pairs of one arm are more similar", fontsize=8)
    probe_legend(figure, [probe for probe in PROBE_COLORS if probe in set(points["probe"])])
    return Drawn(figure, points)


def probe_legend(figure: Figure, probes: list[str]) -> None:
    """A legend of the colours of probes, and of marks that are not significant."""
    by_color: dict[str, list[str]] = {}
    for probe in probes:
        by_color.setdefault(PROBE_COLORS[probe], []).append(probe)
    handles = [
        Line2D([], [], ls="", marker="o", color=color, label=" or ".join(own))
        for color, own in by_color.items()
    ]
    handles.append(Line2D([], [], ls="", marker="o", mfc="none", color=MUTED, label=f"p ≥ {LEVEL}"))
    figure.legend(handles=handles, loc="outside upper left", ncols=4, handletextpad=0.2)


def _draw_panel(axes: Axes, rows: pd.DataFrame, measures: list[str], levels: list[float]) -> None:
    for row in rows_of(rows):
        place = measures.index(str(row.measure)) + APART * SHIFTED[str(row.probe)]
        size = 5.0 if pd.isna(row.noise) else 3.5 + 1.5 * levels.index(row.noise)
        color = PROBE_COLORS[str(row.probe)]
        filled = color if row.p_value < LEVEL else "white"
        axes.plot([0.5, row.auc], [place, place], color=color, lw=1.2, alpha=0.35, zorder=1)
        axes.plot(row.auc, place, marker="o", ms=size, mec=color, mfc=filled, alpha=0.85, ls="")
    axes.grid(axis="x")
    axes.set_xlim(-0.03, 1.03)
