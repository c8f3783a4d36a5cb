"""The parts of an analysis: one question about a ranking, with its tables, figures and text on the page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from suffice.baselines.stored import predictor_table
from suffice.embed.cards import cards_table
from suffice.errors import DataError
from suffice.numbers import Column
from suffice.ranking.looks import ranked_pairs
from suffice.storage.files import read_json, read_table

if TYPE_CHECKING:
    from suffice.plots.style import Drawn
    from suffice.settings import Settings
    from suffice.study.model import Study


class Place(IntEnum):
    """Where a finding goes on the page, from the top."""

    HEAD = 0
    CHOICE = 1
    NOTES = 2
    LABELS = 3
    RANKING = 4
    LIMITS = 5
    NUMBERS = 6
    REMARKS = 7
    RESULTS = 8


@dataclass(frozen=True)
class Ranked:
    """A data set, or one ranking of it, with the tables that can be read about it.

    `ranked["pairs"]` is a table, read from its files on first access.

    Attributes:
        dataset: name of the data set.
        name: name of the ranking; empty for all rankings of the data set.
        files: paths by content, see `suffice.analyses.sources`.
        settings: settings of an analysis, see `Analysis.parameters`.
        tables: tables already read, or given without a file.
    """

    dataset: str
    name: str = ""
    files: Mapping[str, Sequence[str]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    def __getitem__(self, what: str) -> pd.DataFrame:
        if what not in self.tables:
            if what not in self:
                known = ", ".join([*self.tables, *self.files])
                raise DataError(
                    f"there is no {what!r} to read; add it to `needs` or `reads` (given: {known})"
                )
            self.tables[what] = READERS.get(what, _read_tables)(self.files[what], self.settings)
        return self.tables[what]

    def __contains__(self, what: str) -> bool:
        return what in self.tables or bool(self.files.get(what))

    @cached_property
    def rankings(self) -> dict[str, pd.DataFrame]:
        """All rankings of the data set, by name."""
        return {Path(path).stem: read_table(path) for path in self.files.get("rankings", ())}

    @cached_property
    def predictors(self) -> pd.DataFrame:
        """All ways to choose a model, rankings and baselines: model, predictor, predictor_kind, value."""
        return predictor_table(self.rankings, self["baselines"])

    @property
    def models(self) -> pd.DataFrame:
        """The study's models: model, family, and training with its step."""
        return pd.DataFrame(list(self.settings["models"]))


Told = Mapping[str, Any]


def _read_tables(paths: Sequence[str], _settings: Told) -> pd.DataFrame:
    return pd.concat(map(read_table, paths), ignore_index=True)


def _read_pairs(paths: Sequence[str], _settings: Told) -> pd.DataFrame:
    return ranked_pairs(paths)


def _read_cards(paths: Sequence[str], settings: Told) -> pd.DataFrame:
    return cards_table(list(map(read_json, paths)), settings.get("prices"))


READERS: Mapping[str, Callable[[Sequence[str], Told], pd.DataFrame]] = {
    "pairs": _read_pairs,
    "cards": _read_cards,
}
"""Readers for files that are not plain tables."""


@dataclass(frozen=True)
class Figure:
    """A figure: its name in the results, its title and caption, and the function that draws it.

    Attributes:
        name: file name without suffix.
        title: its heading.
        caption: how to read it.
        draw: draws it from the tables in `reads`.
        reads: names of the tables that `draw` needs.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Ranked], "Drawn"]
    reads: tuple[str, ...]


@dataclass(frozen=True)
class ShownTable:
    """A table as the page shows it.

    Attributes:
        data: its rows.
        columns: which columns to show, and how; columns missing from `data` are left out.
        caption: what it shows.
        summary: the line that unfolds it; a table without a summary is always open.
        name_at: position of the column that names a row.
    """

    data: pd.DataFrame
    columns: tuple[Column, ...]
    caption: str
    summary: str = ""
    name_at: int = 0


@dataclass(frozen=True)
class Fact:
    """A key number, its label, and a line below it."""

    value: str
    name: str
    detail: str = ""


@dataclass(frozen=True)
class PairMatrix:
    """Pairs of models as the page shows them, with the order of rows and columns.

    Attributes:
        data: one row per pair: source, target, nats_per_dim, standard_error (of it), nats.
        models: the sources from top to bottom; targets have the same order.
        low: lowest value of the colour scale.
        high: highest value of the colour scale.
    """

    data: pd.DataFrame
    models: Sequence[str]
    low: float
    high: float


@dataclass(frozen=True)
class Finding:
    """What the page shows about an analysis. Empty fields are left out.

    Texts are escaped unless they are `Markup`; use `Markup` only for text written in the program itself.

    Attributes:
        place: where it goes on the page.
        title: its heading.
        sentence: the result, in one sentence.
        about: how to read the result.
        figures: figures; the page shows the ones that were drawn.
        alt: text for readers who cannot see the figures.
        tables: tables, those that are always open first.
        notes: sentences in small print.
        cautions: pairs of a keyword and a text, set apart.
        parts: findings of the same kind within it, without titles.
        matrix: an interactive matrix of pairs.
        pair: source and target, if it is about one pair.
        is_answer: whether the sentence also appears in the answer on the first screen.
        answer: a sentence for the head of the section that also appears in the answer.
        facts: key numbers on the first screen.
        warnings: reasons not to rely on the model that is ranked first.
        doubts: reasons not to rely on the ranking, in sentences on the first screen.
    """

    place: Place = Place.LIMITS
    title: str = ""
    sentence: str = ""
    about: str | Markup = ""
    figures: tuple[Figure, ...] = ()
    alt: str = ""
    tables: tuple[ShownTable, ...] = ()
    notes: tuple[str, ...] = ()
    cautions: tuple[tuple[str, str], ...] = ()
    parts: tuple["Finding", ...] = ()
    matrix: PairMatrix | None = None
    pair: tuple[str, str] | None = None
    is_answer: bool = False
    answer: str = ""
    facts: tuple[Fact, ...] = ()
    warnings: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """A table that an analysis makes.

    Attributes:
        path: its path within the study's results, with the placeholders `{dataset}` and `{estimator}`.
        label: its label in Snakemake's report; empty to leave it out of the report.
    """

    path: str
    label: str = ""


@dataclass(frozen=True)
class Key:
    """A key of study.yaml that belongs to an analysis.

    Attributes:
        name: the key.
        model: the settings, which the manual shows as a table.
        kind: type of the value: `model`, or a container of it.
        default: its value if study.yaml leaves it out.
        description: for the manual.
        of_each: text that the manual adds to the heading of the table.
    """

    name: str
    model: "type[Settings]"
    kind: Any
    default: Any
    description: str
    of_each: str = ""


def _no_parameters(study: "Study") -> dict[str, Any]:
    return {}


def _always(study: "Study") -> bool:
    return True


def _no_check(study: "Study", path: Path) -> None:
    return None


@dataclass(frozen=True)
class Analysis:
    """One question about a ranking.

    Attributes:
        name: name of the analysis.
        findings: writes the findings for the page from the tables of `makes` and of the study; called for
            every ranking on the page, even if the study does not ask for the analysis.
        tables: makes the tables of `makes`, by name. A change to its module's code makes the tables again, so
            keep it apart from figures and text.
        makes: the tables. A table with `{estimator}` in its path is made for each ranking, any other for each
            data set; an analysis cannot mix the two.
        needs: names of the tables that `tables` reads, see `suffice.analyses.sources`.
        figures: figures, drawn for each ranking.
        parameters: settings passed to `tables`, as JSON; a change makes the tables again.
        is_asked: whether a study asks for it.
        key: its key in study.yaml.
        check: raises StudyError if the key does not fit the rest of the study.
        category: category of its tables in Snakemake's report.
        memory_mb: memory of its own job in megabytes; 0 if it is light and shares a job with others.
        minutes: time limit of its own job.
    """

    name: str
    findings: Callable[[Ranked], list[Finding]]
    tables: Callable[[Ranked], dict[str, pd.DataFrame]] | None = None
    makes: Mapping[str, Made] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    parameters: Callable[["Study"], dict[str, Any]] = _no_parameters
    is_asked: Callable[["Study"], bool] = _always
    key: Key | None = None
    check: Callable[["Study", Path], None] = _no_check
    category: str = "Decision"
    memory_mb: int = 0
    minutes: int = 30

    @property
    def is_per_ranking(self) -> bool:
        """Whether its tables are made for each ranking instead of once per data set."""
        return all("{estimator}" in made.path for made in self.makes.values())
