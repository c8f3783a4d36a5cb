"""Figures: each function takes tidy tables and returns a figure with the points it shows."""

from suffice.lazy import lazy_names

HOMES = {
    "Drawn": "suffice.plots.style",
    "Evidence": "suffice.plots.score_against_tasks",
    "Families": "suffice.plots.style",
    "draw_blocks": "suffice.plots.blocks",
    "draw_checkpoint_curves": "suffice.plots.checkpoint_curves",
    "draw_model_graph": "suffice.plots.model_graph",
    "draw_pair_matrix": "suffice.plots.pair_matrix",
    "draw_predictors": "suffice.plots.predictors",
    "draw_rank_bars": "suffice.plots.rank_bars",
    "draw_score_against_tasks": "suffice.plots.score_against_tasks",
    "save_figure": "suffice.plots.style",
}
__all__ = list(HOMES)
__getattr__ = lazy_names(__name__, HOMES)
