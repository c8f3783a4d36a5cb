"""Density families and their information sufficiency: one file per family, one interface."""

from suffice.lazy import lazy_names

HOMES = {
    "ESTIMATORS": "suffice.estimators.registry",
    "Sufficiency": "suffice.estimators.result",
    "get_estimator": "suffice.estimators.registry",
}
__all__ = list(HOMES)
__getattr__ = lazy_names(__name__, HOMES)
