"""Do errors grow as embeddings become wider? Relative error against width."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from suffice.kinds.calibration.figures import NEAR
from suffice.plots.lines import Styles, legend_above, styles_of
from suffice.plots.style import (
    BAND,
    MUTED,
    WIDTH_INCHES,
    Drawn,
    grid_shape,
    panel_title,
    require_rows,
    sized,
    styled,
)

N_COLUMNS = 4
LINE_STYLES = ("-", "--", ":", "-.")
COLUMNS = (
    "estimator", "channel", "source_dim", "target_dim", "n_items", "nats_per_dim", "truth_nats_per_dim",
    "error_nats_per_dim",
)  # fmt: skip


@styled
def draw_error_by_width(accuracy: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """Relative error with its sign against the width of both sides, one panel per channel.

    It shows channels that were measured at several equal widths, at the number of nats that occurs at most of
    these widths.

    Args:
        accuracy: the accuracy table.
        figure: figure to draw in; by default a new figure.

    Returns:
        The figure; points: the rows drawn with `relative_error` in percent.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(accuracy, COLUMNS, "accuracy")
    points = _shown(accuracy)
    channels = list(dict.fromkeys(points["channel"]))
    styles = styles_of(accuracy["estimator"])
    items = sorted(set(points["n_items"]), reverse=True)
    lines = {count: LINE_STYLES[place % len(LINE_STYLES)] for place, count in enumerate(items)}
    n_rows, n_columns = grid_shape(max(1, len(channels)), N_COLUMNS)
    figure = sized(figure, WIDTH_INCHES, 1.9 * n_rows + 0.6)
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    for axes, channel in zip(grid.flat, channels, strict=False):
        own = points[points["channel"] == channel]
        _draw_panel(axes, own, styles, lines)
        panel_title(axes, channel, f"{own['nats_per_dim'].iloc[0]:g} nats per dimension")
    for axes in grid.flat[len(channels) :]:
        axes.axis("off")
    widths = sorted(set(points["target_dim"]))
    grid[0, 0].set_xscale("log", base=2)
    grid[0, 0].set_xticks(widths, [str(width) for width in widths])
    grid[0, 0].minorticks_off()
    figure.supxlabel("width of source and target (dimensions)", fontsize=8)
    figure.supylabel("relative error (%)", fontsize=8)
    keys = [Line2D([], [], color=MUTED, ls=style, label=f"{count:,} items") for count, style in lines.items()]
    legend_above(figure, styles, *keys)
    return Drawn(figure, points)


def _shown(accuracy: pd.DataFrame) -> pd.DataFrame:
    """The rows to draw: for each channel, the nats that occur at most widths, if at two or more."""
    usable = accuracy[
        (accuracy["source_dim"] == accuracy["target_dim"])
        & (accuracy["truth_nats_per_dim"] > 0)
        & accuracy["error_nats_per_dim"].notna()
    ]
    kept = []
    for _, rows in usable.groupby("channel", sort=False):
        n_widths = rows[rows["nats_per_dim"] > 0].groupby("nats_per_dim")["target_dim"].nunique()
        if len(n_widths) and n_widths.max() > 1:
            kept.append(rows[rows["nats_per_dim"] == n_widths.idxmax()])
    shown = pd.concat(kept, ignore_index=True) if kept else usable.iloc[:0]
    error = 100 * shown["error_nats_per_dim"] / shown["truth_nats_per_dim"]
    return shown[list(COLUMNS)].assign(relative_error=error)


def _draw_panel(axes: Axes, points: pd.DataFrame, styles: Styles, lines: dict[Any, str]) -> None:
    axes.axhspan(-100 * NEAR, 100 * NEAR, color=BAND, lw=0, zorder=0.3)
    axes.axhline(0, color=MUTED, lw=0.7, zorder=0.5)
    for (name, n_items), rows in points.groupby(["estimator", "n_items"], sort=False):
        rows = rows.sort_values("target_dim")
        style = styles[str(name)]
        style.plot(axes, rows, "target_dim", "relative_error", lw=1.2, ms=3.5, ls=lines[n_items])
    axes.set_ylim(-105, 105)
