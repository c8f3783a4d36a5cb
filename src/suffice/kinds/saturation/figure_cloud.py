"""Equal loss, different behaviour: excess against accuracy out of distribution, one point per network."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from suffice.plots.lines import Styles, legend_above, styles_of
from suffice.plots.style import (
    MUTED,
    WIDTH_INCHES,
    Drawn,
    grid_shape,
    panel_title,
    require_rows,
    sized,
    styled,
)

MAX_COLUMNS = 3  # one row per language if it has at most this many architectures
SHORT_AXIS = 30  # ratio of the largest excess to the smallest
AT_ONCE, UNSEEN = "end at once", "out of distribution, test"
COLUMNS = (
    "language", "architecture", "arm", "seed", "excess_nats", "ood_rule_1", "id_rule_1", "accepted_nats",
)  # fmt: skip


@styled
def draw_cloud(cloud: pd.DataFrame, baselines: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """Accuracy of rule 1 on unseen prompts against exact excess, a panel per language and architecture.

    Args:
        cloud: one row per network: language, architecture, arm, seed, excess_nats, ood_rule_1, id_rule_1, and
            accepted_nats, the excess that counts as zero.
        baselines: language, baseline, part, rule, accuracy.
        figure: figure to draw in; by default a new figure.

    Returns:
        The figure; points: the columns named above, with `baseline`, the accuracy of ending at once.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(cloud, COLUMNS, "cloud")
    own = baselines[
        (baselines["baseline"] == AT_ONCE) & (baselines["part"] == UNSEEN) & (baselines["rule"] == "rule_1")
    ]
    points = cloud[list(COLUMNS)].assign(
        baseline=cloud["language"].map(own.set_index("language")["accuracy"])
    )
    panels = list(points.groupby(["language", "architecture"], sort=False))
    styles = styles_of(points["arm"])
    n_rows, n_columns = grid_shape(len(panels), min(points["architecture"].nunique(), MAX_COLUMNS))
    figure = sized(figure, WIDTH_INCHES, 2.2 * n_rows + 0.6)
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    for axes, ((language, architecture), rows) in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, rows, styles)
        panel_title(axes, str(architecture), str(language))
    _name_ticks(grid[0, 0])
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    figure.supxlabel("exact excess over the lowest test loss (nats per string)", fontsize=8)
    figure.supylabel("rule 1 on unseen prompts", fontsize=8)
    legend_above(figure, styles, line="")
    return Drawn(figure, points)


def _name_ticks(axes: Axes) -> None:
    """Label decades on the shared axis, with 2 and 5 between them if it is short."""
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < SHORT_AXIS else (1,)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _draw_panel(axes: Axes, rows: pd.DataFrame, styles: Styles) -> None:
    axes.axhline(rows["baseline"].iloc[0], color=MUTED, lw=0.8, ls="--", zorder=0.5)
    axes.axvline(rows["accepted_nats"].iloc[0], color=MUTED, lw=0.8, ls=":", zorder=0.5)
    for arm, own in rows.groupby("arm", sort=False):
        style = styles[str(arm)]
        axes.plot(
            own["excess_nats"], own["ood_rule_1"], ls="", marker=style.marker, color=style.color, alpha=0.75
        )
    axes.set_xscale("log")
    axes.set_ylim(-0.06, 1.06)
    axes.grid(axis="y")
