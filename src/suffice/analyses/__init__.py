"""Questions about a ranking, each with its tables, its figure and its text."""

from suffice.lazy import lazy_names

HOMES = {
    "CORRELATION_COLUMNS": "suffice.analyses.correlation",
    "DIFFERENCE_COLUMNS": "suffice.analyses.correlation",
    "MEAN_RANK": "suffice.analyses.correlation",
    "correlation_table": "suffice.analyses.correlation",
    "mean_rank_table": "suffice.analyses.correlation",
    "paired_difference": "suffice.analyses.correlation",
    "Recommendation": "suffice.analyses.recommendation",
    "recommend": "suffice.analyses.recommendation",
}
__all__ = list(HOMES)
__getattr__ = lazy_names(__name__, HOMES)
