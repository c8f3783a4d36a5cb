"""The designed experiment: rule extrapolation of every network against each setting, at equal loss."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from suffice.kinds.saturation.designed import BATCH, DECAY, FACTORS, LAYERS, OPTIMISER, POSITIONS, RATE
from suffice.plots.lines import styles_of
from suffice.plots.style import (
    INK,
    WIDTH_INCHES,
    Drawn,
    panel_title,
    require_rows,
    sized,
    styled,
)

COLUMNS = ("architecture", "accuracy", "excess_nats", "reached", *FACTORS)
SPREAD = 0.5  # of the marks of one level, in units of its column
SHORT = "transformer-"
WIDTHS = {POSITIONS: 1.9, LAYERS: 0.9, OPTIMISER: 1.45, RATE: 1.35, DECAY: 1.3, BATCH: 1.45}


@styled
def draw_design(networks: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """Accuracy on new prompts against the levels of every factor, with a panel per factor.

    Args:
        networks: rows of `train_design`; those that did not reach the target loss are left out.
        figure: figure to draw in; by default a new figure.

    Returns:
        The figure; points: the columns that are named above.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(networks, COLUMNS, "design")
    points = networks.loc[networks["reached"], list(COLUMNS)]
    short = points.assign(**{POSITIONS: [_short(name) for name in points["architecture"]]})
    figure = sized(figure, WIDTH_INCHES, 2.5)
    factors = (POSITIONS, *FACTORS)
    panels = figure.subplots(1, len(factors), sharey=True, width_ratios=[WIDTHS[f] for f in factors])
    for axes, factor in zip(panels, factors, strict=True):
        _draw_factor(axes, short, factor)
        panel_title(axes, factor)
    panels[0].set_ylabel("rule obeyed on new prompts")
    return Drawn(figure, points)


def _short(architecture: str) -> str:
    return architecture.removeprefix(SHORT) if architecture.startswith(SHORT) else "none"


def _draw_factor(axes: Axes, points: pd.DataFrame, factor: str) -> None:
    styles = list(styles_of(points[POSITIONS]).values())
    groups = list(points.groupby(factor, sort=False)["accuracy"])
    for place, (_, values) in enumerate(groups):
        style = styles[place] if factor == POSITIONS else styles[0]
        across = place + np.linspace(-SPREAD / 2, SPREAD / 2, len(values))
        axes.plot(across, values, ls="", marker="o", ms=2.6, color=style.color, alpha=0.6)
        axes.plot([place - 0.38, place + 0.38], [values.mean()] * 2, color=INK, lw=1.6)
    axes.set_xticks(range(len(groups)), [str(level) for level, _ in groups])
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.set_ylim(-0.04, 1.04)
    axes.grid(axis="y")
