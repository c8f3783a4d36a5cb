"""The study of published numbers: its settings, tables and figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from suffice.settings import Settings

TABLES = (
    "side_by_side", "scores", "ranking", "text_correlation", "molecule_correlation",
    "number_of_models", "reference_targets", "decision", "sensitivity", "pareto", "quotient",
)  # fmt: skip
OWN_FIGURES: dict[str, tuple[str, str]] = {
    "text_mosaic": (
        "The score against the leaderboard",
        "Each point is one of 29 text models, with its score from the published matrix; ρ is Spearman's "
        "correlation with its 95 % interval over models. Horizontal lines are intervals over targets.",
    ),
    "text_ranks": (
        "Ranks against ranks",
        "Rank by score and rank by each category of the leaderboard; the dashed line is perfect agreement. A "
        "model above it does better than its score suggests.",
    ),
    "text_scores": (
        "The 34 scores with intervals, which were not published",
        "Score in nats per target dimension, including self pairs as in the paper; intervals are over the 34 "
        "targets. "
        "Models in one bracket are tied.",
    ),
    "text_predictors": (
        "The score and free baselines",
        "Correlation with the leaderboard, for the score (blue) and for width, number of parameters and "
        "longest input (grey).",
    ),
    "text_matrix": (
        "How well each model predicts the others",
        "The published matrix, with similar models side by side; dots are cells beyond the colour scale.",
    ),
    "text_graph": (
        "The models as a graph",
        "Arrows point to each target from its two strongest sources; colours are communities, found with a "
        "fixed seed.",
    ),
    "molecule_ranks": (
        "Molecules: ranks against ranks",
        "28 molecule models; the outcome is the mean rank over tasks. Scores are printed for only four of "
        "them.",
    ),
    "ablations": (
        "Fewer models, fewer targets, fewer modes",
        "Mean over random draws, with a band that holds nine in ten draws; circles are published points.",
    ),
}


class PublishedSettings(Settings):
    """The keys of `study.yaml` in a study of the kind `published`."""

    title: str = Field(description="the question of the study, in a few words; the headline of the page")
    kind: Literal["published"] = Field(description="published: recompute the numbers of a paper")
    seed: int = Field(default=0, ge=0, description="seed of resamples and random subsets")
    n_resamples: int = Field(default=2000, ge=100, description="bootstrap resamples of the models")


def load_published(folder: Path, overrides: Mapping[str, Any] | None = None) -> PublishedSettings:
    """Read and check the settings of a study of published numbers.

    Raises:
        StudyError: a key or value is wrong.
    """
    from suffice.study.read import (
        read_study_settings,
    )  # the default is for a study of models; here a second suffices
    from suffice.study.references import SETTINGS

    return read_study_settings(folder / SETTINGS, overrides or {}, PublishedSettings)
