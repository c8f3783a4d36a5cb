"""The pool `api-docs`: the default study's 17 models and 6 tasks; looks are two paragraphs of one group.

Read from the results of the study (`make study`). A group is a class or function with its members, so that
tasks on package, module and retrieval within a docstring are about belonging together; those on the kind of
object and of section are not. The variant `api-docs-halves` has halves of paragraphs as looks.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from pool import (
    Card,
    Model,
    folder_of,
    read_card,
    write_card,
    write_groups,
    write_tasks,
    write_vectors,
)
from texts import halves_of

from suffice.data.columns import CONTENT, GROUP, ID, SPLIT
from suffice.data.corpus import Corpus
from suffice.embed.encode import encode_to
from suffice.embed.registry import build_loader
from suffice.jobs import loader_settings
from suffice.looks import paired_within_groups
from suffice.storage.files import open_array, read_json, read_table, whole_file, write_table
from suffice.study.read import load_study

NAME, HALVES = "api-docs", "api-docs-halves"
CONFIG = Path(__file__).resolve().parents[2] / "config" / "api-docs"
MIN_WORDS, MAX_HALVED = 8, 4_000
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


def make_halves_pool(cache: Path, results: Path) -> None:
    """Write the pool with halves of paragraphs as looks, unless it is there: every model embeds them."""
    folder = folder_of(cache, HALVES)
    if (folder / "pool.json").exists():
        return
    corpus = Corpus(results / "corpora" / f"{NAME}.parquet")
    halves, rows = _halves(corpus, cache / "text" / f"{HALVES}.parquet")
    models = load_study(CONFIG).models
    for name, model in sorted(models.items(), key=lambda item: bool(item[1].base_models)):
        loader = build_loader(model.kind, loader_settings(model, NAME, str(results)), SEED, "cpu")
        bases = [folder / "both" / f"{base}.npy" for base in model.base_models]
        vectors_of_halves = folder / "both" / f"{name}.npy"
        if not vectors_of_halves.exists():
            encoder = loader.open(corpus).for_looks([open_array(base) for base in bases])
            with whole_file(vectors_of_halves) as temporary:
                encode_to(temporary, encoder, halves, range(halves.n_items), name)
        first, second = np.split(open_array(vectors_of_halves), 2)
        write_vectors(folder, "items", name, open_array(results / "embeddings" / NAME / f"{name}.npy"))
        write_vectors(folder, "first", name, first)
        write_vectors(folder, "second", name, second)
    groups = np.asarray(corpus.column(GROUP))
    write_groups(folder, "items", groups)
    write_groups(folder, "looks", groups[rows])
    write_tasks(folder, results_of_tasks(results, sorted(models)))
    card = read_card(folder_of(cache, NAME))
    about = f"{card.about.split(' Looks:')[0]} Looks: halves of paragraphs of at least {MIN_WORDS} words."
    write_card(folder, replace(card, name=HALVES, looks="halves", about=about, variant_of=NAME))


def _halves(corpus: Corpus, path: Path) -> tuple[Corpus, npt.NDArray[np.int64]]:
    """First halves, then second halves, of a sample of long paragraphs; and the rows of these paragraphs."""
    table = corpus.table([ID, CONTENT, GROUP, SPLIT])
    long = np.flatnonzero([len(str(text).split()) >= MIN_WORDS for text in table[CONTENT]])
    rows = np.sort(np.random.default_rng(SEED).permutation(long)[:MAX_HALVED])
    chosen = table.iloc[rows]
    halves = [halves_of(str(text)) for text in chosen[CONTENT]]
    parts = [
        chosen.assign(
            **{CONTENT: [pair[number] for pair in halves], ID: chosen[ID].astype(str) + f":{number}"}
        )
        for number in (0, 1)
    ]
    write_table(pd.concat(parts, ignore_index=True), path)
    return Corpus(path), rows
