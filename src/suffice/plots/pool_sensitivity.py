"""Does the pool decide? Agreement of each smaller pool's ranking with the whole."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from suffice.plots.style import (
    ACCENT,
    COLORS,
    MUTED,
    Drawn,
    label_size,
    name_inches,
    require_rows,
    row_inches,
    rows_of,
    short_names,
    sized,
    styled,
)

COLUMNS = ("change", "left_out", "n_left_out", "winner", "winner_changes", "beyond_ties", "kendall_tau")
WHOLE, FAMILY, MERGED = "all models", "without a family", "near-copies as one"
MIDDLE = 0.5
LOOKS = (
    ("same winner", MUTED, "o"),
    ("another winner, tied for first", ACCENT, "s"),
    ("another winner, not tied for first", COLORS[1], "D"),
)


@styled
def draw_pool_sensitivity(sensitivity: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """Kendall's tau of each smaller pool with the ranking of all, and whether its winner is another.

    Args:
        sensitivity: change, left_out, n_left_out, winner, winner_changes, beyond_ties, kendall_tau.
        figure: where to draw; by default a new figure of fitting size.

    Returns:
        The figure; points: the rows drawn, `look` (0: same winner, 1: within the tie, 2: beyond) and
        `position` (0 is the top row).

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(sensitivity, COLUMNS, "sensitivity")
    points = sensitivity.loc[sensitivity["change"] != WHOLE, list(COLUMNS)]
    look = points["winner_changes"].astype(int) + points["beyond_ties"].astype(int)
    points = points.assign(look=look, position=range(len(points))).reset_index(drop=True)
    names = short_names([_name(row) for row in rows_of(points)], 34)
    size = label_size(max(1, len(points)))
    height = max(1, len(points)) * row_inches(max(1, len(points))) + 1.0
    figure = sized(figure, 4.2 + name_inches(names, size), height)
    axes = figure.subplots()
    for row in rows_of(points):
        _, color, marker = LOOKS[row.look]
        axes.plot(row.kendall_tau, row.position, marker, color=color)
        if row.look:
            _name_winner(axes, row, color, size)
    axes.set_yticks(range(len(points)), names, fontsize=size)
    axes.set_ylim(len(points) - 0.4, -0.6)
    lowest = points["kendall_tau"].min()
    axes.set_xlim(min(0.5, 0.0 if pd.isna(lowest) else float(lowest)) - 0.05, 1.03)
    axes.set_xlabel("Kendall's τ with the ranking of all models")
    axes.grid(axis="x")
    marks = [Line2D([], [], ls="", marker=marker, color=color, label=text) for text, color, marker in LOOKS]
    figure.legend(handles=marks, loc="outside lower center", ncols=3)
    return Drawn(figure, points)


def _name_winner(axes: Axes, row: Any, color: str, size: float) -> None:
    """The other winner's name beside its mark, on the side that has room."""
    right = row.kendall_tau < MIDDLE
    place = (row.kendall_tau, row.position)
    name = axes.annotate(row.winner, place, (6 if right else -6, 0), textcoords="offset points")
    name.set(ha="left" if right else "right", va="center", fontsize=size, color=color)


def _name(row: Any) -> str:
    """What is changed in a pool, in a few words."""
    if row.change == MERGED:
        return f"near-copies: without {row.left_out}"
    family = "family " if row.change == FAMILY else ""
    return f"without {family}{row.left_out}"
