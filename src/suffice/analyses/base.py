"""What an analysis is: one question about a ranking, from the tables that it makes to what the page says."""

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
    """Where a finding stands on the page, from the top: the order of the page."""

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
    """A data set, or one ranking of it, with what there is to read about it.

    `ranked["pairs"]` is a table, read from its files when it is first asked for.

    Attributes:
        dataset: name of the data set.
        name: name of the ranking; empty if all rankings of the data set are meant.
        files: files by what they hold, see `suffice.analyses.sources`.
        settings: what an analysis was told, see `Analysis.parameters`.
        tables: the tables that were read, or that are given without a file.
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
                    f"there is no {what!r} to read; name it in `needs` or `reads` (given: {known})"
                )
            self.tables[what] = READERS.get(what, _read_tables)(self.files[what])
        return self.tables[what]

    def __contains__(self, what: str) -> bool:
        return what in self.tables or bool(self.files.get(what))

    @cached_property
    def rankings(self) -> dict[str, pd.DataFrame]:
        """All rankings of the data set, by name."""
        return {Path(path).stem: read_table(path) for path in self.files.get("rankings", ())}

    @cached_property
    def predictors(self) -> pd.DataFrame:
        """All ways to choose, rankings and baselines: model, predictor, predictor_kind, value."""
        return predictor_table(self.rankings, self["baselines"])

    @property
    def models(self) -> pd.DataFrame:
        """The study's models: model, family, and training with its step."""
        return pd.DataFrame(list(self.settings["models"]))


def _read_tables(paths: Sequence[str]) -> pd.DataFrame:
    return pd.concat(map(read_table, paths), ignore_index=True)


def _read_cards(paths: Sequence[str]) -> pd.DataFrame:
    return cards_table(list(map(read_json, paths)))


READERS: Mapping[str, Callable[[Sequence[str]], pd.DataFrame]] = {
    "pairs": ranked_pairs,
    "cards": _read_cards,
}
"""How files are read that are not tables alone."""


@dataclass(frozen=True)
class Figure:
    """A figure: its name in the results, its title and caption, and what draws it.

    Attributes:
        name: file name without suffix.
        title: its heading.
        caption: what a reader should know to read it.
        draw: makes it from what it reads.
        reads: what that is.
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
        columns: which columns to show, and how; those that `data` lacks are left out.
        caption: what it shows.
        summary: the line that unfolds it; a table without one is shown at once.
        name_at: place of the column that names a row.
    """

    data: pd.DataFrame
    columns: tuple[Column, ...]
    caption: str
    summary: str = ""
    name_at: int = 0


@dataclass(frozen=True)
class Fact:
    """A number at a glance, what it is, and a line below it."""

    value: str
    name: str
    detail: str = ""


@dataclass(frozen=True)
class PairMatrix:
    """Pairs of models as the page shows them, in the order of rows and columns.

    Attributes:
        data: one row per pair: source, target, nats_per_dim, standard_error (of it), nats.
        models: the sources from top to bottom; targets have the same order.
        low: the value at which the colours begin.
        high: the value at which they end.
    """

    data: pd.DataFrame
    models: Sequence[str]
    low: float
    high: float


@dataclass(frozen=True)
class Finding:
    """What the page shows of an analysis. What is empty is left out.

    Texts are escaped unless they are `Markup`, which is for words of the program's own.

    Attributes:
        place: where it stands.
        title: its heading.
        sentence: what was found.
        about: how to read that.
        figures: figures, of which the page shows those that were drawn.
        alt: what a reader who cannot see the figures should know.
        tables: those that are shown at once come first.
        notes: sentences in small letters.
        cautions: a word and a text each, set apart.
        parts: findings of the same kind within it, without titles.
        matrix: a matrix of pairs that can be explored.
        pair: source and target, if it is about one pair.
        is_answer: whether the sentence is also part of the answer on the first screen.
        answer: a sentence for the head of the section alone; it is part of the answer, too.
        facts: numbers at a glance, on the first screen.
        warnings: why not to rely on the model that is ranked first.
        doubts: sentences on why not to rely on the ranking, on the first screen.
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
        path: where it is, within the study's results; `{dataset}` and `{estimator}` stand for names.
        label: what Snakemake's report calls it; empty to leave it out there.
    """

    path: str
    label: str = ""


@dataclass(frozen=True)
class Key:
    """A key of study.yaml that is an analysis' own.

    Attributes:
        name: the key.
        model: the settings, of which the manual has a table.
        kind: type of the value: `model`, or what holds it.
        default: its value where study.yaml leaves it out.
        description: for the manual.
        of_each: what the manual adds to the heading of the table.
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
        name: of the analysis.
        findings: what the page says, from the tables of `makes` and those of the study; called for every
            ranking that the page shows, also where the analysis was not asked for.
        tables: makes the tables of `makes`, by name. The version of its module's code is part of what
            decides whether they are made anew, so it is best kept apart from drawing and words.
        makes: the tables. One with `{estimator}` in its path is made for each ranking, else for each
            data set; all of an analysis must be alike in this.
        needs: what `tables` reads, see `suffice.analyses.sources`.
        figures: figures, drawn for each ranking.
        parameters: what `tables` is told, as JSON; a change makes the tables anew.
        is_asked: whether a study has it.
        key: its key in study.yaml.
        check: raises StudyError if the key goes with nothing else in the study.
        category: where Snakemake's report lists its tables.
        memory_mb: megabytes of its own job; 0 if it is light and shares one with others.
        minutes: how long that may take.
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
        """Whether its tables are made for each ranking, rather than for all of a data set at once."""
        return all("{estimator}" in made.path for made in self.makes.values())
