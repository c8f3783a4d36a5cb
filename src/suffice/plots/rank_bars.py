"""Which models are first, and which are tied: scores and ranks with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from suffice.plots.style import (
    ACCENT,
    ACCENT_BAND,
    BAND,
    INK,
    MEASURES,
    MUTED,
    WIDTH_INCHES,
    Drawn,
    Families,
    family_legend,
    label_size,
    mark_zero,
    name_inches,
    rank_ticks,
    require_rows,
    row_inches,
    rows_of,
    short_names,
    sized,
    styled,
)
from suffice.ranking.table import interval_columns, ordering_column

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POOLS = ("rank_low_pools", "rank_high_pools")
COLUMNS = ("model", "rank", "rank_low", "rank_high", *POOLS, "tie_group")


@styled
def draw_rank_bars(ranking: pd.DataFrame, families: Families, figure: Figure | None = None) -> Drawn:
    """Models from first to last: their scores and ranks, with intervals, and groups of tied models.

    Args:
        ranking: a ranking table. A value without an interval is drawn as a point.
        families: family of each model.
        figure: where to draw; by default a new figure of fitting size.

    Returns:
        The figure; points: the ranking's columns that were drawn, and `position` (0 is the top row).

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    measure = ordering_column(ranking)
    columns = (*COLUMNS, *interval_columns(measure))
    require_rows(ranking, columns, "ranking")
    points = (
        ranking.loc[:, list(columns)]
        .astype(dict.fromkeys(POOLS, float))
        .sort_values(["rank", "model"], ignore_index=True)
    )
    points = points.assign(position=range(len(points)))
    size = label_size(len(points))
    names = short_names(list(points["model"]))
    height = len(points) * row_inches(len(points)) + 0.9
    figure = sized(figure, max(WIDTH_INCHES, 4.6 + name_inches(names, size)), height)
    scores, ranks, groups = figure.subplots(1, 3, sharey=True, gridspec_kw={"width_ratios": [3.2, 1.7, 0.8]})
    _draw_values(scores, points, families, measure)
    _draw_ranks(ranks, points, families)
    _draw_groups((scores, ranks, groups), points, size)
    scores.set_yticks(points["position"], names, fontsize=size)
    scores.set_ylim(len(points) - 0.4, -0.6)
    family_legend(figure, families, points["model"])
    return Drawn(figure, points)


def _draw_values(axes: Axes, points: pd.DataFrame, families: Families, measure: str) -> None:
    value, low, high = (points[name] for name in interval_columns(measure))
    for row in rows_of(points.assign(value=value, low=low, high=high)):
        color = families.color(row.model)
        axes.plot([row.low, row.high], [row.position] * 2, color=color, lw=1.6, alpha=0.55)
        axes.plot(row.value, row.position, families.marker(row.model), color=color)
    axes.set_xlabel(f"{MEASURES[measure]},\nwith its 95 % interval")
    axes.grid(axis="x")
    mark_zero(axes)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _draw_ranks(axes: Axes, points: pd.DataFrame, families: Families) -> None:
    for row in rows_of(points):
        color = families.color(row.model)
        axes.plot(
            [row.rank_low_pools, row.rank_high_pools], [row.position] * 2, color=color, lw=0.6, alpha=0.55
        )
        axes.plot([row.rank_low, row.rank_high], [row.position] * 2, color=color, lw=2.4, alpha=0.55)
        axes.plot(row.rank, row.position, families.marker(row.model), color=color)
    axes.set_xlabel("rank in this pool;\nthin: in pools like it")
    axes.set_xlim(0.4, len(points) + 0.6)
    axes.set_xticks(rank_ticks(len(points)))
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _draw_groups(panels: tuple[Axes, Axes, Axes], points: pd.DataFrame, size: float) -> None:
    """A band behind every tie group, and a bracket with its name in the last panel."""
    runs = (points["tie_group"] != points["tie_group"].shift()).cumsum()
    for index, (_, group) in enumerate(points.groupby(runs, sort=True)):
        top, bottom = group["position"].iloc[0], group["position"].iloc[-1]
        first = group["tie_group"].iloc[0] == points["tie_group"].min()
        band = ACCENT_BAND if first else (BAND if index % 2 == 0 else "none")
        for axes in panels:
            axes.axhspan(top - 0.5, bottom + 0.5, facecolor=band, edgecolor="none", zorder=0)
        color = ACCENT if first else MUTED
        panels[2].plot([0.05, 0.05], [top - 0.3, bottom + 0.3], color=color, lw=2 if first else 1)
        panels[2].text(
            0.14,
            (top + bottom) / 2,
            group_name(top + 1, bottom + 1, first),
            va="center",
            fontsize=size,
            color=ACCENT if first else INK,
            fontweight="bold" if first else "normal",
        )
    panels[2].set(xlim=(0, 1))
    panels[2].axis("off")


def group_name(first: int, last: int, is_best: bool) -> str:
    """The label of a tie group at the places `first` to `last`."""
    if is_best and first == last:
        return "first" if first == 1 else "could be first"
    if is_best:
        return f"tied for first ({last - first + 1})"
    return str(first) if first == last else f"tied {first}–{last}"
