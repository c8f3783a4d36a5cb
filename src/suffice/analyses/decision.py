"""Which way of choosing would have been right? One row per way to choose, judged on the tasks.

Every predictor has its direction applied, so that higher is better. Correlations keep their sign: a way of
choosing that points the wrong way is negative.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from suffice.analyses.choice import (
    Estimate,
    estimate,
    regret_at_k,
    regret_interval,
    top_k_interval,
)
from suffice.analyses.correlation import (
    STATISTICS,
    Bootstrap,
    predictor_values,
    rank_table,
    task_values,
)
from suffice.baselines import BASELINE

if TYPE_CHECKING:
    from suffice.analyses.base import Ranked

WIDEST, LARGEST = "embed_dim", "n_parameters"
RANDOM = "random choice"
REFERENCE = "reference"
TOP_MODELS = 10
DECISION_COLUMNS = (
    "predictor", "predictor_kind", "spearman", "spearman_low", "spearman_high", "kendall", "kendall_low",
    "kendall_high", "top_k", "top_k_spearman", "top_k_low", "top_k_high", "regret_at_1", "regret_at_1_low",
    "regret_at_1_high", "regret_at_3", "regret_at_3_low", "regret_at_3_high", "task_regret_at_1",
    "beats_widest", "picks", "n_models", "n_tasks", "note",
)  # fmt: skip


def decision_table(
    scores: pd.DataFrame,
    results: pd.DataFrame,
    confidence_level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """How well each way to choose a model would have done; best first by regret at 1, then Spearman's rho.

    Correlations are with the mean rank over tasks, its sign changed. Regrets are in task units: the outcome
    of a model is the mean over tasks of its metrics, each of which is better when higher; metrics with a
    wider span weigh more. `task_regret_at_1` is the mean over tasks of the regret against the best model of
    each task, so it is never below `regret_at_1`. `beats_widest` is the share of resamples of models in which
    the predictor's pick does better than the widest model; equal outcomes count half. All rows use the models
    that have every task, so that all ways choose among the same models; a predictor without a value for some
    of them has a note.

    Args:
        scores: model, predictor, predictor_kind, value; higher is better for every predictor.
        results: rows of all models' tasks, with the columns model, task, value.
        confidence_level: nominal coverage of the intervals.
        n_resamples: number of resamples of the models.
        seed: seed of the resamples.

    Returns:
        One row per predictor with `DECISION_COLUMNS`, and one for a random choice; columns with interval ends
        are named `..._low` and `..._high`. Missing values are NaN.

    Raises:
        DataError: a column is missing, a row is there twice, or a predictor is of two kinds.
    """
    bootstrap = Bootstrap(confidence_level, n_resamples, seed)
    predictors, kinds = predictor_values(scores)
    values = task_values(results).dropna()
    agreement = -rank_table(results).mean(axis=1)
    predictors = predictors.reindex(values.index)
    widest = predictors[WIDEST] if WIDEST in predictors else None
    ways = {str(name): predictors[name] for name in predictors}
    rows = [
        {"predictor": name, "predictor_kind": kinds[name], **_way(way, widest, values, agreement, bootstrap)}
        for name, way in ways.items()
    ]
    rows.append({"predictor": RANDOM, "predictor_kind": REFERENCE, **_random(widest, values, bootstrap)})
    table = pd.DataFrame(rows, columns=list(DECISION_COLUMNS))
    order = ["regret_at_1", "spearman", "predictor"]
    return table.sort_values(order, ascending=[True, False, True], na_position="last", ignore_index=True)


def with_parameters(scores: pd.DataFrame, cards: pd.DataFrame) -> pd.DataFrame:
    """The predictors, and "take the largest" if numbers of parameters are known.

    Args:
        scores: model, predictor, predictor_kind, value.
        cards: model, and n_parameters if it is known of any.
    """
    if LARGEST not in cards or cards[LARGEST].isna().all() or LARGEST in set(scores["predictor"]):
        return scores
    largest = cards[["model"]].assign(
        predictor=LARGEST, predictor_kind=BASELINE, value=cards[LARGEST].astype(float)
    )
    return pd.concat([scores, largest.dropna()], ignore_index=True)


def top_k_of(n_models: int) -> int:
    """Number of models in the top-k correlation: ten, or half of the models if that is fewer."""
    return max(2, min(TOP_MODELS, n_models // 2))


def _way(
    way: pd.Series,
    widest: pd.Series | None,
    values: pd.DataFrame,
    agreement: pd.Series,
    bootstrap: Bootstrap,
) -> dict[str, object]:
    """The cells of one way to choose."""
    n_models = int(way.notna().sum())
    k = top_k_of(n_models)
    spearman = _correlation(way, agreement, bootstrap, "spearman")
    lost = len(way) - n_models
    return {
        **_interval("spearman", "spearman", spearman),
        **_interval("kendall", "kendall", _correlation(way, agreement, bootstrap, "kendall")),
        "top_k": k,
        **_interval("top_k_spearman", "top_k", top_k_interval(way, agreement, k, bootstrap)),
        **_regrets(way, widest, values, bootstrap),
        "picks": picked(way),
        "n_models": n_models,
        "n_tasks": values.shape[1],
        "note": "; ".join(filter(None, [spearman.note, f"lacks {lost} model(s)" if lost else ""])),
    }


def _random(widest: pd.Series | None, values: pd.DataFrame, bootstrap: Bootstrap) -> dict[str, object]:
    """The cells of a random choice: expected regrets, without a correlation."""
    alike = pd.Series(0.0, index=values.index)
    cells = _regrets(alike, widest, values, bootstrap)
    note = "expected value over random orders"
    return {**cells, "picks": "", "n_models": len(values), "n_tasks": values.shape[1], "note": note}


def _correlation(way: pd.Series, agreement: pd.Series, bootstrap: Bootstrap, statistic: str) -> Estimate:
    return estimate(way, agreement, bootstrap, STATISTICS[statistic])


def _regrets(
    way: pd.Series, widest: pd.Series | None, values: pd.DataFrame, bootstrap: Bootstrap
) -> dict[str, object]:
    """Regrets in task units, and the chance to do better than the widest model."""
    outcome = values.mean(axis=1)
    if not way.notna().any():
        return {}
    per_task = [regret_at_k(way, values[task], 1) for task in values]
    return {
        **_interval("regret_at_1", "regret_at_1", regret_interval(way, outcome, 1, bootstrap)),
        **_interval("regret_at_3", "regret_at_3", regret_interval(way, outcome, 3, bootstrap)),
        "task_regret_at_1": float(np.mean(per_task)),
        "beats_widest": np.nan if widest is None else chance_to_beat(way, widest, outcome, bootstrap),
    }


def chance_to_beat(way: pd.Series, other: pd.Series, outcome: pd.Series, bootstrap: Bootstrap) -> float:
    """Probability over resamples that one way picks a better model than another; equal outcomes count half.

    Both choose from the same resample, and choose among tied models at random.

    Args:
        way: predictor by model, higher is better.
        other: the predictor that it is compared with.
        outcome: value by model, higher is better.
        bootstrap: the resamples.

    Returns:
        A share from 0 to 1; NaN with fewer than 2 models that have all three.
    """
    table = pd.concat([way, other, outcome], axis=1, join="inner").astype(float).dropna().sort_index()
    if len(table) < 2:
        return float("nan")
    first, second, y = table.to_numpy().T
    weights = bootstrap.weights(table.index)
    wins = (y[:, None] > y[None, :]) + 0.5 * (y[:, None] == y[None, :])
    share = ((_pick_shares(first, weights) @ wins) * _pick_shares(second, weights)).sum(axis=1)
    return float(share.mean())


def _pick_shares(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Probability that a model is picked in each resample: equal among the models of highest predictor."""
    there = np.where(weights > 0, x, -np.inf)
    tied = there == there.max(axis=1, keepdims=True)
    return np.asarray(tied / tied.sum(axis=1, keepdims=True))


def picked(way: pd.Series) -> str:
    """The model of highest predictor; all of them, separated by commas, if several are tied."""
    known = way.dropna()
    return ", ".join(sorted(known.index[known == known.max()])) if len(known) else ""


def _interval(value: str, stem: str, found: Estimate) -> dict[str, object]:
    return {value: found.value, f"{stem}_low": found.low, f"{stem}_high": found.high}


def tables(ranked: "Ranked") -> dict[str, pd.DataFrame]:
    """The decision table of one data set, with all rankings and baselines as ways to choose."""
    scores = with_parameters(ranked.predictors, ranked["cards"])
    return {"decision": decision_table(scores, ranked["tasks"], **ranked.settings)}
