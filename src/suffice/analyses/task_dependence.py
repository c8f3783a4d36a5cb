"""On which tasks does the score agree? Agreement against properties of the tasks."""

from typing import TYPE_CHECKING

import pandas as pd

from suffice.analyses.choice import estimate
from suffice.analyses.correlation import STATISTICS, Bootstrap
from suffice.ranking.table import ordering_values

if TYPE_CHECKING:
    from suffice.analyses.base import Ranked

TRAITS = ("n_classes", "n_items", "solvability")
INFORMATION = "information"
TASK_COLUMNS = ("task", "kind", "agreement", "n_models", *TRAITS)
DEPENDENCE_COLUMNS = ("trait", "statistic", "value", "low", "high", "n_tasks", "note")


def task_agreement(scores: pd.Series, results: pd.DataFrame) -> pd.DataFrame:
    """For each task, its agreement with the score and its properties.

    `agreement` is Spearman's rho of score and task over models. `n_items` is the mean number of training and
    test items; `solvability` is the share of the way from chance to 1 that the mean over models reaches,
    (mean - chance) / (1 - chance), which is Cohen's correction (Educ. Psychol. Meas. 20, 1960) of an
    accuracy.

    Args:
        scores: value by model, higher is better.
        results: task, kind, model, value, chance, n_train, n_test, n_classes.

    Returns:
        One row per task with `TASK_COLUMNS`; NaN where a property is not defined.
    """
    rows = [_task(str(name), rows, scores) for name, rows in results.groupby("task", sort=False)]
    return pd.DataFrame(rows, columns=list(TASK_COLUMNS))


def task_dependence(
    tasks: pd.DataFrame, confidence_level: float = 0.95, n_resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Spearman's rho over tasks between the agreement and each property, with an interval over tasks.

    The tasks of a study are few and not independent, so the true uncertainty is larger than the interval.

    Args:
        tasks: as `task_agreement` gives it.
        confidence_level: nominal coverage of the intervals.
        n_resamples: number of resamples of the tasks.
        seed: seed of the resamples.

    Returns:
        One row per property with `DEPENDENCE_COLUMNS`.
    """
    bootstrap = Bootstrap(confidence_level, n_resamples, seed)
    table = tasks.set_index("task")
    rows = []
    for trait in TRAITS:
        found = estimate(table["agreement"], table[trait], bootstrap, STATISTICS["spearman"]).as_row()
        note = str(found["note"]).replace("model(s)", "task(s)").replace("models", "tasks")
        cells = {"n_tasks": found["n_models"], "note": note}
        rows.append({"trait": trait, "statistic": "spearman", **found, **cells})
    return pd.DataFrame(rows, columns=list(DEPENDENCE_COLUMNS))


def _task(name: str, rows: pd.DataFrame, scores: pd.Series) -> dict[str, object]:
    by_model = rows.set_index("model")
    bootstrap = Bootstrap(n_resamples=100)
    found = estimate(scores, by_model["value"], bootstrap, STATISTICS["spearman"])
    chance = rows["chance"].mean()
    return {
        "task": name,
        "kind": rows["kind"].iloc[0],
        "agreement": found.value,
        "n_models": found.n_models,
        "n_classes": rows["n_classes"].astype(float).mean(),
        "n_items": (rows["n_train"] + rows["n_test"]).mean(),
        "solvability": (rows["value"].mean() - chance) / (1 - chance) if chance < 1 else float("nan"),
    }


def tables(ranked: "Ranked") -> dict[str, pd.DataFrame]:
    """The agreement of one ranking with each task, and how it depends on the tasks' properties."""
    tasks = task_agreement(ordering_values(ranked["ranking"]), ranked["tasks"])
    settings = dict(ranked.settings)
    information = settings.pop(INFORMATION)
    return {
        "agreement_by_task": tasks.assign(information=tasks["task"].map(information)),
        "dependence": task_dependence(tasks, **settings),
    }
