"""Free ways to choose a model, which the score has to beat."""

from suffice.lazy import lazy_names

HOMES = {
    "BASELINES": "suffice.baselines.registry",
    "Baseline": "suffice.baselines.registry",
    "baseline_table": "suffice.baselines.registry",
    "rankme": "suffice.baselines.geometry",
}
INFORMATION, BASELINE = "information sufficiency", "baseline"
"""The kinds of predictors: scores of rankings, and baselines."""
__all__ = ["BASELINE", "INFORMATION", *HOMES]
__getattr__ = lazy_names(__name__, HOMES)
