"""The decision page of a study: one self-contained HTML file."""

from dataclasses import dataclass

from suffice.analyses.recommendation import headline, listed
from suffice.kinds.embeddings.answer import answer
from suffice.kinds.embeddings.content import PageContent, Section
from suffice.kinds.embeddings.tables import (
    cost_table,
    health_table,
    models_table,
    overview_table,
    ranking_table,
    warnings_of,
)
from suffice.page.findings import FindingView, view_findings
from suffice.page.render import page_environment
from suffice.page.tables import Table
from suffice.ranking.sample_size import describe_items_needed
from suffice.ranking.table import tied_for_first
from suffice.ranking.targets import describe_targets


@dataclass(frozen=True)
class SectionView:
    """A section with its tables formatted and its figures read."""

    section: Section
    anchor: str
    headline: str
    targets: str
    items: str
    ranking: Table
    models: Table
    warnings: dict[str, str]
    findings: list[FindingView]
    health: Table | None
    cost: Table | None


def render_page(content: PageContent) -> str:
    """The page as HTML; images are inside it, every text is escaped, and nothing is loaded from elsewhere.

    Raises:
        DataError: a figure cannot be read or is not an SVG file.
    """
    environment = page_environment()
    environment.filters["listed"] = listed
    return environment.get_template("embeddings/page.html.j2").render(
        content=content,
        answer=answer(content),
        sections=_views(content),
        overview=overview_table(content) if len(content.sections) > 1 else None,
    )


def _views(content: PageContent) -> list[SectionView]:
    """The sections; health and cost appear once per data set, in its first section."""
    views = []
    seen: set[str] = set()
    for number, section in enumerate(content.sections, start=1):
        new = section.dataset not in seen
        seen.add(section.dataset)
        subject = f"{section.dataset}, {section.estimator}, {len(section.ranking)} models"
        views.append(
            SectionView(
                section=section,
                anchor=f"section-{number}",
                headline=_headline(section),
                targets=describe_targets(section.ranking),
                items=describe_items_needed(section.ranking),
                ranking=ranking_table(section, content),
                models=models_table(section, content),
                warnings=warnings_of(section),
                findings=view_findings(section.findings, section.figures, subject),
                health=health_table(section) if new else None,
                cost=cost_table(section) if new else None,
            )
        )
    return views


def _headline(section: Section) -> str:
    """Which model is first, and the sentences of the analyses for the head of a section."""
    first = headline(tied_for_first(section.ranking), len(section.ranking))
    return " ".join([first, *(each.answer for each in section.findings if each.answer)])
