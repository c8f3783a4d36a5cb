"""Density families and their information sufficiency: one file per family, one interface."""

from suffice.estimators.estimate import estimate
from suffice.estimators.registry import ESTIMATORS, get_estimator
from suffice.estimators.result import Sufficiency

__all__ = ["ESTIMATORS", "Sufficiency", "estimate", "get_estimator"]
