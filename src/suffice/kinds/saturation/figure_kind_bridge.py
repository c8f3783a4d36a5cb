"""How well measures of pairs predict different answers to new prompts: one panel per split."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from suffice.kinds.saturation.bridge_tables import BOTH
from suffice.kinds.saturation.figure_auc import APART, LEVEL, NAMES, PROBE_COLORS, SHIFTED, probe_legend
from suffice.kinds.saturation.kind_bridge import ANSWERS
from suffice.kinds.saturation.prompts import IN
from suffice.plots.style import (
    MUTED,
    WIDTH_INCHES,
    Drawn,
    panel_title,
    require_rows,
    rows_of,
    sized,
    styled,
)

COLUMNS = ("kind", "part", "behaviour", "probe", "measure", "spearman", "low", "high", "p_value", "n_strata")
NEW = "out of distribution"


@styled
def draw_kind_bridge(table: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """Spearman's rho of similarity and different answers, with intervals; filled where it is significant.

    Args:
        table: rows of `kind_relations`.
        figure: where to draw; by default a new figure.

    Returns:
        The figure; points: `COLUMNS`. Relations that do not exist have no mark.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(table, COLUMNS, "generalisation_bridge")
    points = table.loc[table["behaviour"] == ANSWERS, list(COLUMNS)]
    panels = list(points.groupby(["kind", "part"], sort=False))
    figure = sized(figure, WIDTH_INCHES, 3.0)
    grid = figure.subplots(1, len(panels), squeeze=False, sharey=True)
    measures = [name for name in NAMES if name in set(points["measure"])]
    for axes, ((kind, part), rows) in zip(grid.flat, panels, strict=True):
        _draw_panel(axes, rows, measures)
        panel_title(axes, str(kind), str(part))
    grid[0, 0].set_yticks(range(len(measures)), [NAMES[name] for name in measures])
    grid[0, 0].invert_yaxis()
    figure.supxlabel("Spearman's ρ of similarity and different answers to new prompts", fontsize=8)
    probe_legend(figure, [IN, NEW, BOTH])
    return Drawn(figure, points)


def _draw_panel(axes: Axes, rows: pd.DataFrame, measures: list[str]) -> None:
    axes.axvline(0, color=MUTED, lw=0.8, zorder=0.5)
    for row in rows_of(rows[rows["spearman"].notna()]):
        probe = row.probe if row.probe in (IN, BOTH) else NEW
        place, color = measures.index(row.measure) + APART * SHIFTED[probe], PROBE_COLORS[probe]
        axes.plot([row.low, row.high], [place, place], color=color, lw=1.2, alpha=0.5, zorder=1)
        filled = color if row.p_value < LEVEL else "white"
        axes.plot(row.spearman, place, marker="o", ms=4, mec=color, mfc=filled, ls="")
    axes.set_xlim(-1.05, 1.05)
    axes.set_xticks([-1, 0, 1])
    axes.grid(axis="x")
