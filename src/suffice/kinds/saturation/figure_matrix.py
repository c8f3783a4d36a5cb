"""Information sufficiency between hidden states of networks, grouped by arm."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from suffice.plots.style import (
    ON_DARK,
    WIDTH_INCHES,
    Drawn,
    grid_shape,
    panel_title,
    require_rows,
    sized,
    styled,
)

N_COLUMNS = 3
COLUMNS = ("language", "architecture", "source", "target", "value")


@styled
def draw_state_matrix(directed: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """A matrix of nats for each language and architecture, sources as rows and targets as columns.

    Args:
        directed: language, architecture, source, target ("arm/seed"), value (nats), of one measure and probe.
        figure: where to draw; by default a new figure.

    Returns:
        The figure; points: the rows drawn.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(directed, COLUMNS, "pairs")
    points = directed[list(COLUMNS)]
    panels = list(points.groupby(["language", "architecture"], sort=False))
    n_rows, n_columns = grid_shape(len(panels), N_COLUMNS)
    figure = sized(figure, WIDTH_INCHES, 7.2 / n_columns * n_rows + 0.5)
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    image: Any = None
    for axes, ((language, architecture), rows) in zip(grid.flat, panels, strict=False):
        image = _draw_panel(axes, rows, float(points["value"].min()), float(points["value"].max()))
        panel_title(axes, str(architecture), str(language))
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    figure.colorbar(image, ax=grid, shrink=0.7, label="information sufficiency (nats)")
    return Drawn(figure, points)


def _draw_panel(axes: Axes, rows: pd.DataFrame, low: float, high: float) -> Any:
    names = list(dict.fromkeys(rows["source"]))
    matrix = rows.pivot(index="source", columns="target", values="value").reindex(index=names, columns=names)
    image = axes.imshow(matrix.to_numpy(dtype=float), cmap="viridis", vmin=low, vmax=high)
    arms = [name.rpartition("/")[0] for name in names]
    starts = [place for place, arm in enumerate(arms) if place == 0 or arms[place - 1] != arm]
    bounds = np.array([*starts, len(arms)])
    for bound in bounds[1:-1]:
        axes.axhline(bound - 0.5, color=ON_DARK, lw=1)
        axes.axvline(bound - 0.5, color=ON_DARK, lw=1)
    middles = (bounds[:-1] + bounds[1:] - 1) / 2
    labels = [arms[start].replace("adversarial-read-out", "read-out") for start in starts]
    axes.set_yticks(middles, labels, fontsize=6.5, rotation=90, va="center")
    axes.set_xticks(middles, labels, fontsize=6.5)
    axes.tick_params(length=0)
    return image
