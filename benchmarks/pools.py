"""Pools of models with vectors and labelled tasks, made from a folder of data in the layout of a study.

    <pool>/corpora/<pool>.parquet          the unlabelled items that models are ranked on
    <pool>/embeddings/<pool>/<model>.npy   their vectors
    <pool>/all/<model>.npy                 the vectors of these and of the labelled items
    <pool>/tasks/<model>.csv               the results of the tasks

Existing files are not made again; delete the folder to start from the beginning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from suffice.data.columns import GROUP, SPLIT, TEST, TRAIN
from suffice.data.corpus import Corpus
from suffice.data.split import groups_for_test
from suffice.seeds import derive_seed
from suffice.storage.files import open_array, read_table, whole_file, write_table
from suffice.tasks.probes import run_probe
from suffice.tasks.settings import TaskSettings

SEED = 0
MAX_RANKED_ITEMS = 10_000
MAX_TRAIN, MAX_TEST = 1200, 800  # labelled items of a task
TEST_SHARE = MAX_TEST / (MAX_TRAIN + MAX_TEST)


@dataclass(frozen=True)
class Pool:
    """Vectors of the same items by several models, and how these do on tasks.

    Attributes:
        name: name of the pool.
        vectors: shape (n_items, embed_dim), by model.
        groups: group of each item.
        results: task results, with the columns model, task, value.
    """

    name: str
    vectors: dict[str, np.ndarray]
    groups: np.ndarray
    results: pd.DataFrame


@dataclass(frozen=True)
class LabelledTask:
    """A task on some of the items of a pool.

    Attributes:
        name: its name.
        settings: what is measured.
        table: its items with group, split and labels.
        rows: row of each of its items in the vectors of all items.
    """

    name: str
    settings: TaskSettings
    table: pd.DataFrame
    rows: np.ndarray


def read_pool(results: Path) -> Pool:
    """The pool in the results of a study with one ranked data set."""
    (corpus,) = (results / "corpora").glob("*.parquet")
    files = sorted((results / "embeddings" / corpus.stem).glob("*.npy"))
    return Pool(
        results.name,
        {path.stem: open_array(path) for path in files},
        Corpus(corpus).column(GROUP),
        pd.concat([read_table(results / "tasks" / f"{path.stem}.csv") for path in files], ignore_index=True),
    )


def write_ranked(folder: Path, corpus: pd.DataFrame, rows: np.ndarray, models: Sequence[str]) -> None:
    """Write the ranked items, and every model's vectors of them."""
    write_table(corpus, folder / "corpora" / f"{folder.name}.parquet")
    for model in models:
        with whole_file(folder / "embeddings" / folder.name / f"{model}.npy") as temporary:
            with temporary.open("wb") as stream:
                np.save(stream, open_array(folder / "all" / f"{model}.npy")[rows])


def write_task_results(folder: Path, tasks: Sequence[LabelledTask], models: Sequence[str]) -> None:
    """Probe every model that has no results yet."""
    for model in models:
        path = folder / "tasks" / f"{model}.csv"
        if not path.exists():
            vectors = open_array(folder / "all" / f"{model}.npy")
            write_table(pd.DataFrame([_result(model, task, vectors) for task in tasks]), path)
            print(f"{folder.name}: {model} probed", flush=True)


def _result(model: str, task: LabelledTask, vectors: np.ndarray) -> dict[str, object]:
    found = run_probe(task.settings, vectors[task.rows], task.table, derive_seed(SEED, task.name))
    return {
        "task": task.name,
        "model": model,
        "metric": found.metric,
        "value": found.value,
        "standard_error": found.standard_error,
        "chance": found.chance,
        "n_train": found.n_train,
        "n_test": found.n_test,
        "warnings": "; ".join(found.warnings),
    }


def with_random_split(items: pd.DataFrame, name: str) -> pd.DataFrame:
    """The items with whole groups dealt to train and test at random."""
    in_test = groups_for_test(items, TEST_SHARE, derive_seed(SEED, name, "split"))
    return items.assign(split=np.where(items[GROUP].isin(in_test), TEST, TRAIN))


def sample_of_splits(items: pd.DataFrame, name: str) -> pd.DataFrame:
    """At most 1200 training and 800 test items, at random, in their order."""
    seed = derive_seed(SEED, name, "sample")
    parts = [
        part.sample(min(len(part), limit), random_state=seed)
        for side, limit in ((TRAIN, MAX_TRAIN), (TEST, MAX_TEST))
        for part in (items[items[SPLIT] == side],)
    ]
    return pd.concat(parts).sort_index().reset_index(drop=True)
