"""Comparison of the ranking with what a user would do without it, and with labelled tasks."""

from suffice.lazy import lazy_names

HOMES = {
    "BASELINES": "suffice.comparison.baselines",
    "Baseline": "suffice.comparison.baselines",
    "CORRELATION_COLUMNS": "suffice.comparison.correlation",
    "DIFFERENCE_COLUMNS": "suffice.comparison.correlation",
    "MEAN_RANK": "suffice.comparison.correlation",
    "baseline_table": "suffice.comparison.baselines",
    "correlation_table": "suffice.comparison.correlation",
    "mean_rank_table": "suffice.comparison.correlation",
    "paired_difference": "suffice.comparison.correlation",
    "rankme": "suffice.comparison.geometry",
}
__all__ = list(HOMES)
__getattr__ = lazy_names(__name__, HOMES)
