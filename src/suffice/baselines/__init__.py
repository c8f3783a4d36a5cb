"""Free ways to choose a model, which the score has to beat."""

from suffice.lazy import lazy_names

HOMES = {
    "BASELINES": "suffice.baselines.registry",
    "Baseline": "suffice.baselines.registry",
    "baseline_table": "suffice.baselines.registry",
    "rankme": "suffice.baselines.geometry",
}
__all__ = list(HOMES)
__getattr__ = lazy_names(__name__, HOMES)
