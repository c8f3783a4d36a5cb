"""The decision page of a study: one HTML file that needs nothing else."""

import base64
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from suffice.errors import DataError
from suffice.ranking.sample_size import describe_items_needed
from suffice.ranking.table import tied_for_first
from suffice.ranking.targets import describe_targets
from suffice.report.answer import answer, describe_agreement, headline
from suffice.report.content import FIGURES, PageContent, Section
from suffice.report.decision import DecisionView, view_decision
from suffice.report.extras import ExtrasView, view_extras
from suffice.report.numbers import MISSING, integer
from suffice.report.policy import set_policy
from suffice.report.tables import (
    Table,
    cost_table,
    health_table,
    overview_table,
    predictors_table,
    ranking_table,
    results_table,
    warnings_of,
)

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PIXELS_PER_CSS_PIXEL = 1.6
"""Figures are drawn at 180 dots per inch; at 1.6 of them a CSS pixel their letters match the page's."""


@dataclass(frozen=True)
class FigureView:
    """A figure inside the page: its image as a data URI, its size in CSS pixels, and its words."""

    name: str
    title: str
    caption: str
    alt: str
    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class SectionView:
    """A section with its tables written and its figures read."""

    section: Section
    anchor: str
    headline: str
    agreement: str
    targets: str
    items: str
    figures: list[FigureView]
    ranking: Table
    warnings: dict[str, str]
    results: Table | None
    predictors: Table | None
    decision: DecisionView
    extras: ExtrasView
    health: Table | None
    cost: Table | None


def render_page(content: PageContent) -> str:
    """The page as HTML; images are inside it, every text is escaped, and nothing is loaded from elsewhere.

    Raises:
        DataError: a figure cannot be read or is not a PNG file.
    """
    template = page_environment().get_template("page.html.j2")
    return template.render(
        content=content,
        answer=answer(content),
        sections=_views(content),
        overview=overview_table(content) if len(content.sections) > 1 else None,
    )


def page_environment() -> Environment:
    """The templates of pages: every text is escaped, and a name that is not given is an error."""
    environment = Environment(
        loader=PackageLoader("suffice", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"keep_names": keep_names, "plain": plain}
    set_policy(environment)
    return environment


def keep_names(text: str) -> Markup:
    """Escaped text in which a line ends inside a hyphenated word, such as a model's name, only if it must."""
    words = [
        Markup('<span class="word">{}</span>').format(word) if "-" in word else escape(word)
        for word in text.split(" ")
    ]
    return Markup(" ").join(words)


def plain(value: Any) -> str:
    """A value of a manifest as people read it: "too short: 812, duplicate: 377" for a mapping."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {plain(item)}" for key, item in value.items()) or MISSING
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plain, value)) or MISSING
    if isinstance(value, int) and not isinstance(value, bool):
        return integer(value)
    return MISSING if value is None else str(value)


def _views(content: PageContent) -> list[SectionView]:
    """The sections; health and cost stand once a data set, in its first section."""
    views = []
    seen: set[str] = set()
    for number, section in enumerate(content.sections, start=1):
        new = section.dataset not in seen
        seen.add(section.dataset)
        tied = tied_for_first(section.ranking)
        views.append(
            SectionView(
                section=section,
                anchor=f"section-{number}",
                headline=headline(tied, len(section.ranking)),
                agreement=describe_agreement(section, content)[0],
                targets=describe_targets(section.ranking),
                items=describe_items_needed(section.ranking),
                figures=[_figure(name, section) for name in FIGURES if name in section.figures],
                ranking=ranking_table(section, content),
                warnings=warnings_of(section),
                results=results_table(section, content),
                predictors=predictors_table(section),
                decision=_decision(section),
                extras=view_extras(section.few_labels, section.directions, section.items),
                health=health_table(section) if new else None,
                cost=cost_table(section) if new else None,
            )
        )
    return views


def _decision(section: Section) -> DecisionView:
    return view_decision(
        section.estimator,
        section.decision,
        section.sensitivity,
        section.pareto,
        section.quotient,
        section.dependence,
    )


def _figure(name: str, section: Section) -> FigureView:
    title, caption = FIGURES[name]
    about = f"{section.dataset}, {section.estimator}, {len(section.ranking)} models"
    alt = f"{title}: {about}. {_alt(name, section)}"
    return view_figure(name, title, caption, alt.strip(), section.figures[name])


def view_figure(name: str, title: str, caption: str, alt: str, path: Path) -> FigureView:
    """A figure with its words, read from a PNG file.

    Raises:
        DataError: the file cannot be read or is not a PNG file.
    """
    image, width, height = _read_png(path)
    uri = "data:image/png;base64," + base64.b64encode(image).decode()
    scale = PIXELS_PER_CSS_PIXEL
    return FigureView(name, title, caption, alt, uri, round(width / scale), round(height / scale))


def _alt(name: str, section: Section) -> str:
    """What a reader who cannot see the figure should know, beyond what the tables hold."""
    if name == "rank_bars":
        return (
            headline(tied_for_first(section.ranking), len(section.ranking))
            + " The numbers are in the ranking table."
        )
    if name in ("score_against_tasks", "predictors"):
        return "The correlations are in the table of predictors."
    return ""


def _read_png(path: Path) -> tuple[bytes, int, int]:
    """The bytes of a PNG file with its width and height in pixels."""
    try:
        image = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"the figure {path} cannot be read ({error.strerror}); draw it again") from error
    if not image.startswith(PNG_SIGNATURE) or len(image) < 24:
        raise DataError(f"the figure {path} is not a PNG file; draw it again")
    width, height = struct.unpack(">II", image[16:24])
    return image, width, height
