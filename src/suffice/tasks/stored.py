"""Task results of a study's embeddings: results in the store are read, others are measured and stored."""

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.data.corpus import Corpus
from suffice.errors import SufficeError
from suffice.seeds import derive_seed
from suffice.storage.files import open_array, read_json, sha256_of_file, sha256_of_json
from suffice.storage.provenance import computed_by
from suffice.storage.store import ResultStore
from suffice.tasks.probes import run_probe
from suffice.tasks.result import TASK_COLUMNS
from suffice.tasks.settings import TaskSettings, columns_of_task

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TaskData:
    """The corpus of one data set and one model's vectors of it (`.npy`, with its card beside it)."""

    corpus: Corpus
    vectors: str

    @cached_property
    def sha256(self) -> tuple[str, str]:
        """Hashes of the corpus with its labels, and of the vectors."""
        card = read_json(Path(self.vectors).with_suffix(".json"))
        return sha256_of_file(self.corpus.path), str(card["array_sha256"])


def probes_of_model(
    tasks: Mapping[str, tuple[str, dict[str, Any]]],
    data: Mapping[str, TaskData],
    model: str,
    seed: int,
    store: ResultStore,
) -> pd.DataFrame:
    """The results of all tasks for one model.

    Args:
        tasks: data set and settings of each task, by its name.
        data: corpus and vectors of each data set, by its name.
        model: the model's name.
        seed: base seed. Each task's seed derives from it, the data set and the task, but not from the model,
            so all models have the same folds.
        store: keeps each result as soon as it is measured.

    Returns:
        One row per task, with `TASK_COLUMNS`.

    Raises:
        SufficeError: labels or vectors do not suit a task; the message names task, data set and model.
    """
    rows = [
        {"task": task, "kind": given["kind"], "dataset": dataset, "model": model}
        | _stored_result(
            TaskSettings(**given), data[dataset], derive_seed(seed, dataset, task), store, f"{model}, {task}"
        )
        for task, (dataset, given) in tasks.items()
    ]
    return pd.DataFrame(rows, columns=list(TASK_COLUMNS)).astype({"n_classes": "Int64"})


def _stored_result(
    settings: TaskSettings, data: TaskData, seed: int, store: ResultStore, words: str
) -> dict[str, Any]:
    """The result of one task from the store, or measured now and stored."""
    depends_on = {
        "data": data.sha256,
        "settings": settings.model_dump(mode="json"),
        "seed": seed,
    }
    key = sha256_of_json(depends_on | computed_by("suffice.tasks.probes"))
    result = store.kept(key, lambda: _measure(settings, data, seed, words))
    for warning in result["warnings"]:
        log.warning("%s: %s", words, warning)
    return result | {"warnings": "; ".join(result["warnings"])}


def _measure(settings: TaskSettings, data: TaskData, seed: int, words: str) -> dict[str, Any]:
    """Run a probe. An error names model and task."""
    start = time.perf_counter()
    table = data.corpus.table(columns_of_task(settings))
    try:
        result = run_probe(settings, open_array(data.vectors), table, seed)
    except SufficeError as error:
        raise type(error)(f"{words}: {error}") from error
    return asdict(result) | {"seconds": time.perf_counter() - start}
