"""The study of published numbers: its settings, and which tables and figures it makes."""

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
        "Each point is one of 29 text models, its score from the published matrix; ρ is Spearman's "
        "correlation with its 95 % interval over models. Horizontal lines are intervals over targets.",
    ),
    "text_ranks": (
        "Ranks against ranks",
        "Rank by score and rank by each category of the leaderboard; the dashed line is agreement. A model "
        "above it does better than its score says.",
    ),
    "text_scores": (
        "The 34 scores with what was not published: intervals",
        "Score in nats per target dimension, self pairs in, as published; intervals are over the 34 targets. "
        "Models in one bracket are tied.",
    ),
    "text_predictors": (
        "Against what is free",
        "Correlation with the leaderboard of the score (blue), of width, parameters, longest input (grey).",
    ),
    "text_matrix": (
        "Who tells what of whom",
        "The published matrix, like models side by side; dots are cells beyond the colour scale.",
    ),
    "text_graph": (
        "The models as a graph",
        "An arrow leads to each target from its two strongest sources; colours are seeded communities.",
    ),
    "molecule_ranks": (
        "Molecules: ranks against ranks",
        "28 molecule models; the outcome is the mean rank over tasks. Scores are printed for four of them.",
    ),
    "ablations": (
        "Fewer models, fewer targets, fewer modes",
        "Mean over random draws and the band that holds nine in ten; circles are published points.",
    ),
}


class PublishedSettings(Settings):
    """The keys of `study.yaml` in a study of the kind `published`."""

    title: str = Field(description="what the study asks, in a few words; the headline of the page")
    kind: Literal["published"] = Field(description="published: numbers of a paper, recomputed")
    seed: int = Field(default=0, ge=0, description="seed of resamples and random subsets")
    n_resamples: int = Field(default=2000, ge=100, description="bootstrap resamples of the models")


def load_published(folder: Path, overrides: Mapping[str, Any] | None = None) -> PublishedSettings:
    """Read and check the settings of a study of published numbers.

    Raises:
        StudyError: a key or value is wrong.
    """
    from suffice.study.read import read_study_settings  # all that a study of models needs: a second
    from suffice.study.references import SETTINGS

    return read_study_settings(folder / SETTINGS, overrides or {}, PublishedSettings)
