"""Comparison of the ranking with what a user would do without it, and with labelled tasks."""

from suffice.comparison.baselines import BASELINES, Baseline, baseline_table
from suffice.comparison.correlation import (
    CORRELATION_COLUMNS,
    DIFFERENCE_COLUMNS,
    MEAN_RANK,
    correlation_table,
    mean_rank_table,
    paired_difference,
)
from suffice.comparison.geometry import rankme

__all__ = [
    "BASELINES",
    "CORRELATION_COLUMNS",
    "DIFFERENCE_COLUMNS",
    "MEAN_RANK",
    "Baseline",
    "baseline_table",
    "correlation_table",
    "mean_rank_table",
    "paired_difference",
    "rankme",
]
