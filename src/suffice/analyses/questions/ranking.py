"""Figures of the ranking itself: scores and ranks, pairs, a graph, and training."""

import pandas as pd

from suffice.analyses.base import Analysis, Figure, Finding, PairMatrix, Place, Ranked
from suffice.analyses.recommendation import headline
from suffice.plots.checkpoint_curves import draw_checkpoint_curves
from suffice.plots.model_graph import draw_model_graph
from suffice.plots.pair_matrix import cluster_models, color_range, draw_pair_matrix, pair_matrix
from suffice.plots.rank_bars import draw_rank_bars
from suffice.plots.style import Families
from suffice.ranking.arrays import of_first_estimator
from suffice.ranking.table import tied_for_first

RANK_BARS = Figure(
    name="rank_bars",
    title="Scores and ranks",
    caption="Left: the share of comparisons with other models that a model wins on common targets. Middle: "
    "its rank. Lines are 95 % intervals for these models as targets: they show what more items could change. "
    "Thin lines are for ranks in other pools like this one. Models in one bracket are tied: the items "
    "cannot tell them apart.",
    draw=lambda ranked: draw_rank_bars(ranked["ranking"], Families.from_table(ranked.models)),
    reads=("ranking",),
)
PAIR_MATRIX = Figure(
    name="pair_matrix",
    title="How well each model predicts the others",
    caption="Each cell is one pair: how many nats per target dimension the source (row) gives about the "
    "target (column). Models with similar profiles are side by side. A model paired with itself does not "
    "count for the colour scale or the score.",
    draw=lambda ranked: draw_pair_matrix(
        of_first_estimator(ranked["pairs"]), Families.from_table(ranked.models)
    ),
    reads=("pairs",),
)
MODEL_GRAPH = Figure(
    name="model_graph",
    title="The models as a graph",
    caption="Arrows point to each target from its strongest sources. Colours are communities, and the size "
    "of a node is its score. Models that are not targets are left out.",
    draw=lambda ranked: draw_model_graph(
        of_first_estimator(ranked["pairs"]), ranked["ranking"], seed=ranked.settings["seed"]
    ),
    reads=("pairs", "ranking"),
)
CHECKPOINT_CURVES = Figure(
    name="checkpoint_curves",
    title="During training",
    caption="Score and task results of a model's checkpoints against the training step, with 95 % intervals.",
    draw=lambda ranked: draw_checkpoint_curves(
        checkpoints(ranked.models, ranked["ranking"]), ranked["tasks"] if "tasks" in ranked else None
    ),
    reads=("ranking", "tasks"),
)


def checkpoints(models: pd.DataFrame, ranking: pd.DataFrame) -> pd.DataFrame:
    """The models that are checkpoints of a training run: their rows of the ranking, with series and step."""
    trained = models[models["training"].notna()]
    named = trained.assign(series=trained["training"].str[0], step=trained["training"].str[1])
    return named.merge(ranking, on="model").sort_values(["series", "step"], ignore_index=True)


def _bars(ranked: Ranked) -> list[Finding]:
    ranking = ranked["ranking"]
    alt = f"{headline(tied_for_first(ranking), len(ranking))} The numbers are in the ranking table."
    return [Finding(place=Place.HEAD, figures=(RANK_BARS,), alt=alt)]


def _matrix(ranked: Ranked) -> list[Finding]:
    """The pairs as an interactive table, or as a figure if the page does not have the pairs."""
    if "pairs" not in ranked:
        return [Finding(place=Place.RANKING, figures=(PAIR_MATRIX,))]
    pairs = of_first_estimator(ranked["pairs"])
    values = pair_matrix(pairs)
    low, high = color_range(values)
    per_dim = (pairs["nats_per_dim"] / pairs["nats"].where(pairs["nats"] != 0)).abs()
    shown = pairs.assign(standard_error=pairs["standard_error_nats"] * per_dim)
    return [
        Finding(
            place=Place.RANKING,
            title=PAIR_MATRIX.title,
            about=PAIR_MATRIX.caption,
            matrix=PairMatrix(shown, cluster_models(values).order, low, high),
        )
    ]


def _picture(figure: Figure) -> Analysis:
    """An analysis that consists of one figure."""
    return Analysis(
        name=figure.name,
        figures=(figure,),
        findings=lambda ranked: [Finding(place=Place.RANKING, figures=(figure,))],
    )


BARS = Analysis(name=RANK_BARS.name, figures=(RANK_BARS,), findings=_bars)
MATRIX = Analysis(name=PAIR_MATRIX.name, figures=(PAIR_MATRIX,), findings=_matrix)
GRAPH = _picture(MODEL_GRAPH)
CHECKPOINTS = Analysis(
    name=CHECKPOINT_CURVES.name,
    figures=(CHECKPOINT_CURVES,),
    is_asked=lambda study: any(len(models) > 1 for models in study.series.values()),
    findings=_picture(CHECKPOINT_CURVES).findings,
)
