"""The decision page: what a study found, on one self-contained HTML page."""

from suffice.lazy import lazy_names

HOMES = {
    "PageContent": "suffice.report.content",
    "Section": "suffice.report.content",
    "render_page": "suffice.report.page",
}
__all__ = list(HOMES)
__getattr__ = lazy_names(__name__, HOMES)
