"""Where does each estimator follow the truth, and where does it fail? One panel per channel."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from suffice.kinds.calibration.channels import CHANNELS
from suffice.kinds.calibration.figures import truth_handle, truth_line
from suffice.plots.lines import Styles, legend_above, styles_of
from suffice.plots.style import (
    WIDTH_INCHES,
    Drawn,
    grid_shape,
    panel_title,
    require_rows,
    sized,
    styled,
)

N_COLUMNS = 4
COLUMNS = (
    "estimator", "channel", "source_dim", "target_dim", "n_items", "truth_nats_per_dim",
    "estimate_nats_per_dim",
)  # fmt: skip
SIZE = ["source_dim", "target_dim", "n_items"]


@styled
def draw_channel_curves(accuracy: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """Estimate against truth on every channel, with a line for each estimator.

    Each panel shows the size at which the channel was measured with most different numbers of nats.

    Args:
        accuracy: the accuracy table.
        figure: figure to draw in; by default a new figure.

    Returns:
        The figure; points: the rows drawn.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(accuracy, COLUMNS, "accuracy")
    points = pd.concat(
        [_fullest_size(rows) for _, rows in accuracy.groupby("channel", sort=False)], ignore_index=True
    )
    points = points.loc[points["estimate_nats_per_dim"].notna(), list(COLUMNS)]
    channels = [name for name in CHANNELS if name in set(points["channel"])]
    styles = styles_of(accuracy["estimator"])
    n_rows, n_columns = grid_shape(len(channels), N_COLUMNS)
    figure = sized(figure, WIDTH_INCHES, 2.05 * n_rows + 0.5)
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    for axes, channel in zip(grid.flat, channels, strict=False):
        _draw_panel(axes, points[points["channel"] == channel], styles)
        size = points[points["channel"] == channel].iloc[0]
        panel_title(axes, channel, f"{size['source_dim']}×{size['target_dim']}, {size['n_items']:,} items")
    for axes in grid.flat[len(channels) :]:
        axes.axis("off")
    figure.supxlabel("true mutual information (nats per target dimension)", fontsize=8)
    figure.supylabel("estimate (nats per target dimension)", fontsize=8)
    legend_above(figure, styles, truth_handle())
    return Drawn(figure, points)


def _fullest_size(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the size with most truths; if several, the size that most estimators measured."""
    counts = rows.groupby(SIZE)[["truth_nats_per_dim", "estimator"]].nunique()
    best = counts.sort_values(["truth_nats_per_dim", "estimator"], kind="stable").index[-1]
    return rows[(rows[SIZE] == list(best)).all(axis=1)]


def _draw_panel(axes: Axes, points: pd.DataFrame, styles: Styles) -> None:
    most = max(points["truth_nats_per_dim"].max(), 0.05) * 1.08
    truth_line(axes, most)
    for name, style in styles.items():
        own = points[points["estimator"] == name].sort_values("truth_nats_per_dim")
        style.plot(axes, own, "truth_nats_per_dim", "estimate_nats_per_dim", lw=1.2, ms=3.5)
    axes.set_xlim(0, most)
    low, high = points["estimate_nats_per_dim"].min(), points["estimate_nats_per_dim"].max()
    axes.set_ylim(min(-0.05 * most, max(1.1 * low, -0.5 * most)), min(max(most, 1.05 * high), 2 * most))
