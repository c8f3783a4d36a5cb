"""How good the choice of a predictor is: its agreement among the best models, and the regret of its pick.

Predictor and outcome are series by model, both better when higher; over a resample a model counts as often
as it is drawn, see `suffice.analyses.correlation`.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from suffice.analyses.correlation import MIN_MODELS, STATISTICS, Bootstrap
from suffice.errors import DataError

BY = ("outcome", "predictor")


@dataclass(frozen=True)
class Estimate:
    """A value with its interval over models.

    Attributes:
        value: value on these models; NaN if it is not defined.
        low: lower end of the interval; NaN if there is no interval.
        high: upper end of the interval.
        n_models: number of models behind the value.
        note: why the value or interval is missing, or how many resamples have no value.
    """

    value: float
    low: float
    high: float
    n_models: int
    note: str = ""

    def as_row(self) -> dict[str, object]:
        """The fields as cells of a table."""
        return asdict(self)


def top_k_correlation(
    predictor: pd.Series,
    outcome: pd.Series,
    k: int,
    weights: np.ndarray | None = None,
    statistic: str = "spearman",
    by: str = "outcome",
) -> float:
    """Correlation of predictor and outcome among the k best models; NaN where one of them is constant.

    A model is among the k best if fewer than k are strictly better, so that models tied with the k-th count,
    too. Ordering the best models is harder than separating good from bad ones because the range is
    restricted.

    Args:
        predictor: value by model, higher is better; models without a value in both are left out.
        outcome: value by model, higher is better.
        k: number of models.
        weights: how often each model counts, in the order of the models that have both, shape (n_models,);
            None counts each once.
        statistic: "pearson", "spearman" or "kendall".
        by: the variable that decides which models are best: "outcome" or "predictor".

    Raises:
        DataError: k is below 2, or statistic or by is unknown.
    """
    x, y, models = in_common(predictor, outcome)
    rows = np.ones((1, len(models))) if weights is None else np.asarray(weights, dtype=float)[None, :]
    return float(weighted_top_k(x, y, rows, k, statistic, by)[0])


def weighted_top_k(
    x: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray,
    k: int,
    statistic: str = "spearman",
    by: str = "outcome",
) -> np.ndarray:
    """`top_k_correlation` under each row of weights.

    Args:
        x: predictor, shape (n_models,).
        y: outcome, shape (n_models,).
        weights: shape (n_resamples, n_models).
        k: number of models.
        statistic: "pearson", "spearman" or "kendall".
        by: "outcome" or "predictor".

    Returns:
        Shape (n_resamples,).

    Raises:
        DataError: k is below 2, or statistic or by is unknown.
    """
    if k < 2:
        raise DataError(f"k is {k}; a correlation among the best models needs k to be at least 2")
    if statistic not in STATISTICS or by not in BY:
        raise DataError(
            f"statistic {statistic!r} by {by!r} is unknown; statistics are {', '.join(STATISTICS)}, "
            f"by is {' or '.join(BY)}"
        )
    order = y if by == "outcome" else x
    n_better = weights @ (order[:, None] > order[None, :])
    kept = np.where(n_better < k, weights, 0.0)
    return STATISTICS[statistic](x, y, kept)


def top_k_interval(
    predictor: pd.Series,
    outcome: pd.Series,
    k: int,
    bootstrap: Bootstrap,
    statistic: str = "spearman",
    by: str = "outcome",
) -> Estimate:
    """`top_k_correlation` with its interval over models; each resample has its own k best."""

    def draw(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return weighted_top_k(x, y, weights, k, statistic, by)

    return estimate(predictor, outcome, bootstrap, draw)


def regret_at_k(predictor: pd.Series, outcome: pd.Series, k: int) -> float:
    """Loss from trying only the k models of highest predictor, in units of the outcome.

    It is the best outcome of all models minus the best among those k, so 0 if the best model is among them.
    If the predictor is tied at the k-th place, the value is the mean over random choices among the tied. If
    all predictors are equal, it is the regret of choosing at random.

    Args:
        predictor: value by model, higher is better; models without a value in both are left out.
        outcome: value by model, higher is better: a task's metric, or a mean over tasks of metrics.
        k: number of models that are tried.

    Raises:
        DataError: k is below 1, or no model has both.
    """
    x, y, models = in_common(predictor, outcome)
    if not models:
        raise DataError("no model has both a predictor and an outcome; give both for at least one model")
    return float(weighted_regret(x, y, np.ones((1, len(models))), k)[0])


def weighted_regret(x: np.ndarray, y: np.ndarray, weights: np.ndarray, k: int) -> np.ndarray:
    """`regret_at_k` among the models in each row of weights; copies of a model are tried once.

    Args:
        x: predictor, shape (n_models,).
        y: outcome, shape (n_models,).
        weights: shape (n_resamples, n_models).
        k: number of models that are tried.

    Returns:
        Shape (n_resamples,), each at least 0.

    Raises:
        DataError: k is below 1.
    """
    if k < 1:
        raise DataError(f"k is {k}; at least 1 model must be tried")
    present = weights > 0
    best = np.where(present, y, -np.inf).max(axis=1)
    return np.asarray(best - _expected_best(x, y, present, k))


def _expected_best(x: np.ndarray, y: np.ndarray, present: np.ndarray, k: int) -> np.ndarray:
    """Mean of the best outcome among the k models of highest predictor, over random orders of ties."""
    counts = present.astype(float)
    n_better = counts @ (x[:, None] > x[None, :])
    n_tied = counts @ (x[:, None] == x[None, :])
    sure = present & (n_better + n_tied <= k)
    open_ = present & (n_better < k) & ~sure
    best_sure = np.where(sure, y, -np.inf).max(axis=1)
    chance = np.where(open_, _chance_to_be_best(x, y, counts, n_tied, k - n_better), 0.0)
    with_open = (chance * np.maximum(best_sure[:, None], y)).sum(axis=1)
    return np.where(open_.any(axis=1), with_open, best_sure)


def _chance_to_be_best(
    x: np.ndarray, y: np.ndarray, counts: np.ndarray, n_tied: np.ndarray, n_drawn: np.ndarray
) -> np.ndarray:
    """Probability that a model is the best of `n_drawn` drawn from those with an equal predictor."""
    from scipy.special import comb  # slow to import, and few jobs need it

    place = np.empty(len(y), dtype=int)
    place[np.argsort(-y, kind="stable")] = np.arange(len(y))
    n_before = counts @ ((x[:, None] == x[None, :]) & (place[:, None] < place[None, :]))
    others = comb(np.maximum(n_tied - n_before - 1, 0), np.maximum(n_drawn - 1, 0))
    return np.asarray(others / np.maximum(comb(n_tied, np.maximum(n_drawn, 0)), 1.0))


def regret_interval(predictor: pd.Series, outcome: pd.Series, k: int, bootstrap: Bootstrap) -> Estimate:
    """`regret_at_k` with its interval over models.

    A resample holds about two thirds of the models, so the best model is in about two of three resamples. The
    interval shows how the loss would vary with the pool; both its ends can lie on one side of the value.
    """

    def draw(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return weighted_regret(x, y, weights, k)

    return estimate(predictor, outcome, bootstrap, draw)


def in_common(predictor: pd.Series, outcome: pd.Series) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Values of the models that have both, in order of name, and their names.

    Raises:
        DataError: a model occurs twice.
    """
    for series in (predictor, outcome):
        if series.index.has_duplicates:
            model = series.index[series.index.duplicated()][0]
            raise DataError(f"model {model!r} has two values; keep one of the two")
    both = pd.concat([predictor, outcome], axis=1, join="inner").astype(float).dropna().sort_index()
    x, y = both.to_numpy().T
    return x, y, list(both.index)


def estimate(
    predictor: pd.Series,
    outcome: pd.Series,
    bootstrap: Bootstrap,
    draw: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
) -> Estimate:
    """A statistic of predictor and outcome with its percentile interval over models.

    Args:
        predictor: value by model.
        outcome: value by model; models without a value in both are left out.
        bootstrap: the resamples.
        draw: values of the statistic from predictor, outcome and weights of shape (n_resamples, n_models).
    """
    x, y, models = in_common(predictor, outcome)
    if len(models) < 2:
        return Estimate(np.nan, np.nan, np.nan, len(models), f"no value: {len(models)} model(s) have both")
    value = float(draw(x, y, np.ones((1, len(models))))[0])
    if np.isnan(value):
        return Estimate(value, np.nan, np.nan, len(models), "no value: a variable is constant")
    if len(models) < MIN_MODELS:
        note = f"no interval: fewer than {MIN_MODELS} models"
        return Estimate(value, np.nan, np.nan, len(models), note)
    low, high, note = bootstrap.interval(draw(x, y, bootstrap.weights(models)))
    return Estimate(value, low, high, len(models), note)
