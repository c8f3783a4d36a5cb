"""How evenly the information of one pair is spread over the items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from suffice.plots.style import ACCENT, ACCENT_BAND, INK, WIDTH_INCHES, Drawn, sized, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from suffice.estimators.result import Sufficiency

NORMAL_95 = 1.96  # standard errors on each side of a 95 % interval


@styled
def draw_blocks(result: Sufficiency, figure: Figure | None = None) -> Drawn:
    """Nats per item in each block of items, with the estimate and its 95 % interval.

    Args:
        result: the estimate of one pair.
        figure: where to draw; by default a new figure.

    Returns:
        The figure; points: block, n_items and nats_per_item of each block that was scored.
    """
    scored = result.block_items > 0
    points = pd.DataFrame(
        {
            "block": np.flatnonzero(scored),
            "n_items": result.block_items[scored],
            "nats_per_item": result.block_nats[scored] / result.block_items[scored],
        }
    )
    figure = sized(figure, WIDTH_INCHES / 2, 2.4)
    axes = figure.subplots()
    margin = NORMAL_95 * result.standard_error_nats
    axes.axhspan(result.nats - margin, result.nats + margin, facecolor=ACCENT_BAND, edgecolor="none")
    axes.axhline(result.nats, color=ACCENT, lw=1.2)
    axes.plot(points["block"], points["nats_per_item"], ".", color=INK)
    axes.set_xlabel("block of items")
    axes.set_ylabel("information sufficiency\n(nats per item)")
    return Drawn(figure, points)
