"""What does a source not give of a target? The directions of which most is lost, named by their ends."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from suffice.plots.style import (
    COLORS,
    INK,
    MUTED,
    RULE,
    WIDTH_INCHES,
    Drawn,
    panel_title,
    require_rows,
    rows_of,
    short_names,
    sized,
    styled,
)

COLUMNS = (
    "source", "target", "component", "variance_share", "r2", "nats", "lost_share", "low_items", "high_items",
)  # fmt: skip
GIVEN, LOST = RULE, COLORS[1]
MAX_LETTERS = 58


@styled
def draw_lost_directions(explained: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """A panel a pair: for each direction its share of the target's variance, and how much of it is lost.

    Args:
        explained: a row a pair and direction, as `suffice.analyses.explain.explain_pairs` makes it; a
            lost share can be above the direction's own, where the source misleads.
        figure: where to draw; by default a new one of fitting size.

    Returns:
        The figure; points: the rows drawn, `panel` (number of the pair) and `position` (0 is the top bar).

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(explained, COLUMNS, "explained directions")
    pairs = list(dict.fromkeys(zip(explained["source"], explained["target"], strict=True)))
    place = {pair: number for number, pair in enumerate(pairs)}
    numbers = [place[pair] for pair in zip(explained["source"], explained["target"], strict=True)]
    points = explained.loc[:, list(COLUMNS)].assign(panel=numbers).sort_values("panel", kind="stable")
    points["position"] = points.groupby("panel").cumcount()
    heights = points["panel"].value_counts().sort_index().to_numpy()
    figure = sized(figure, WIDTH_INCHES, float(0.36 * heights.sum() + 0.62 * len(pairs) + 0.5))
    grid = figure.subplots(len(pairs), 1, squeeze=False, gridspec_kw={"height_ratios": heights + 1.2})[:, 0]
    for axes, (number, pair) in zip(grid, enumerate(pairs), strict=True):
        source, target = short_names(list(pair), 28)
        _draw_panel(axes, points[points["panel"] == number])
        panel_title(axes, f"{source} → {target}")
    grid[-1].set_xlabel("share of the target's variance (%)")
    marks = [Patch(color=LOST, label="lost"), Patch(color=GIVEN, label="given by the source")]
    figure.legend(handles=marks, loc="outside lower center", ncols=2)
    return Drawn(figure, points.reset_index(drop=True))


def _draw_panel(axes: Axes, points: pd.DataFrame) -> None:
    share, lost = 100 * points["variance_share"], 100 * points["lost_share"]
    axes.barh(points["position"], share, color=GIVEN, height=0.62)
    axes.barh(points["position"], lost, color=LOST, height=0.62)
    axes.set_yticks(points["position"], [_ends(row) for row in rows_of(points)], fontsize=5.8)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
        label.set_multialignment("left")
    for end, row in zip(pd.concat([share, lost], axis=1).max(axis=1), rows_of(points), strict=True):
        text = f"component {row.component}: {row.nats:.2f} nats given".replace("-", "−")
        axes.annotate(text, (end, row.position), (4, 0), textcoords="offset points", va="center", fontsize=6)
    axes.set_xlim(0, float(max(share.max(), lost.max())) * 1.55)
    axes.set_ylim(len(points) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.spines["left"].set_color(MUTED)


def _ends(row: Any) -> str:
    """The items at both ends, a line each."""
    return f"− {_shorten(str(row.low_items))}\n+ {_shorten(str(row.high_items))}"


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_LETTERS else text[: MAX_LETTERS - 1] + "…"
