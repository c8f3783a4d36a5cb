"""What does each estimator report for independent data?"""

import pandas as pd
from matplotlib.figure import Figure

from suffice.errors import DataError
from suffice.plots.lines import legend_above, styles_of
from suffice.plots.style import BAND, MUTED, Drawn, require_rows, sized, styled

LIMIT = 0.005  # nats per dimension that independent data may seem to share
COLUMNS = (
    "estimator", "channel", "source_dim", "target_dim", "n_items", "truth_nats_per_dim",
    "estimate_nats_per_dim",
)  # fmt: skip
SIZE = ["channel", "source_dim", "target_dim", "n_items"]


@styled
def draw_independence(accuracy: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """The estimate at every size with independent source and target, one mark per estimator.

    Args:
        accuracy: the accuracy table.
        figure: figure to draw in; by default a new figure.

    Returns:
        The figure; points: the rows drawn, and `position` (0 is the top row).

    Raises:
        DataError: a column is missing, or no setting is independent.
    """
    require_rows(accuracy, COLUMNS, "accuracy")
    known = accuracy["estimate_nats_per_dim"].notna() & (accuracy["truth_nats_per_dim"] == 0)
    points = accuracy.loc[known, list(COLUMNS)]
    if points.empty:
        raise DataError("no setting has 0 nats per dimension; add 0 to nats_per_dim of a group")
    points = points.sort_values(["source_dim", "target_dim", "n_items", "channel"], kind="stable")
    sizes = list(dict.fromkeys(points[SIZE].itertuples(index=False, name=None)))
    points["position"] = [sizes.index(row) for row in points[SIZE].itertuples(index=False, name=None)]
    styles = styles_of(accuracy["estimator"])
    figure = sized(figure, 6.2, 0.24 * len(sizes) + 1.1)
    axes = figure.subplots()
    axes.axvspan(-LIMIT, LIMIT, color=BAND, lw=0, zorder=0.3)
    axes.axvline(0, color=MUTED, lw=0.7, zorder=0.5)
    for name, style in styles.items():
        own = points[points["estimator"] == name]
        style.plot(axes, own, "estimate_nats_per_dim", "position", ls="", ms=5)
    labels = [f"{name}, {source}×{target}, {n_items:,} items" for name, source, target, n_items in sizes]
    axes.set_yticks(range(len(sizes)), labels)
    axes.set_ylim(len(sizes) - 0.4, -0.6)
    axes.set_xscale("symlog", linthresh=0.01)
    low, high = min(points["estimate_nats_per_dim"].min(), -0.01), points["estimate_nats_per_dim"].max()
    axes.set_xlim(1.5 * low, max(1.5 * high, 0.015))
    axes.set_xlabel("estimate (nats per target dimension); the truth is 0, the band ±0.005")
    axes.grid(axis="y")
    legend_above(figure, styles)
    return Drawn(figure, points.reset_index(drop=True))
