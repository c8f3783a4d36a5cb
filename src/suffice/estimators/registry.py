"""All estimators by name: a new one needs one file, and one line here."""

from typing import Any

from suffice.errors import EstimationError
from suffice.estimators.base import Estimator
from suffice.estimators.copula import Copula
from suffice.estimators.gaussian import Gaussian
from suffice.estimators.knife import Knife
from suffice.estimators.linear import Linear
from suffice.estimators.mixture import Mixture
from suffice.estimators.neighbours import Neighbours
from suffice.settings import did_you_mean

ESTIMATORS: dict[str, type[Estimator[Any]]] = {
    estimator.name: estimator for estimator in (Linear, Gaussian, Copula, Neighbours, Mixture, Knife)
}


def get_estimator(name: str) -> type[Estimator[Any]]:
    """The estimator class of this name.

    Raises:
        EstimationError: the name is unknown; the message suggests a similar one.
    """
    if name not in ESTIMATORS:
        raise EstimationError(f"unknown estimator {name!r}{did_you_mean(name, list(ESTIMATORS))}")
    return ESTIMATORS[name]
