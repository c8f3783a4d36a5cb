"""The decision page: what a study found, on one self-contained HTML page."""

from suffice.report.content import PageContent, Section
from suffice.report.page import render_page
from suffice.report.tables import cards_table, csv_for_people

__all__ = ["PageContent", "Section", "cards_table", "csv_for_people", "render_page"]
