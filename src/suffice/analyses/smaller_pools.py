"""Does the pool decide? Rankings without one model, without one family, and with near-copies counted once.

They come from the pairs alone, with the same aggregate as the ranking.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from suffice.analyses.correlation import weighted_kendall
from suffice.errors import DataError
from suffice.ranking.arrays import aggregate, counts_self_pairs, nats_matrix, of_first_estimator
from suffice.ranking.table import tied_for_first

if TYPE_CHECKING:
    from suffice.analyses.base import Ranked

NEAR_COPY = 0.95
WHOLE, MODEL, FAMILY, MERGED = "all models", "without a model", "without a family", "near-copies as one"
SENSITIVITY_COLUMNS = (
    "change", "left_out", "n_left_out", "n_models", "winner", "winner_changes", "beyond_ties", "kendall_tau",
)  # fmt: skip


def pool_sensitivity(
    pairs: pd.DataFrame,
    families: Mapping[str, str],
    first_group: Iterable[str],
    how: str = "ranks",
    self_pairs: bool = False,
    threshold: float = NEAR_COPY,
) -> pd.DataFrame:
    """The winner and the agreement with the ranking of all models for each smaller pool.

    A model that is left out is neither source nor target. `kendall_tau` compares the ranking of the remaining
    models with their order in the whole pool. The winner changes if the winner of the whole pool is still
    there but another model is first; this is `beyond_ties` if the new winner is not in the first tie group.

    Near-copies are found by `near_copies` from the first estimator's pairs; the highest-ranked model of each
    group stays.

    Args:
        pairs: source, target, nats_per_dim, and perhaps estimator.
        families: family of each model.
        first_group: models that are tied for first among all.
        how: how models are ordered: "ranks", "mean" or "median".
        self_pairs: whether a model is a target of itself.
        threshold: share of a target's variance at or above which two models are near-copies.

    Returns:
        One row per pool with `SENSITIVITY_COLUMNS`; `left_out` names models or a family of at least two. The
        pool of all models comes first. A pool of fewer than 2 models, or in which a model has no target, is
        omitted.

    Raises:
        DataError: there are fewer than 2 models, or a model has no family.
    """
    matrix = nats_matrix(pairs)
    if len(matrix) < 2:
        raise DataError(f"the pool has {len(matrix)} model(s); a comparison of pools needs at least 2")
    unknown = [model for model in matrix.index if model not in families]
    if unknown:
        raise DataError(f"model {unknown[0]!r} has no family; set its family")
    self_pairs = counts_self_pairs(pairs, self_pairs)
    whole = scores_of_pool(matrix, how, self_pairs)
    copies = near_copies(nats_matrix(of_first_estimator(pairs)), threshold)
    pools = _pools(families, whole, copies)
    tied = set(first_group)
    rows = [_row(change, name, out, matrix, whole, tied, how, self_pairs) for change, name, out in pools]
    return pd.DataFrame([row for row in rows if row], columns=list(SENSITIVITY_COLUMNS))


def scores_of_pool(matrix: pd.DataFrame, how: str, self_pairs: bool) -> pd.Series:
    """The score of each source in a matrix of nats per target dimension; NaN for a source without targets."""
    own = np.equal.outer(matrix.index.to_numpy(), matrix.columns.to_numpy())
    counted = matrix.to_numpy() if self_pairs else np.where(own, np.nan, matrix.to_numpy())
    return pd.Series(aggregate(counted, how), index=matrix.index)


def near_copies(matrix: pd.DataFrame, threshold: float = NEAR_COPY) -> list[list[str]]:
    r"""Groups of models that predict each other almost completely, from their pairs.

    A pair's nats per target dimension are converted to the share of variance that a Gaussian channel would
    carry, :math:`R^2 = 1 - e^{-2 I / d}` (Cover and Thomas, 2nd ed., example 8.5.1); 0.95 is about 1.5 nats.
    Two models are near-copies if the lower of the shares of both directions reaches the threshold; groups are
    single linkage. The share is a geometric mean over dimensions, so a source that has some dimensions
    exactly can reach it without the others, as the first components of a model do. Both models must be
    targets, since both directions are needed.

    Args:
        matrix: nats per target dimension, sources as index, targets as columns.
        threshold: share of variance.

    Returns:
        Groups of at least 2 models, each in order of name.
    """
    models = [model for model in matrix.index if model in matrix.columns]
    nats = matrix.loc[models, models].to_numpy()
    share = -np.expm1(-2 * np.minimum(nats, nats.T))
    linked = share >= threshold
    group = np.arange(len(models))
    for _ in models:  # n rounds are enough to join a chain of n models
        group = np.where(linked | np.eye(len(models), dtype=bool), group[None, :], len(models)).min(axis=1)
    found = [[models[i] for i in np.flatnonzero(group == g)] for g in np.unique(group)]
    return [members for members in found if len(members) > 1]


def _pools(
    families: Mapping[str, str], whole: pd.Series, copies: list[list[str]]
) -> list[tuple[str, str, list[str]]]:
    """The kind of change, a text on what is left out, and the models left out."""
    pools: list[tuple[str, str, list[str]]] = [(WHOLE, "", [])]
    pools += [(MODEL, model, [model]) for model in whole.index]
    by_family = pd.Series({model: families[model] for model in whole.index})
    members = {str(name): list(group.index) for name, group in by_family.groupby(by_family, sort=True)}
    pools += [(FAMILY, name, group) for name, group in members.items() if len(group) > 1]
    lower = [model for group in copies for model in group if model != whole[group].idxmax()]
    return pools + ([(MERGED, ", ".join(lower), lower)] if lower else [])


def _row(  # noqa: PLR0913 - what is left of the pool, and how it is scored
    change: str,
    name: str,
    out: list[str],
    matrix: pd.DataFrame,
    whole: pd.Series,
    tied: set[str],
    how: str,
    self_pairs: bool,
) -> dict[str, object]:
    """The row of one pool; empty if it has no ranking."""
    left = matrix.drop(index=out).drop(columns=[model for model in out if model in matrix.columns])
    if len(left) < 2 or left.shape[1] == 0:
        return {}
    scores = scores_of_pool(left, how, self_pairs)
    if scores.isna().any():
        return {}
    winner, first = str(scores.idxmax()), str(whole.idxmax())
    changes = winner != first and first not in out
    tau = weighted_kendall(scores.to_numpy(), whole[scores.index].to_numpy(), np.ones((1, len(scores))))
    return {
        "change": change,
        "left_out": name,
        "n_left_out": len(out),
        "n_models": len(scores),
        "winner": winner,
        "winner_changes": changes,
        "beyond_ties": changes and winner not in tied,
        "kendall_tau": float(tau[0]),
    }


def tables(ranked: "Ranked") -> dict[str, pd.DataFrame]:
    """The ranking of smaller pools, from the pairs of one ranking."""
    how, first = ranked.settings, tied_for_first(ranked["ranking"])
    table = pool_sensitivity(ranked["pairs"], how["families"], first, how["aggregate"], how["self_pairs"])
    return {"sensitivity": table}
