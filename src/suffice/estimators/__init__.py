"""Density families and the information sufficiency that they give: one file a family, one interface."""

from suffice.estimators.estimate import estimate
from suffice.estimators.registry import ESTIMATORS, get_estimator
from suffice.estimators.result import Sufficiency

__all__ = ["ESTIMATORS", "Sufficiency", "estimate", "get_estimator"]
