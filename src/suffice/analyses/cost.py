"""What does a better score cost? Pareto fronts of score against cost, and the effect of dividing by cost."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from suffice.analyses.correlation import rank_table, weighted_spearman
from suffice.embed.cards import CPU, DEVICE, PARAMETERS, PRICE
from suffice.errors import DataError
from suffice.ranking.table import ordering_column
from suffice.storage.files import read_table

if TYPE_CHECKING:
    from suffice.analyses.base import Ranked

COSTS = (PRICE, DEVICE, CPU, PARAMETERS, "embed_dim")
PATH = "pareto/{dataset}/{estimator}.csv"
TIMED_BY_CLOCK = "seconds_per_1000_items"
PARETO_COLUMNS = ("model", "cost", "cost_value", "measure", "value", "on_front", "value_per_cost")
QUOTIENT_COLUMNS = ("cost", "value_spearman", "quotient_spearman", "n_models")


def pareto_table(ranking: pd.DataFrame, cards: pd.DataFrame) -> pd.DataFrame:
    """Value and cost of each model for each kind of cost, and whether the model is on the Pareto front.

    Costs are those of `suffice.embed.cards.cards_table`; a model made from others also costs what they cost.
    A model is on the front if no other has a value at least as high for a cost at most as high, one of the
    two strictly. `value` is the win rate or the score that orders the ranking; `measure` says which.
    `value_per_cost` divides value by cost; it rewards small cost almost regardless of the value, so do not
    rank by it, see `quotient_table`.

    Args:
        ranking: a ranking table.
        cards: model, and the columns of `COSTS` that are known.

    Returns:
        One row per kind of cost and model that has it, with `PARETO_COLUMNS`; cheapest first.

    Raises:
        DataError: a column is missing.
    """
    for table, columns in ((ranking, ("model", "aggregate")), (cards, ("model",))):
        missing = [column for column in columns if column not in table]
        if missing:
            raise DataError(
                f"the table lacks the column(s) {', '.join(missing)}; it has {', '.join(map(str, table))}"
            )
    known = [cost for cost in COSTS if cost in cards]
    measure = ordering_column(ranking)
    ordered = ranking[["model"]].assign(measure=measure, value=ranking[measure])
    free = ordered.merge(cards[["model", *known]], on="model", how="left")
    parts = [_front(free[list(ordered)].assign(cost=cost, cost_value=free[cost])) for cost in known]
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(PARETO_COLUMNS))
    return rows[list(PARETO_COLUMNS)]


def stored_costs(results: Path, dataset: str, ranking: str) -> pd.DataFrame | None:
    """What each model of a ranking costs: model, and a column per cost; None if that was not computed.

    Args:
        results: folder of a study's results.
        dataset: name of the data set.
        ranking: name of the ranking.
    """
    path = results / PATH.format(dataset=dataset, estimator=ranking)
    if not path.exists():
        return None
    return read_table(path).pivot(index="model", columns="cost", values="cost_value").reset_index()


def note_on_costs(costs: pd.DataFrame | None) -> str:
    """Why costs are not compared, if an older version measured them by the clock; otherwise empty."""
    if costs is None or TIMED_BY_CLOCK not in costs:
        return ""
    return "Costs are not compared: an older version measured them by the clock. Run the study again."


def pareto_front(value: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Which models are not dominated, shape (n_models,); equal models are on the front together."""
    as_good = (value[:, None] >= value[None, :]) & (cost[:, None] <= cost[None, :])
    better = (value[:, None] > value[None, :]) | (cost[:, None] < cost[None, :])
    return np.asarray(~(as_good & better).any(axis=0))


def quotient_table(pareto: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Spearman's rho with the mean rank over tasks, for the models' value and for value per cost.

    Args:
        pareto: as `pareto_table` gives it.
        results: rows of all models' tasks, with the columns model, task, value.

    Returns:
        One row per kind of cost with `QUOTIENT_COLUMNS`; both correlations are over the same models.
    """
    agreement = (-rank_table(results).mean(axis=1)).rename("agreement")
    joined = pareto.merge(agreement, left_on="model", right_index=True)
    rows = [
        {
            "cost": cost,
            "value_spearman": _spearman(group["value"], group["agreement"]),
            "quotient_spearman": _spearman(group["value_per_cost"], group["agreement"]),
            "n_models": len(group),
        }
        for cost, group in joined.groupby("cost", sort=False)
    ]
    return pd.DataFrame(rows, columns=list(QUOTIENT_COLUMNS))


def _front(rows: pd.DataFrame) -> pd.DataFrame:
    """One kind of cost: the front and the quotient, cheapest first."""
    rows = rows.astype({"cost_value": float}).dropna(subset=["cost_value", "value"])
    on_front = pareto_front(rows["value"].to_numpy(), rows["cost_value"].to_numpy())
    per_cost = rows["value"] / rows["cost_value"].where(rows["cost_value"] > 0)
    rows = rows.assign(on_front=on_front, value_per_cost=per_cost)
    return rows.sort_values(["cost_value", "model"], ignore_index=True)


def _spearman(x: pd.Series, y: pd.Series) -> float:
    both = pd.concat([x, y], axis=1).dropna()
    if len(both) < 2:
        return float("nan")
    first, second = both.to_numpy().T
    return float(weighted_spearman(first, second, np.ones((1, len(both))))[0])


def tables(ranked: "Ranked") -> dict[str, pd.DataFrame]:
    """Score and cost of the models of one ranking."""
    return {"pareto": pareto_table(ranked["ranking"], ranked["cards"])}
