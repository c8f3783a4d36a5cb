"""The kinds of embedding models, one line per kind."""

import difflib
from typing import Any

from suffice.embed.api import Api
from suffice.embed.audio_features import AudioFeatures
from suffice.embed.audio_model import AudioModel
from suffice.embed.bag_of_words import BagOfWords
from suffice.embed.base import Loader
from suffice.embed.concatenation import Concatenation
from suffice.embed.corpus_word_vectors import CorpusWordVectors
from suffice.embed.fingerprint import FingerprintLoader
from suffice.embed.graph_network import GraphNetwork
from suffice.embed.hidden_states import HiddenStates
from suffice.embed.image_model import ImageModel
from suffice.embed.image_pixels import ImagePixels
from suffice.embed.molecule_descriptors import MoleculeDescriptors
from suffice.embed.next_token import NextToken
from suffice.embed.onnx_checkpoint import Onnx
from suffice.embed.onnx_image import OnnxImage
from suffice.embed.own_function import OwnFunction
from suffice.embed.policy import PolicyLoader
from suffice.embed.precomputed import Precomputed
from suffice.embed.principal_components import PrincipalComponents
from suffice.embed.sentence_transformer import SentenceTransformer
from suffice.embed.static import Static
from suffice.embed.word_vectors import WordVectors
from suffice.errors import ModelError

LOADERS: dict[str, type[Loader[Any]]] = {
    "api": Api,
    "audio_features": AudioFeatures,
    "audio_model": AudioModel,
    "bag_of_words": BagOfWords,
    "callable": OwnFunction,
    "concatenation": Concatenation,
    "corpus_word_vectors": CorpusWordVectors,
    "fingerprint": FingerprintLoader,
    "graph_network": GraphNetwork,
    "hidden_states": HiddenStates,
    "image_model": ImageModel,
    "image_pixels": ImagePixels,
    "molecule_descriptors": MoleculeDescriptors,
    "next_token": NextToken,
    "onnx": Onnx,
    "onnx_image": OnnxImage,
    "policy": PolicyLoader,
    "precomputed": Precomputed,
    "principal_components": PrincipalComponents,
    "sentence_transformer": SentenceTransformer,
    "static": Static,
    "word_vectors": WordVectors,
}


def get_loader(kind: str) -> type[Loader[Any]]:
    """The loader class of one kind.

    Raises:
        ModelError: the kind is unknown; the message lists the kinds and the closest one.
    """
    if kind in LOADERS:
        return LOADERS[kind]
    close = difflib.get_close_matches(kind, LOADERS, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    raise ModelError(f"unknown loader {kind!r}{hint}; use one of {', '.join(sorted(LOADERS))}")


def build_loader(kind: str, settings: dict[str, Any], seed: int, device: str) -> Loader[Any]:
    """A loader from the name of its kind and its settings."""
    loader = get_loader(kind)
    return loader(loader.Settings(**settings), seed=seed, device=device)
