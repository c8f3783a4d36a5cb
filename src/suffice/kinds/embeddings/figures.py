"""The figures of a study: which there are, and which tables each one draws.

A figure's module and its function are found by its name.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.analyses.correlation import mean_rank_table
from suffice.plots.style import Drawn, Families
from suffice.ranking.arrays import of_first_estimator
from suffice.ranking.looks import ranked_pairs
from suffice.storage.files import read_table

CURVES = "checkpoint_curves"
FIGURES_OF_RANKING = (
    "rank_bars",
    "pair_matrix",
    "model_graph",
    "ranking_by_items",
    CURVES,
    "pareto_front",
    "pool_sensitivity",
)
FIGURES_OF_TASKS = ("score_against_tasks", "predictors", "task_dependence")
EXTRA_FIGURES = ("few_labels", "lost_directions")
"""Figures that a study has if it asks for them."""


@dataclass(frozen=True)
class StudyTables:
    """The tables of one ranking of one data set.

    Attributes:
        pairs: the pairs that models are ranked by, of the first estimator.
        ranking: the ranking.
        by_items: what it would have been with fewer items.
        correlation: how well scores and baselines foretell the tasks; None without tasks.
        tasks: the results of all models; None without tasks.
        models: model, family, training ((name, step) or None) of each model.
        pareto: score and cost.
        sensitivity: the ranking of smaller pools.
        dependence: agreement with each task and what it is like; None without tasks.
        few_labels: what a few labels add to the ranking; None if not made.
        explained: directions that sources do not give of targets; None if not made.
    """

    pairs: pd.DataFrame
    ranking: pd.DataFrame
    by_items: pd.DataFrame
    correlation: pd.DataFrame | None
    tasks: pd.DataFrame | None
    models: pd.DataFrame
    pareto: pd.DataFrame
    sensitivity: pd.DataFrame
    dependence: pd.DataFrame | None
    few_labels: pd.DataFrame | None = None
    explained: pd.DataFrame | None = None

    @classmethod
    def read(
        cls,
        pairs: Sequence[str],
        ranking: tuple[str, str],
        correlation: Sequence[str],
        tasks: Sequence[str],
        models: Sequence[dict[str, Any]],
        decision: tuple[str, str, Sequence[str]],
        extras: tuple[Sequence[str], Sequence[str]] = ((), ()),
    ) -> "StudyTables":
        """Read the tables from their files.

        `ranking` is that of all items and that of fewer; `correlation` and `tasks` are empty without tasks.
        `decision` holds the tables of cost, of smaller pools and of kinds of tasks (empty without tasks),
        `extras` those on few labels and on explained pairs (each empty if not made).
        """
        if not pairs:
            raise ValueError("no pairs tables were given; give one a target")
        whole, by_items = map(read_table, ranking)
        cost, pools, kinds = decision
        more = read_table(cost), read_table(pools), _concatenated(kinds)
        asked = map(_concatenated, extras)
        return cls(
            of_first_estimator(ranked_pairs(pairs)),
            whole,
            by_items,
            _concatenated(correlation),
            _concatenated(tasks),
            pd.DataFrame(list(models)),
            *more,
            *asked,
        )

    @property
    def families(self) -> Families:
        """Family of each model, in the order of the study's table."""
        return Families.from_table(self.models)

    def checkpoints(self) -> pd.DataFrame:
        """The models that are checkpoints of a training: model, series, step, score and its interval."""
        trained = self.models[self.models["training"].notna()]
        named = trained.assign(series=trained["training"].str[0], step=trained["training"].str[1])
        return named.merge(self.ranking, on="model").sort_values(["series", "step"], ignore_index=True)


def _concatenated(files: Sequence[str]) -> pd.DataFrame | None:
    return pd.concat(map(read_table, map(Path, files)), ignore_index=True) if files else None


def draw_figure(name: str, tables: StudyTables, estimator: str, seed: int) -> Drawn:
    """Draw one figure by its name.

    Args:
        name: one of `FIGURES_OF_RANKING`, `FIGURES_OF_TASKS` or `EXTRA_FIGURES`.
        tables: what is drawn.
        estimator: name of the estimator the ranking was made with.
        seed: seed of layouts.
    """
    draw: Callable[..., Drawn] = getattr(importlib.import_module(f"suffice.plots.{name}"), f"draw_{name}")
    return draw(*_arguments(name, tables, estimator, seed))


def _arguments(name: str, tables: StudyTables, estimator: str, seed: int) -> tuple[Any, ...]:
    if name == "rank_bars":
        return tables.ranking, tables.families
    if name == "pair_matrix":
        return tables.pairs, tables.families
    if name == "model_graph":
        return tables.pairs, tables.ranking, 2, seed
    if name == "ranking_by_items":
        return tables.by_items, tables.ranking
    if name == CURVES:
        return tables.checkpoints(), tables.tasks
    if name == "pareto_front":
        return tables.pareto, tables.families
    alone = {
        "predictors": tables.correlation,
        "pool_sensitivity": tables.sensitivity,
        "task_dependence": tables.dependence,
        "few_labels": tables.few_labels,
        "lost_directions": tables.explained,
    }
    if name in alone:
        return (alone[name],)
    evidence = importlib.import_module("suffice.plots.score_against_tasks").Evidence
    mean_ranks = mean_rank_table(tables.tasks) if tables.tasks is not None else None
    return tables.ranking, evidence(tables.tasks, mean_ranks, tables.correlation), tables.families, estimator
