"""Kinds of generalisation at equal loss: accuracy of every network on new prompts, and behaviours."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from suffice.kinds.saturation.generalisation import RULE
from suffice.kinds.saturation.generalisation_tables import CHANCE, MIXED, UNFINISHED
from suffice.kinds.saturation.prompts import IN
from suffice.plots.lines import Styles, styles_of
from suffice.plots.style import (
    COLORS,
    MISSING_COLOR,
    MUTED,
    WIDTH_INCHES,
    Drawn,
    panel_title,
    require_rows,
    rows_of,
    sized,
    styled,
)

NETWORK_COLUMNS = ("kind", "part", "architecture", "seed", "accuracy", "excess_nats")
SHARE_COLUMNS = ("kind", "part", "architecture", "behaviour", "share")
OTHER = "another behaviour"
SHADES = {RULE: COLORS[2], OTHER: COLORS[1], UNFINISHED: COLORS[6], MIXED: MISSING_COLOR}
SPREAD = 0.5  # of the marks of one architecture's seeds, in units of its row


@styled
def draw_generalisation(
    networks: pd.DataFrame, baselines: pd.DataFrame, behaviours: pd.DataFrame, figure: Figure | None = None
) -> Drawn:
    """For each split, the accuracy of every network above, and the shares of seeds by behaviour below.

    Args:
        networks: rows of `network_table`.
        baselines: rows of `chance_table`.
        behaviours: rows of `behaviour_shares`.
        figure: figure to draw in; by default a new figure.

    Returns:
        The figure; points: kind, part, architecture, seed, accuracy, excess_nats, baseline (accuracy of
        another answer), then rows with behaviour and share, where seed and accuracy are empty.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(networks, NETWORK_COLUMNS, "generalisation")
    require_rows(behaviours, SHARE_COLUMNS, "generalisation_behaviours")
    marks = _marks(networks, baselines)
    bars = _bars(behaviours)
    panels = list(marks.groupby(["kind", "part"], sort=False))
    styles = styles_of(marks["architecture"])
    figure = sized(figure, WIDTH_INCHES, 4.2)
    grid = figure.subplots(2, len(panels), squeeze=False, sharey=True)
    for (kind, part), rows in panels:
        column = [key for key, _ in panels].index((kind, part))
        own = bars[(bars["kind"] == kind) & (bars["part"] == part)]
        _draw_marks(grid[0, column], rows, styles)
        _draw_bars(grid[1, column], own, styles)
        panel_title(grid[0, column], str(kind), str(part))
    grid[0, 0].set_yticks(range(len(styles)), list(styles))
    grid[0, 0].invert_yaxis()
    grid[0, len(panels) // 2].set_xlabel("accuracy on new prompts")
    grid[1, len(panels) // 2].set_xlabel("share of seeds")
    _legend(figure)
    return Drawn(figure, pd.concat([marks, bars], ignore_index=True))


def _marks(networks: pd.DataFrame, baselines: pd.DataFrame) -> pd.DataFrame:
    new = networks.loc[networks["part"] != IN, list(NETWORK_COLUMNS)]
    chance = baselines.loc[baselines["baseline"] == CHANCE, ["kind", "part", "accuracy"]]
    chance = chance.rename(columns={"accuracy": "baseline"})
    return new.merge(chance, on=["kind", "part"], how="left", validate="many_to_one")


def _bars(behaviours: pd.DataFrame) -> pd.DataFrame:
    """Shares of seeds by the groups of `SHADES`; all behaviours but the rule's are one group."""
    group = behaviours["behaviour"].where(behaviours["behaviour"].isin(list(SHADES)), OTHER)
    keys = ["kind", "part", "architecture", "behaviour"]
    return behaviours.assign(behaviour=group).groupby(keys, sort=False)["share"].sum().reset_index()


def _draw_marks(axes: Axes, rows: pd.DataFrame, styles: Styles) -> None:
    axes.axvline(rows["baseline"].iloc[0], color=MUTED, lw=0.8, ls="--", zorder=0.5)
    for place, (name, style) in enumerate(styles.items()):
        values = rows.loc[rows["architecture"] == name, "accuracy"]
        heights = place + np.linspace(-SPREAD / 2, SPREAD / 2, len(values))
        axes.plot(values, heights, ls="", marker=style.marker, ms=3.2, color=style.color, alpha=0.7)
        axes.plot([values.mean()] * 2, [place - 0.38, place + 0.38], color=style.color, lw=1.6)
    axes.set_xlim(-0.06, 1.06)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.grid(axis="x")


def _draw_bars(axes: Axes, rows: pd.DataFrame, styles: Styles) -> None:
    places = {name: place for place, name in enumerate(styles)}
    left = dict.fromkeys(places, 0.0)
    for behaviour, shade in SHADES.items():
        for row in rows_of(rows[rows["behaviour"] == behaviour]):
            axes.barh(places[row.architecture], row.share, 0.7, left[row.architecture], color=shade)
            left[row.architecture] += row.share
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])


def _legend(figure: Figure) -> None:
    handles: list[Line2D | Patch] = [Line2D([], [], color=MUTED, lw=0.8, ls="--", label=CHANCE)]
    handles += [Patch(color=shade, label=name) for name, shade in SHADES.items()]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
