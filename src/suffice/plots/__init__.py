"""Figures: one function each, tidy tables in, a figure with its drawn points out."""

from suffice.plots.checkpoint_curves import draw_checkpoint_curves
from suffice.plots.model_graph import draw_model_graph
from suffice.plots.pair_matrix import draw_pair_matrix
from suffice.plots.predictors import draw_predictors
from suffice.plots.rank_bars import draw_rank_bars
from suffice.plots.ranking_by_items import draw_ranking_by_items
from suffice.plots.score_against_tasks import Evidence, draw_score_against_tasks
from suffice.plots.style import Drawn, Families, save_figure

__all__ = [
    "Drawn",
    "Evidence",
    "Families",
    "draw_checkpoint_curves",
    "draw_model_graph",
    "draw_pair_matrix",
    "draw_predictors",
    "draw_rank_bars",
    "draw_ranking_by_items",
    "draw_score_against_tasks",
    "save_figure",
]
