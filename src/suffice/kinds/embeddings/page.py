"""The decision page of a study: one HTML file that needs nothing else."""

from dataclasses import dataclass

from suffice.kinds.embeddings.answer import answer, describe_agreement, headline
from suffice.kinds.embeddings.content import FIGURES, PageContent, Section
from suffice.kinds.embeddings.decision import DecisionView, view_decision
from suffice.kinds.embeddings.extras import ExtrasView, view_extras
from suffice.kinds.embeddings.tables import (
    cost_table,
    health_table,
    overview_table,
    predictors_table,
    ranking_table,
    results_table,
    warnings_of,
)
from suffice.page.render import FigureView, page_environment, view_figure
from suffice.page.tables import Table
from suffice.ranking.sample_size import describe_items_needed
from suffice.ranking.table import tied_for_first
from suffice.ranking.targets import describe_targets


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
    template = page_environment().get_template("embeddings/page.html.j2")
    return template.render(
        content=content,
        answer=answer(content),
        sections=_views(content),
        overview=overview_table(content) if len(content.sections) > 1 else None,
    )


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
