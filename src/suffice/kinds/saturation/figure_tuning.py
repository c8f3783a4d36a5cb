"""Fine-tuning curves of twins that compute the same function."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from suffice.plots.lines import legend_above, styles_of
from suffice.plots.style import WIDTH_INCHES, Drawn, panel_title, require_rows, sized, styled

COLUMNS = ("optimiser", "twin", "learning_rate", "step", "excess_nats", "low", "high")
SMALLEST = 1e-3


@styled
def draw_tuning_curves(curves: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """Excess against the step, with one panel per optimiser and one line per twin.

    Args:
        curves: rows of `mean_curves`; excess in nats per string.
        figure: where to draw; by default a new figure.

    Returns:
        The figure; points: the columns named above.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(curves, COLUMNS, "curves")
    points = curves[list(COLUMNS)].replace([np.inf], np.nan)
    panels = list(points.groupby("optimiser", sort=False))
    figure = sized(figure, WIDTH_INCHES, 2.9)
    grid = figure.subplots(1, len(panels), squeeze=False, sharey=True)
    styles = styles_of(points["twin"])
    for axes, (optimiser, rows) in zip(grid.flat, panels, strict=True):
        for twin, own in rows.groupby("twin", sort=False):
            _draw_line(axes, own, styles[str(twin)].color, dashed=twin == "permuted")
        axes.set_yscale("log")
        axes.set_xlabel("step")
        axes.grid(axis="y")
        panel_title(axes, str(optimiser), f"learning rate {rows['learning_rate'].iloc[0]:g} for all")
    grid[0, 0].set_ylabel("excess (nats per string)")
    plain = {name: style.__class__(style.color, "") for name, style in styles.items()}
    legend_above(figure, plain)
    return Drawn(figure, points)


def _draw_line(axes: Axes, rows: pd.DataFrame, color: str, dashed: bool) -> None:
    low, high = (rows[name].clip(lower=SMALLEST) for name in ("low", "high"))
    axes.fill_between(rows["step"], low, high, color=color, alpha=0.12, lw=0)
    axes.plot(
        rows["step"], rows["excess_nats"].clip(lower=SMALLEST), color=color, lw=1.3, ls=":" if dashed else "-"
    )
