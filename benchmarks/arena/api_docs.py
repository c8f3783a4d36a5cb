"""The pool `api-docs`: the default study's 17 models and 6 tasks; looks are two paragraphs of one group.

Read from the results of the study (`make study`). A group is a class or function with its members, so that
tasks on package, module and retrieval within a docstring are about belonging together; those on the kind of
object and of section are not.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from pool import Card, Model, folder_of, write_card, write_groups, write_tasks, write_vectors

from suffice.data.corpus import GROUP, Corpus
from suffice.files import open_array, read_json, read_table
from suffice.looks import paired_within_groups

NAME = "api-docs"
SEED = 0
ABOUT = (
    "Paragraphs of docstrings of six Python packages, 17 models of the default study. Looks: two paragraphs "
    "of one class or function. Four of six tasks (package, module, its clusters, retrieval) are about what "
    "belongs together; kind and section are not."
)


def make_pool(cache: Path, results: Path) -> None:
    """Write the pool from the results of the default study, unless it is there."""
    folder = folder_of(cache, NAME)
    if (folder / "pool.json").exists():
        return
    groups = np.asarray(Corpus(results / "corpora" / f"{NAME}.parquet").column(GROUP))
    pairs = paired_within_groups(groups, SEED)
    paths = sorted((results / "embeddings" / NAME).glob("*.npy"))
    for path in paths:
        vectors = open_array(path)
        write_vectors(folder, "items", path.stem, vectors)
        write_vectors(folder, "first", path.stem, vectors[pairs.first_rows])
        write_vectors(folder, "second", path.stem, vectors[pairs.second_rows])
    write_groups(folder, "items", groups)
    write_groups(folder, "looks", groups[pairs.first_rows])
    write_tasks(folder, results_of_tasks(results, [path.stem for path in paths]))
    write_card(folder, Card(NAME, "text", "group", ABOUT, tuple(_model(path) for path in paths)))


def results_of_tasks(results: Path, models: list[str]) -> pd.DataFrame:
    """The results of the study's tasks."""
    found = pd.concat([read_table(results / "tasks" / f"{model}.csv") for model in models], ignore_index=True)
    return found[["task", "kind", "model", "value", "standard_error"]]


def _model(path: Path) -> Model:
    cost = read_json(path.with_suffix(".json"))["cost"]
    name = path.stem
    return Model(
        name,
        family=_family(name),
        pretrained=name.startswith("minilm"),
        untrained=name in ("random-transformer", "docbert-0"),
        n_parameters=cost["n_parameters"],
        embed_dim=cost["embed_dim"],
    )


def _family(name: str) -> str:
    """Layers, components and checkpoints of one network, and counts of one kind, are relatives."""
    return name.split("-")[0]
