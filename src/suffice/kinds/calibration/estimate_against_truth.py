"""How close to the truth is each estimator, and on which family of channels? One panel per estimator."""

import pandas as pd
from matplotlib.figure import Figure

from suffice.kinds.calibration.figures import truth_handle, truth_line
from suffice.plots.lines import legend_above, styles_of
from suffice.plots.style import WIDTH_INCHES, Drawn, grid_shape, panel_title, require_rows, sized, styled

N_COLUMNS = 3
COLUMNS = (
    "estimator", "family", "channel", "source_dim", "target_dim", "n_items", "truth_nats_per_dim",
    "estimate_nats_per_dim",
)  # fmt: skip
LINE = ["channel", "source_dim", "target_dim", "n_items"]


@styled
def draw_estimate_against_truth(accuracy: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """Every setting's estimate against its truth, coloured by the channel's family.

    Settings that differ only in their nats are joined by a line.

    Args:
        accuracy: the accuracy table.
        figure: figure to draw in; by default a new figure.

    Returns:
        The figure; points: the rows drawn.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(accuracy, COLUMNS, "accuracy")
    points = accuracy.loc[accuracy["estimate_nats_per_dim"].notna(), list(COLUMNS)]
    estimators = list(dict.fromkeys(points["estimator"]))
    styles = styles_of(points["family"])
    n_rows, n_columns = grid_shape(len(estimators), N_COLUMNS)
    height = 2.9 * n_rows + 0.5
    figure = sized(figure, min(WIDTH_INCHES, 2.6 * n_columns + 1.2), height)
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    most = float(points["truth_nats_per_dim"].max()) * 1.08
    for axes, name in zip(grid.flat, estimators, strict=False):
        own = points[points["estimator"] == name]
        truth_line(axes, most)
        for _, rows in own.groupby(LINE, sort=False):
            rows = rows.sort_values("truth_nats_per_dim")
            style = styles[rows["family"].iloc[0]]
            style.plot(axes, rows, "truth_nats_per_dim", "estimate_nats_per_dim", lw=0.8, ms=3.5, alpha=0.8)
        panel_title(axes, name, f"{len(own)} settings")
    for axes in grid.flat[len(estimators) :]:
        axes.axis("off")
    figure.supxlabel("true mutual information (nats per target dimension)", fontsize=8)
    figure.supylabel("estimate (nats per target dimension)", fontsize=8)
    legend_above(figure, styles, truth_handle())
    return Drawn(figure, points.reset_index(drop=True))
