"""On what kinds of tasks does the score agree? Tasks of several studies, pooled by what they ask for."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from suffice.analyses.task_dependence import INFORMATION, TRAITS
from suffice.errors import DataError
from suffice.storage.files import read_table, whole_files
from suffice.study.show import shown_rankings

N_RESAMPLES = 2000
COLUMNS = ("trait", "level", "n_tasks", "n_studies", "agreement", "difference", "low", "high")


def agreement_by_trait(results: Sequence[Path], ranking: str = "", seed: int = 0) -> pd.DataFrame:
    """Agreement of the score with tasks, by kind of task, kind of information, and properties of the task.

    `agreement` is the mean over tasks of Spearman's rho of score and task. Studies differ in agreement, so
    `difference` compares tasks within each study: the mean, over tasks, of a task's agreement minus the mean
    agreement of all other tasks of its study. Its 95 % interval resamples tasks within each study. It treats
    tasks as independent, which makes it too narrow. Numbers, such as that of the classes, have two levels:
    above the median of the study, or not.

    Args:
        results: folders with results of studies.
        ranking: name of the ranking in each; by default the first on its page.
        seed: seed of the resamples.

    Returns:
        One row per trait and level with `COLUMNS`; NaN where each study has only tasks of one level, or where
        a level has fewer than two tasks.

    Raises:
        DataError: a folder holds no results with tasks, or is there twice.
    """
    if len({path.resolve() for path in results}) < len(results):
        raise DataError("a folder with results is given twice; give each study once")
    tasks = pd.concat([tasks_of(path, ranking) for path in results], ignore_index=True)
    rng = np.random.default_rng(seed)
    rows = [
        {"trait": trait, "level": level, **_row(tasks, has_it, rng)}
        for trait, level, has_it in _levels(tasks)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def tasks_of(results: Path, ranking: str = "") -> pd.DataFrame:
    """The tasks of a study with their agreement and properties, and the columns study and `peers`.

    `peers` is the mean agreement of the study's other tasks.
    """
    names = [f"{path.parent.name}/{path.stem}" for path in shown_rankings(results)]
    wanted = [name for name in names if not ranking or name.partition("/")[2] == ranking]
    if not wanted:
        raise DataError(f"{results} has no ranking {ranking!r}; it has {', '.join(names)}")
    firsts = pd.DataFrame([name.split("/", 1) for name in wanted]).drop_duplicates(0).to_numpy()
    files = [
        path for pair in firsts for path in whole_files(results, "dependence/{}/{}.tasks.csv".format(*pair))
    ]
    if not files:
        raise DataError(
            f"{results} has no tasks to compare with; add tasks.tsv to the study and run it again"
        )
    tables = [read_table(path).dropna(subset=["agreement"]) for path in files]
    if not sum(map(len, tables)):
        raise DataError(f"{results} has no task with an agreement; it needs at least four models")
    tasks = pd.concat(tables, ignore_index=True)
    others = len(tasks) - 1
    peers = (tasks["agreement"].sum() - tasks["agreement"]) / others if others else np.nan
    return tasks.assign(study=str(results), peers=peers)


def _levels(tasks: pd.DataFrame) -> Iterator[tuple[str, str, pd.Series]]:
    """Trait, level, and which tasks have it."""
    for trait in ("kind", INFORMATION):
        if trait in tasks:
            for level in sorted(tasks[trait].dropna().unique()):
                yield trait, str(level), tasks[trait] == level
    for trait in TRAITS:
        values = tasks[trait].astype(float)
        median = values.groupby(tasks["study"]).transform("median")
        yield trait, "above the median", values > median
        yield trait, "up to the median", values <= median


def _row(tasks: pd.DataFrame, has_it: pd.Series, rng: np.random.Generator) -> dict[str, object]:
    chosen = tasks[has_it]
    differences = (chosen["agreement"] - chosen["peers"]).dropna()
    low, high = _interval(differences, chosen["study"], rng)
    return {
        "n_tasks": len(chosen),
        "n_studies": chosen["study"].nunique(),
        "agreement": chosen["agreement"].mean(),
        "difference": differences.mean(),
        "low": low,
        "high": high,
    }


def _interval(values: pd.Series, studies: pd.Series, rng: np.random.Generator) -> tuple[float, float]:
    """Percentile interval of the mean over resamples of the tasks within each study."""
    if len(values) < 2:
        return float("nan"), float("nan")
    parts = [part.to_numpy() for _, part in values.groupby(studies.loc[values.index])]
    sums = [part[rng.integers(len(part), size=(N_RESAMPLES, len(part)))].sum(axis=1) for part in parts]
    low, high = np.quantile(np.sum(sums, axis=0) / len(values), [0.025, 0.975])
    return float(low), float(high)
