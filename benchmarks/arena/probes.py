"""The labelled tasks of a pool, measured by the library's probes: the same for every pool.

Linear probes choose their penalty by cross-validation inside the training items; clustering and retrieval
fit nothing. All models meet the same folds and starts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from pool import TASK_COLUMNS

from suffice.data.columns import GROUP, SPLIT, TEST, TRAIN
from suffice.seeds import derive_seed
from suffice.tasks.probes import run_probe
from suffice.tasks.retrieval import DOCUMENT, QUERY
from suffice.tasks.settings import TaskSettings

SEED = 0
TRAIN_SHARE = 0.6
MIN_ITEMS_PER_CLASS = 5  # classes with fewer training items are left out


@dataclass(frozen=True)
class Task:
    """A labelled task.

    Attributes:
        name: its name.
        settings: what is measured.
        table: its items, with the columns that the probe reads.
        rows: row of each of its items in a model's vectors.
    """

    name: str
    settings: TaskSettings
    table: pd.DataFrame
    rows: npt.NDArray[np.int64]


def labelled_task(
    name: str,
    kind: str,
    labels: npt.ArrayLike,
    rows: npt.ArrayLike,
    groups: npt.ArrayLike | None = None,
) -> Task:
    """A task made from one label per item.

    Whole groups are dealt at random to training and test items (classification, regression) or to queries and
    documents (retrieval of the items with the same label); clustering uses all items.

    Args:
        name: its name.
        kind: "classification", "regression", "clustering" or "retrieval".
        labels: class or number of each item; items whose label is missing take no part.
        rows: row of each item in a model's vectors.
        groups: group of each item; None: each is a group of its own.
    """
    positions = np.asarray(rows)
    table = pd.DataFrame({"label": labels, GROUP: positions if groups is None else np.asarray(groups)})
    numbers, codes = np.unique(table[GROUP].to_numpy(), return_inverse=True)
    generator = np.random.default_rng(derive_seed(SEED, name))
    first = (generator.permutation(len(numbers)) < TRAIN_SHARE * len(numbers))[codes]
    table[SPLIT], table["role"] = np.where(first, TRAIN, TEST), np.where(first, DOCUMENT, QUERY)
    return Task(name, _settings(kind), table, positions)


def _settings(kind: str) -> TaskSettings:
    if kind == "retrieval":
        return TaskSettings(kind="retrieval", relevance="label")
    if kind == "classification":
        return TaskSettings(kind="classification", label="label", min_items_per_class=MIN_ITEMS_PER_CLASS)
    return TaskSettings.model_validate({"kind": kind, "label": "label"})


def scored_pairs_task(name: str, first: npt.ArrayLike, second: npt.ArrayLike, scores: npt.ArrayLike) -> Task:
    """Similarity: Spearman's rho of the cosine of two items and people's score of the pair.

    Args:
        name: its name.
        first: row of the first item of each pair in a model's vectors.
        second: row of the second.
        scores: score of each pair.
    """
    rows = np.concatenate([np.asarray(first), np.asarray(second)])
    n_pairs = len(rows) // 2
    table = pd.DataFrame(
        {
            "label": np.tile(np.asarray(scores), 2),
            "pair": np.tile(np.arange(n_pairs), 2),
            "side": np.repeat(["first", "second"], n_pairs),
            GROUP: rows,
        }
    )
    return Task(name, TaskSettings(kind="similarity", label="label"), table, rows)


def measure_tasks(
    tasks: Sequence[Task], vectors: Mapping[str, npt.NDArray[np.floating]], progress: bool = True
) -> pd.DataFrame:
    """The results of all tasks for all models, with `TASK_COLUMNS`.

    Args:
        tasks: the tasks.
        vectors: vectors by model, shape (n_items, embed_dim); tasks name their rows.
        progress: print a line per model.
    """
    found = []
    for model, array in vectors.items():
        found += [_row(task, model, array) for task in tasks]
        if progress:
            print(f"{model}: {len(tasks)} tasks measured", flush=True)
    return pd.DataFrame(found, columns=TASK_COLUMNS)


def _row(task: Task, model: str, vectors: npt.NDArray[np.floating]) -> dict[str, object]:
    result = run_probe(task.settings, vectors[task.rows], task.table, derive_seed(SEED, task.name))
    return {
        "task": task.name,
        "kind": task.settings.kind,
        "model": model,
        "value": result.value,
        "standard_error": result.standard_error,
    }
