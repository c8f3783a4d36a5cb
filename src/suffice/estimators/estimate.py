"""Estimate one pair from two arrays."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from suffice.alignment import align, ids_of
from suffice.arrays import as_matrix
from suffice.errors import DoubtWarning, EstimationError
from suffice.estimators.copies import join_copies
from suffice.estimators.items import divide_items
from suffice.estimators.names import DEFAULT_ESTIMATOR
from suffice.estimators.registry import get_estimator
from suffice.estimators.result import Sufficiency
from suffice.estimators.standardise import check_embedding
from suffice.health import health_warnings, measure_findings


def estimate(
    source: npt.NDArray[np.floating],
    target: npt.NDArray[np.floating],
    estimator: str = DEFAULT_ESTIMATOR,
    seed: int = 0,
    *,
    groups: npt.ArrayLike | None = None,
    device: str = "cpu",
    **settings: Any,
) -> Sufficiency:
    r"""Information sufficiency of one embedding for another: I_S(U -> V) = H(V) - H(V|U), in nats.

    Source: Darrin et al., NeurIPS 2024, arXiv 2406.07640. `Sufficiency` says what it is and what it is not.

    Args:
        source: embedding of the source model U, shape (n_items, d_u).
        target: embedding of the target model V for the same items in the same order, shape (n_items, d_v).
            Two tables with ids (a column `id`, or an index other than 0, 1, ...) are joined by id.
        estimator: name of the density family; `suffice.ESTIMATORS` lists them.
        seed: seed for dividing the items and for everything random in the fit.
        groups: group of each item, shape (n_items,). Items of one group are never separated. Neither are
            copies of items, which are found by their vectors.
        device: torch device, for families that are fitted with torch.
        **settings: the estimator's own settings.

    Returns:
        The estimate with its standard error, what it was made from, and warnings, also on the vectors.

    Raises:
        EstimationError: (a ValueError) unknown estimator or setting, different numbers of items, fewer than
            50 items, NaN or infinite values, or an embedding in which all dimensions are constant.

    Example:
        >>> import numpy as np
        >>> from suffice import estimate
        >>> source = np.random.default_rng(0).normal(size=(1000, 8))
        >>> estimate(source, source @ np.ones((8, 2)) + 0.1).nats_per_dim > 3
        True
    """
    chosen = get_estimator(estimator)(seed=seed, device=device, **settings)
    carried = {"source": ids_of(source), "target": ids_of(target)}
    source, target = as_matrix(source, "source"), as_matrix(target, "target")
    check_embedding(source, "source")
    check_embedding(target, "target")
    joined = align({"source": len(source), "target": len(target)}, carried)
    source, target = joined.take({"source": source, "target": target}).values()
    if len(source) != len(target):
        raise EstimationError(
            f"source has {len(source)} items but target has {len(target)}; "
            "embed both models on the same data set, in the same order"
        )
    together, notes = join_copies([source, target], joined.groups(groups))
    plan = divide_items(len(source), together, seed)
    result = chosen.pair(source, target, plan)
    odd = [*_health("source", source), *_health("target", target)]
    result = result.with_warnings(*odd, *joined.notes, *notes)
    if result.warnings:
        warnings.warn("; ".join(result.warnings), DoubtWarning, stacklevel=2)
    return result


def _health(side: str, array: npt.NDArray[np.floating]) -> list[str]:
    """The warnings about the vectors of one side, as on a study's page."""
    return [f"{side}: {said}" for said in health_warnings(measure_findings(array, side), None)]
