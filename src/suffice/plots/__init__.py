"""Figures: one function each, tidy tables in, a figure with its drawn points out."""

from suffice.plots.checkpoint_curves import draw_checkpoint_curves
from suffice.plots.few_labels import draw_few_labels
from suffice.plots.lost_directions import draw_lost_directions
from suffice.plots.model_graph import draw_model_graph
from suffice.plots.pair_matrix import draw_pair_matrix
from suffice.plots.pareto_front import draw_pareto_front
from suffice.plots.pool_sensitivity import draw_pool_sensitivity
from suffice.plots.predictors import draw_predictors
from suffice.plots.rank_bars import draw_rank_bars
from suffice.plots.ranking_by_items import draw_ranking_by_items
from suffice.plots.score_against_tasks import Evidence, draw_score_against_tasks
from suffice.plots.style import Drawn, Families, save_figure
from suffice.plots.task_dependence import draw_task_dependence

__all__ = [
    "Drawn",
    "Evidence",
    "Families",
    "draw_checkpoint_curves",
    "draw_few_labels",
    "draw_lost_directions",
    "draw_model_graph",
    "draw_pair_matrix",
    "draw_pareto_front",
    "draw_pool_sensitivity",
    "draw_predictors",
    "draw_rank_bars",
    "draw_ranking_by_items",
    "draw_score_against_tasks",
    "draw_task_dependence",
    "save_figure",
]
