"""What the page says of decisions: ways to choose, smaller pools, cost, and kinds of tasks."""

from dataclasses import dataclass

import pandas as pd

from suffice.analyses.cost import COSTS
from suffice.analyses.decision import describe_decision
from suffice.analyses.pool_sensitivity import WHOLE, describe_sensitivity
from suffice.analyses.recommendation import listed
from suffice.page.numbers import correlation, correlation_interval, integer, interval, number, percent, text
from suffice.page.tables import Column, Table, make_table

COST_WORDS = dict(zip(COSTS, ("seconds per 1,000 items", "parameters", "width"), strict=True))
TRAIT_WORDS = {
    "n_classes": "number of classes",
    "n_items": "number of items",
    "solvability": "how solvable the task is",
}
DECISION = (
    Column("predictor", "Way to choose"),
    Column("picks", "Picks"),
    Column("regret_at_1", "Regret", number),
    Column("regret_at_1_low", "95 % interval", interval, "regret_at_1_low", "regret_at_1_high"),
    Column("regret_at_3", "Regret, best of 3", number),
    Column("regret_at_3_low", "95 % interval", interval, "regret_at_3_low", "regret_at_3_high"),
    Column("beats_widest", "Beats the widest", percent),
    Column("spearman", "Spearman", correlation),
    Column("spearman_low", "95 % interval", correlation_interval, "spearman_low", "spearman_high"),
    Column("kendall", "Kendall", correlation),
    Column("top_k_spearman", "Spearman, top models", correlation),
    Column("top_k", "of", integer),
    Column("n_models", "Models", integer),
    Column("predictor_kind", "Kind"),
)
SENSITIVITY = (
    Column("change", "Pool"),
    Column("left_out", "Left out"),
    Column("n_models", "Models", integer),
    Column("winner", "Winner"),
    Column("verdict", "Changes"),
    Column("kendall_tau", "Kendall with the whole", correlation),
)
PARETO = (
    Column("model", "Model"),
    Column("cost", "Cost"),
    Column("cost_value", "Value", number),
    Column("value", "Value", number),
    Column("value_per_cost", "Value / cost", number),
)
QUOTIENT = (
    Column("cost", "Cost"),
    Column("value_spearman", "Spearman of the value", correlation),
    Column("quotient_spearman", "Spearman of value / cost", correlation),
    Column("n_models", "Models", integer),
)
DEPENDENCE = (
    Column("trait", "Trait of the task"),
    Column("value", "Spearman with the agreement", correlation),
    Column("low", "95 % interval", correlation_interval, "low", "high"),
    Column("n_tasks", "Tasks", integer),
    Column("note", "Note", text),
)


@dataclass(frozen=True)
class DecisionView:
    """What one data set and estimator say on decisions, written.

    Attributes:
        sentence: what choosing by the score would have lost; empty without tasks.
        ways: the decision table; None without tasks.
        pool: whether a smaller pool has another winner, in a sentence; empty if not made.
        pools: the smaller pools.
        front: models that no other dominates, a row a kind of cost and model.
        quotient: what dividing by cost does; None without tasks.
        traits: agreement against what tasks are like; None without tasks.
    """

    sentence: str
    ways: Table | None
    pool: str
    pools: Table | None
    front: Table | None
    quotient: Table | None
    traits: Table | None


def view_decision(  # noqa: PLR0913 - each is a table of its own
    estimator: str,
    decision: pd.DataFrame | None = None,
    sensitivity: pd.DataFrame | None = None,
    pareto: pd.DataFrame | None = None,
    quotient: pd.DataFrame | None = None,
    dependence: pd.DataFrame | None = None,
) -> DecisionView:
    """The tables on decisions as the page shows them; those that are None or empty are left out."""
    return DecisionView(
        sentence="" if decision is None else describe_decision(decision, estimator),
        ways=_written(
            _with_few_picks(decision),
            DECISION,
            "Ways to choose, the smallest regret first; regret in task units",
        ),
        pool="" if sensitivity is None else describe_sensitivity(sensitivity),
        pools=_written(_with_verdict(sensitivity), SENSITIVITY, "The ranking of smaller pools"),
        front=_written(_front(pareto), PARETO, "Models that no other beats for the same cost or less"),
        quotient=_written(_named(quotient, "cost", COST_WORDS), QUOTIENT, "Agreement with the mean rank"),
        traits=_written(_named(dependence, "trait", TRAIT_WORDS), DEPENDENCE, "Agreement and kinds of tasks"),
    )


def _written(table: pd.DataFrame | None, columns: tuple[Column, ...], caption: str) -> Table | None:
    return None if table is None or table.empty else make_table(table, columns, caption)


def _named(table: pd.DataFrame | None, column: str, words: dict[str, str]) -> pd.DataFrame | None:
    """The table with the names in one column replaced by words."""
    return None if table is None else table.assign(**{column: table[column].map(words)})


def _front(pareto: pd.DataFrame | None) -> pd.DataFrame | None:
    """The models on a front."""
    return None if pareto is None else _named(pareto[pareto["on_front"].astype(bool)], "cost", COST_WORDS)


def _with_few_picks(decision: pd.DataFrame | None) -> pd.DataFrame | None:
    """The ways to choose, of many tied picks the first ones alone and how many more."""
    if decision is None:
        return None
    written = [listed(picks.split(", ")) if isinstance(picks, str) else "" for picks in decision["picks"]]
    return decision.assign(picks=written)


def _with_verdict(sensitivity: pd.DataFrame | None) -> pd.DataFrame | None:
    """The smaller pools with a word on their winner, those that change it first."""
    if sensitivity is None:
        return None
    pools = sensitivity[sensitivity["change"] != WHOLE]
    rank = pools["winner_changes"].astype(int) + pools["beyond_ties"].astype(int)
    words = rank.map({0: "", 1: "within the tie", 2: "beyond the tie"})
    pools = pools.assign(verdict=words, order=-rank)
    return pools.sort_values(["order", "kendall_tau"], kind="stable")
