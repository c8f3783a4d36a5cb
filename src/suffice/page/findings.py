"""The findings of analyses, formatted for a page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from suffice.analyses.base import Finding, Place
from suffice.page.figures import FigureView, view_figure
from suffice.page.matrix import MatrixView, view_matrix
from suffice.page.tables import Table, make_table


@dataclass(frozen=True)
class FindingView:
    """A finding with its tables formatted and its figures read.

    Attributes:
        finding: the finding.
        figures: its figures that were drawn.
        tables: tables that are always open.
        folded: tables that start folded, each with the line that unfolds it.
        parts: findings within it.
        matrix: its matrix of pairs, if it has one.
    """

    finding: Finding
    figures: list[FigureView]
    tables: list[Table]
    folded: list[tuple[str, Table]]
    parts: list["FindingView"]
    matrix: MatrixView | None

    @property
    def is_head(self) -> bool:
        """Whether it comes before the ranking itself."""
        return self.finding.place is Place.HEAD


def view_findings(
    findings: Iterable[Finding], figures: Mapping[str, Path], subject: str
) -> list[FindingView]:
    """The findings in the order of the page.

    Args:
        findings: the findings of analyses.
        figures: paths of SVG files by the figure's name; missing figures are left out.
        subject: the subject of the figures, for readers who cannot see them.

    Raises:
        DataError: a figure cannot be read or is not an SVG file.
    """
    return [_view(each, figures, subject) for each in sorted(findings, key=lambda each: each.place)]


def _view(finding: Finding, figures: Mapping[str, Path], subject: str) -> FindingView:
    drawn = [figure for figure in finding.figures if figure.name in figures]
    tables = [
        (each.summary, make_table(each.data, each.columns, each.caption, each.name_at, subject=subject))
        for each in finding.tables
    ]
    return FindingView(
        finding=finding,
        figures=[
            view_figure(figure.title, figure.caption, finding.alt, figures[figure.name], subject)
            for figure in drawn
        ],
        tables=[table for summary, table in tables if not summary],
        folded=[(summary, table) for summary, table in tables if summary],
        parts=[_view(part, figures, subject) for part in finding.parts],
        matrix=view_matrix(finding.matrix, subject) if finding.matrix else None,
    )
