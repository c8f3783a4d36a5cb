"""The identity of an embedding: everything its vectors depend on, and nothing else."""

import importlib.metadata
from collections.abc import Mapping
from typing import Any

from suffice.errors import ModelError
from suffice.files import sha256_of_json
from suffice.settings import Settings

NOT_IN_IDENTITY = frozenset({"batch_size", "device"})  # change speed and memory, but no vector

TRANSFORMERS = ("torch", "transformers", "tokenizers")
LIBRARIES: dict[str, tuple[str, ...]] = {
    "bag_of_words": ("scikit-learn", "scipy"),
    "corpus_word_vectors": ("scikit-learn", "scipy"),
    "hidden_states": TRANSFORMERS,
    "precomputed": (),
    "principal_components": ("numpy",),
    "sentence_transformer": (*TRANSFORMERS, "sentence-transformers"),
    "word_vectors": (),
}


def embedding_identity(
    loader_kind: str,
    settings: Settings,
    loader_identity: Mapping[str, Any],
    corpus_sha256: str,
    seed: int | None = None,
) -> dict[str, Any]:
    """Everything that the vectors of one model on one corpus depend on.

    A setting that names a file or folder is replaced by the hash of its contents, which the loader gives
    under "files_sha256" with the setting's name, so that moving a file makes no new embedding.

    Args:
        loader_kind: kind of the loader.
        settings: the loader's settings; those that change no vector are left out.
        loader_identity: what the loader's `identity()` returned.
        corpus_sha256: hash of the corpus' ids and contents.
        seed: the seed, for models that depend on one and do not say so in `loader_identity`.

    Returns:
        A JSON-compatible dict; see `identity_sha256` for its hash.
    """
    contents = loader_identity.get("files_sha256", {})
    kept = {
        name: value
        for name, value in settings.model_dump(mode="json").items()
        if name not in NOT_IN_IDENTITY and name not in contents
    }
    identity = {
        "kind": loader_kind,
        "settings": kept,
        "loader": dict(loader_identity),
        "corpus_sha256": corpus_sha256,
        "versions": library_versions(loader_kind),
    }
    return identity if seed is None else identity | {"seed": seed}


def library_versions(loader_kind: str) -> dict[str, str]:
    """Versions of the libraries that do the computation of one kind of loader.

    Raises:
        ModelError: one of them is not installed.
    """
    try:
        return {name: importlib.metadata.version(name) for name in LIBRARIES.get(loader_kind, ())}
    except importlib.metadata.PackageNotFoundError as error:
        raise ModelError(f"models of kind {loader_kind} need the package {error.name}; install it") from None


def identity_sha256(identity: Mapping[str, Any]) -> str:
    """Hash of an identity: what decides whether an embedding is computed again."""
    return sha256_of_json(dict(identity))
