"""Are there enough items? The ranking with fewer items, and the pairs that more items would separate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from suffice.analyses.base import Analysis, Figure, Finding, Place
from suffice.plots.style import (
    ACCENT,
    ACCENT_BAND,
    INK,
    MUTED,
    WIDTH_INCHES,
    Drawn,
    panel_title,
    require_rows,
    rows_of,
    short_names,
    short_number,
    sized,
    styled,
)
from suffice.ranking.sample_size import IN_SIGHT, enough_items

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

NAMED = 3
AGREEMENT, APART, MORE = (
    "agreement with the ranking on all items",
    "distinguishable neighbours",
    "with more items",
)
FEW_DIGITS = 10_000  # below it a number of items is written in full


@styled
def draw_ranking_by_items(
    by_items: pd.DataFrame, ranking: pd.DataFrame, figure: Canvas | None = None
) -> Drawn:
    """Agreement of rankings on fewer items with the ranking on all, and distinguishable neighbours.

    Beyond the number of items in the study, a step marks where one more adjacent pair would be
    distinguishable if differences stayed the same.

    Args:
        by_items: n_items, kendall_tau, tau_low, tau_high, separated, n_neighbours, as
            `suffice.ranking.sample_size.ranking_by_items` makes it.
        ranking: model, rank, embed_dim, n_items, items_needed (infinite for equal models, missing for the
            last).
        figure: where to draw; by default a new one.

    Returns:
        The figure; points: panel, n_items, y, y_low, y_high, label.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    columns = ("n_items", "kendall_tau", "tau_low", "tau_high", "separated", "n_neighbours")
    require_rows(by_items, columns, "rankings by items")
    require_rows(ranking, ("model", "rank", "embed_dim", "n_items", "items_needed"), "ranking")
    names = ["kendall_tau", "tau_low", "tau_high"]
    agreement = by_items.rename(columns=dict(zip(names, ["y", "y_low", "y_high"], strict=True)))
    apart = by_items.rename(columns={"separated": "y"})
    more = _steps(by_items, ranking)
    figure = sized(figure, WIDTH_INCHES, 2.5)
    left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [1, 1.7]})
    _draw_agreement(left, agreement)
    _draw_apart(right, apart, more, int(by_items["n_neighbours"].iloc[0]))
    panels = ((AGREEMENT, agreement), (APART, apart), (MORE, more))
    points = pd.concat([table.assign(panel=name) for name, table in panels], ignore_index=True)
    return Drawn(figure, points.reindex(columns=["panel", "n_items", "y", "y_low", "y_high", "label"]))


def _steps(by_items: pd.DataFrame, ranking: pd.DataFrame) -> pd.DataFrame:
    """Numbers of items at which one more pair of neighbours would be distinguishable: n_items, y, label."""
    ranking = ranking.sort_values(["rank", "model"], ignore_index=True)
    n_items = ranking["n_items"].iloc[0]
    names = pd.Series(short_names(list(ranking["model"]), 22))
    label = names + " | " + names.shift(-1)
    needed = ranking["items_needed"].astype(float)
    steps = pd.DataFrame({"n_items": needed, "label": label})[
        (needed > enough_items(ranking)) & (needed <= IN_SIGHT * n_items)
    ]
    steps = steps.sort_values("n_items", kind="stable", ignore_index=True)
    return steps.assign(y=by_items["separated"].iloc[-1] + 1.0 + np.arange(len(steps)))


def _draw_agreement(axes: Axes, points: pd.DataFrame) -> None:
    axes.fill_between(points["n_items"], points["y_low"], points["y_high"], color=ACCENT_BAND, lw=0)
    axes.plot(points["n_items"], points["y"], "o-", color=ACCENT, ms=4)
    lowest = float(np.nanmin([points["y_low"].min(), 0.9]))
    axes.set(xlabel="items", ylabel="Kendall's τ", ylim=(min(lowest, 1.0) - 0.02, 1.01))
    panel_title(axes, AGREEMENT, bold=False)
    _scale_items(axes, list(points["n_items"]))


def _draw_apart(axes: Axes, points: pd.DataFrame, more: pd.DataFrame, n_neighbours: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.axhline(n_neighbours, color=MUTED, lw=0.8)
    axes.plot(points["n_items"], points["y"], "o-", color=ACCENT, ms=4)
    here, found = float(points["n_items"].iloc[-1]), float(points["y"].iloc[-1])
    axes.axvline(here, color=MUTED, lw=0.8, ls=":")
    end = 1.6 * max([here, *more["n_items"]])
    heights = [found, *more["y"]]
    axes.step(
        [here, *more["n_items"], end], [*heights, heights[-1]], "--", where="post", color=ACCENT, lw=1.2
    )
    for row in rows_of(more.head(NAMED)):
        name = axes.annotate(row.label, (row.n_items, row.y), (-3, 2), textcoords="offset points", ha="right")
        name.set(fontsize=6, color=INK)
        name.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.4})
    axes.set(xlabel="items (dashed: if differences stay the same)", ylim=(0, n_neighbours * 1.12 + 0.5))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    panel_title(axes, f"{APART}, of {n_neighbours}", bold=False)
    _scale_items(axes, [float(points["n_items"].iloc[0]), here, *more["n_items"]])


def _scale_items(axes: Axes, marked: list[float]) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xscale("log")
    axes.set_xticks(_apart(marked))
    axes.xaxis.set_major_formatter(FuncFormatter(_written))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="minor", length=0)


def _written(value: float, _: int | None = None) -> str:
    return f"{value:,.0f}" if value < FEW_DIGITS else short_number(value)


def _apart(marked: list[float]) -> list[float]:
    """The numbers to print: rounded to three digits, each at least 1.7 times the previous one."""
    kept: list[float] = []
    for value in sorted(marked):
        if not kept or value >= 1.7 * kept[-1]:
            kept.append(float(f"{value:.3g}"))
    return kept


FIGURE = Figure(
    name="ranking_by_items",
    title="Are there enough items?",
    caption="Left: how well rankings on random parts of the items agree with the ranking on all items "
    "(Kendall's τ; the band holds nine in ten parts). The models are not fitted again, so rankings "
    "with new fits on fewer items would agree less. Right: how many adjacent pairs in the ranking "
    "are distinguishable. The dashed line is for more items, if differences stay the same.",
    draw=lambda ranked: draw_ranking_by_items(ranked["by_items"], ranked["ranking"]),
    reads=("by_items", "ranking"),
)
SAMPLE_SIZE = Analysis(
    name="sample_size",
    figures=(FIGURE,),
    findings=lambda ranked: [Finding(place=Place.RANKING, figures=(FIGURE,))],
)
