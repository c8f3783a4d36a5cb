"""Comparison of the ranking with what a user would do without it, and with labelled tasks."""

from suffice.comparison.baselines import BASELINES, baseline_table, rankme
from suffice.comparison.correlation import (
    CORRELATION_COLUMNS,
    DIFFERENCE_COLUMNS,
    MEAN_RANK,
    correlation_table,
    mean_rank_table,
    paired_difference,
)

__all__ = [
    "BASELINES",
    "CORRELATION_COLUMNS",
    "DIFFERENCE_COLUMNS",
    "MEAN_RANK",
    "baseline_table",
    "correlation_table",
    "mean_rank_table",
    "paired_difference",
    "rankme",
]
