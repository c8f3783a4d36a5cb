"""What the decision page shows: plain tables, values and paths of figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.errors import DataError

WAYS_COLUMNS = ("model", "predictor", "value")


@dataclass(frozen=True)
class Section:
    """One data set and one ranking of its models.

    Attributes:
        dataset: name of the data set.
        estimator: name of the ranking: that of the estimator, or of several together.
        ranking: the ranking table.
        manifest: the corpus's manifest: n_items, source, license, content_sha256, dropped and more.
        cards: one row a model: model, and what health and cost say of its embedding; columns that are
            not there are left out of the page.
        correlation: the correlation table of this data set, None without tasks.
        differences: predictor, baseline, task, statistic, difference, low, high, n_models: what the
            score's correlation has over a baseline's; None without tasks.
        decision: ways to choose, see `suffice.analyses.decision`; None without tasks.
        sensitivity: the ranking of smaller pools, see `suffice.analyses.pool_sensitivity`; None if not made.
        pareto: score and cost, see `suffice.analyses.cost`; None if not made.
        quotient: what dividing the score by a cost does to its agreement; None without tasks.
        dependence: agreement against what tasks are like; None without tasks.
        few_labels: what a few labels add, see `suffice.analyses.label_trials`; None if not made.
        directions: directions that sources do not give, see `suffice.analyses.explain`; None if not made.
        items: items that sources lose or gain most; None if not made.
        ways: other ways to choose a model: model, predictor, value; higher is better.
        controls: models that are untrained and should lose.
        notes: sentences on numbers that are missing.
        figures: paths of PNG files by the figure's name, see `FIGURES`.
        held_out: whether densities were scored on items other than those they were fitted on.
        about_estimator: a sentence or two on the density family and where it can be trusted.
    """

    dataset: str
    estimator: str
    ranking: pd.DataFrame
    manifest: Mapping[str, Any]
    cards: pd.DataFrame
    correlation: pd.DataFrame | None = None
    differences: pd.DataFrame | None = None
    decision: pd.DataFrame | None = None
    sensitivity: pd.DataFrame | None = None
    pareto: pd.DataFrame | None = None
    quotient: pd.DataFrame | None = None
    dependence: pd.DataFrame | None = None
    few_labels: pd.DataFrame | None = None
    directions: pd.DataFrame | None = None
    items: pd.DataFrame | None = None
    ways: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(WAYS_COLUMNS)))
    controls: Sequence[str] = ()
    notes: Sequence[str] = ()
    figures: Mapping[str, Path] = field(default_factory=dict)
    held_out: bool = True
    about_estimator: str = ""

    def __post_init__(self) -> None:
        where = f"the section {self.dataset}, {self.estimator}"
        _require(self.ranking, RANKING_COLUMNS, f"the ranking of {where}")
        _require(self.cards, ("model",), f"the cards of {where}")
        if self.ranking.empty:
            raise DataError(f"the ranking of {where} has no rows; rank at least one model")
        if "n_items" not in self.manifest:
            raise DataError(f"the manifest of {where} lacks n_items; build the corpus again")
        unknown = sorted(set(self.figures) - set(FIGURES))
        if unknown:
            raise DataError(f"{where} has an unknown figure {unknown[0]!r}; known are {', '.join(FIGURES)}")
        if self.correlation is not None:
            _require(self.correlation, CORRELATION_COLUMNS, f"the correlation table of {where}")


@dataclass(frozen=True)
class PageContent:
    """All that the page of a study shows; the first section is the answer's.

    Attributes:
        study: name of the study.
        sections: one a data set and estimator, the primary one first.
        models: the study's models: model, family.
        failed: models without a result: model, stage, reason; empty if all went through.
        results: the tasks' results of all models (task, kind, dataset, model, metric, value,
            standard_error, chance); None or empty if the study has no tasks.
        public_note: how many public scores there are, and which models lack some; empty without any.
        description: what the study is about, in the user's words.
        provenance: facts on the run: seed, git state, machine, date and so on.
        versions: package to version.
        config: the study's configuration as text.
    """

    study: str
    sections: tuple[Section, ...]
    models: pd.DataFrame
    failed: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["model", "stage", "reason"]))
    results: pd.DataFrame | None = None
    public_note: str = ""
    description: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    config: str = ""

    def __post_init__(self) -> None:
        if not self.sections:
            raise DataError(f"the page of study {self.study!r} has no sections; rank at least one data set")
        _require(self.models, ("model", "family"), "the models table")
        _require(self.failed, ("model", "stage", "reason"), "the table of failed models")
        if self.results is not None:
            _require(self.results, ("task", "dataset", "model", "metric", "value"), "the tasks table")

    @property
    def has_tasks(self) -> bool:
        """Whether there are results of tasks."""
        return self.results is not None and len(self.results) > 0


RANKING_COLUMNS = (
    "model", "score", "score_low", "score_high", "rank", "rank_low", "rank_high", "tie_group",
    "could_be_first", "win_rate", "win_rate_low", "win_rate_high", "rank_low_pools", "rank_high_pools",
    "could_be_first_pools", "is_target", "relatives", "n_items", "items_needed", "looks", "aggregate",
)  # fmt: skip
CORRELATION_COLUMNS = ("predictor", "predictor_kind", "task", "statistic", "value", "low", "high", "n_models")
FIGURES: Mapping[str, tuple[str, str]] = {
    "rank_bars": (
        "Scores and ranks",
        "Left: the share of comparisons with other models that a model wins on common targets. Middle: "
        "its rank. Lines are 95 % intervals for these models as targets: what more items could change. "
        "Thin lines are ranks on other pools like this one. Models in one bracket are tied: the items "
        "cannot tell them apart.",
    ),
    "pair_matrix": (
        "How well each model predicts the others",
        "Each cell is one pair: how many nats per target dimension the source (row) gives about the target "
        "(column). Models with like profiles stand side by side; a model with itself takes no part in the "
        "colour scale or the score.",
    ),
    "score_against_tasks": (
        "The score against the tasks",
        "Each point is a model. The line is the least-squares fit with its 95 % interval; ρ is Spearman's "
        "correlation with its interval over models.",
    ),
    "predictors": (
        "Is the score a better guide than what is free?",
        "Correlation with the tasks of the score (blue) and of baselines that need no estimate (grey); "
        "lines are 95 % intervals over models.",
    ),
    "model_graph": (
        "The models as a graph",
        "An arrow leads to each target from its strongest sources; colours are communities, the size of a "
        "node is its score. Models that are no targets are left out.",
    ),
    "ranking_by_items": (
        "Are there enough items?",
        "Left: how well rankings on random parts of the items agree with that on all (Kendall's τ; band: "
        "nine in ten parts). The fits are those on all items, so fits on fewer items would agree less. "
        "Right: how many adjacent pairs in the ranking are distinguishable; dashed, with more items, if "
        "differences stay as they are.",
    ),
    "checkpoint_curves": (
        "Through training",
        "Score and task results of the checkpoints of one model against the training step, with 95 % "
        "intervals.",
    ),
    "pareto_front": (
        "Score against cost",
        "Named models are on the front: no other has as high a score for as little. The others are pale.",
    ),
    "pool_sensitivity": (
        "Smaller pools",
        "Agreement with the whole ranking (Kendall's τ) without one model, without one family, and with "
        "near-copies counted once. Where another model wins, its name stands beside the mark.",
    ),
    "task_dependence": (
        "Agreement and kinds of tasks",
        "Each point is a task: Spearman's correlation of the score with it, against its number of classes, "
        "its number of items, and how far the mean model is on the way from chance to 1.",
    ),
    "few_labels": (
        "The score, a few labels, and both",
        "Spearman's correlation over models with the results of all labels, and the mean loss of taking the "
        "best model, in units of the results. Bands hold 95 % of the draws of labels.",
    ),
    "lost_directions": (
        "Directions that are lost",
        "Bars are shares of the target's variance, in colour what the source does not give of them; beside "
        "each component the items at its two ends.",
    ),
}
"""Name of a figure to its heading and caption, in the order of the page."""


def _require(table: pd.DataFrame, columns: tuple[str, ...], name: str) -> None:
    missing = [column for column in columns if column not in table]
    if missing:
        raise DataError(f"{name} lacks the column(s) {', '.join(missing)}")
