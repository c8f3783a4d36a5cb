"""The content of the decision page: plain tables, values and paths of figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.analyses.base import Finding
from suffice.errors import DataError

TASK_COLUMNS = ("model", "task", "value")
WAYS_COLUMNS = ("model", "predictor", "value")


@dataclass(frozen=True)
class Section:
    """One data set and one ranking of its models.

    Attributes:
        dataset: name of the data set.
        estimator: name of the ranking: the name of its estimator, or of the combination of several.
        ranking: the ranking table.
        manifest: the corpus's manifest: n_items, source, license, content_sha256, dropped and more.
        cards: one row per model: model, and the health and cost of its embedding; missing columns are left
            out of the page.
        findings: the findings of analyses, in the order of their sentences in the answer.
        ways: other ways to choose a model: model, predictor, value; higher is better.
        controls: models that are untrained and should lose.
        figures: paths of PNG files by the figure's name.
        held_out: whether densities were scored on items that were not used to fit them.
        task_results: results on labelled tasks: model, task, value; higher is better.
        about_estimator: one or two sentences on the density family and where it can be trusted.
    """

    dataset: str
    estimator: str
    ranking: pd.DataFrame
    manifest: Mapping[str, Any]
    cards: pd.DataFrame
    findings: Sequence[Finding] = ()
    ways: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(WAYS_COLUMNS)))
    controls: Sequence[str] = ()
    figures: Mapping[str, Path] = field(default_factory=dict)
    held_out: bool = True
    task_results: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(TASK_COLUMNS)))
    about_estimator: str = ""

    def __post_init__(self) -> None:
        where = f"the section {self.dataset}, {self.estimator}"
        _require(self.ranking, RANKING_COLUMNS, f"the ranking of {where}")
        _require(self.cards, ("model",), f"the cards of {where}")
        if self.ranking.empty:
            raise DataError(f"the ranking of {where} has no rows; rank at least one model")
        if "n_items" not in self.manifest:
            raise DataError(f"the manifest of {where} lacks n_items; build the corpus again")
        known = [figure.name for finding in self.findings for figure in finding.figures]
        unknown = sorted(set(self.figures) - set(known))
        if unknown:
            raise DataError(f"{where} has an unknown figure {unknown[0]!r}; known are {', '.join(known)}")


@dataclass(frozen=True)
class PageContent:
    """The content of a study's page; the answer comes from the first section.

    Attributes:
        study: name of the study.
        sections: one per data set and estimator, the primary one first.
        models: the study's models: model, family.
        failed: models without a result: model, stage, reason; empty if all succeeded.
        has_tasks: whether there are labelled tasks to compare with.
        description: the user's description of the study.
        provenance: facts on the run: seed, git state, machine, date and so on.
        versions: package to version.
        config: the study's configuration as text.
    """

    study: str
    sections: tuple[Section, ...]
    models: pd.DataFrame
    failed: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["model", "stage", "reason"]))
    has_tasks: bool = False
    description: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    config: str = ""

    def __post_init__(self) -> None:
        if not self.sections:
            raise DataError(f"the page of study {self.study!r} has no sections; rank at least one data set")
        _require(self.models, ("model", "family"), "the models table")
        _require(self.failed, ("model", "stage", "reason"), "the table of failed models")


RANKING_COLUMNS = (
    "model", "score", "score_low", "score_high", "rank", "rank_low", "rank_high", "tie_group",
    "could_be_first", "win_rate", "win_rate_low", "win_rate_high", "rank_low_pools", "rank_high_pools",
    "could_be_first_pools", "is_target", "relatives", "n_items", "items_needed", "looks", "aggregate",
)  # fmt: skip


def _require(table: pd.DataFrame, columns: tuple[str, ...], name: str) -> None:
    missing = [column for column in columns if column not in table]
    if missing:
        raise DataError(f"{name} lacks the column(s) {', '.join(missing)}")
