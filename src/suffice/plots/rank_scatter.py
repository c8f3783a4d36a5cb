"""Rank by score against rank by outcome, one panel per outcome: which models are over- or underrated?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from suffice.plots.score_against_tasks import describe
from suffice.plots.style import (
    MUTED,
    RULE,
    Drawn,
    Families,
    family_legend,
    grid_shape,
    panel_title,
    rank_ticks,
    require_rows,
    rows_of,
    short_names,
    sized,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_COLUMNS = 3


@styled
def draw_rank_scatter(
    scores: pd.DataFrame,
    outcomes: pd.DataFrame,
    correlation: pd.DataFrame,
    families: Families,
    predictor: str,
    figure: Figure | None = None,
) -> Drawn:
    """Rank of each model by score and by each outcome, 1 for the best, among the models that have both.

    A model above the diagonal does better than its score suggests.

    Args:
        scores: model, score.
        outcomes: model, task, value; a higher value is better.
        correlation: predictor, task, statistic, value, low, high, n_models.
        families: family of each model.
        predictor: the score's name in the column predictor of `correlation`.
        figure: where to draw; by default a new figure of fitting size.

    Returns:
        The figure; points: panel, model, score_rank, outcome_rank.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(scores, ("model", "score"), "scores")
    require_rows(outcomes, ("model", "task", "value"), "outcomes")
    panels = list(dict.fromkeys(outcomes["task"]))
    n_rows, n_columns = grid_shape(len(panels), N_COLUMNS)
    figure = sized(figure, 2.4 * n_columns + 0.2, 2.3 * n_rows + 0.4)
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    drawn = []
    for axes, panel in zip(grid.flat, panels, strict=False):
        points = ranks_of(scores, outcomes[outcomes["task"] == panel]).assign(panel=panel)
        _draw_panel(axes, points, families)
        panel_title(axes, short_names([panel], 30)[0], describe(correlation, predictor, panel))
        drawn.append(points)
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    for axes in grid[:, 0]:
        axes.set_ylabel("rank by outcome")
    for axes in grid.flat[max(len(panels) - n_columns, 0) : len(panels)]:
        axes.set_xlabel("rank by score")
    family_legend(figure, families, scores["model"])
    points = pd.concat(drawn, ignore_index=True)
    return Drawn(figure, points[["panel", "model", "score_rank", "outcome_rank"]])


def ranks_of(scores: pd.DataFrame, outcome: pd.DataFrame) -> pd.DataFrame:
    """Ranks among the models that have both, ties at their mean: model, score_rank, outcome_rank."""
    both = scores.merge(outcome, on="model", validate="one_to_one").dropna(subset=["score", "value"])
    ranks = both[["score", "value"]].rank(ascending=False)
    return both[["model"]].assign(score_rank=ranks["score"], outcome_rank=ranks["value"])


def _draw_panel(axes: Axes, points: pd.DataFrame, families: Families) -> None:
    most = len(points)
    axes.plot([1, most], [1, most], color=MUTED, lw=0.8, ls="--", zorder=0.5)
    for row in rows_of(points):
        axes.plot(
            row.score_rank,
            row.outcome_rank,
            families.marker(row.model),
            color=families.color(row.model),
            ms=4,
        )
    axes.set_xticks(rank_ticks(most))
    axes.set_yticks(rank_ticks(most))
    axes.invert_xaxis()
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.grid(color=RULE, lw=0.4)
