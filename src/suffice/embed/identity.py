"""The identity of an embedding: everything that its vectors depend on, and nothing else."""

import importlib.metadata
from collections.abc import Mapping
from typing import Any

from suffice.embed.base import Loader
from suffice.errors import ModelError
from suffice.secrets import without_secrets
from suffice.storage.files import sha256_of_json

NOT_IN_IDENTITY = frozenset({"batch_size", "device"})  # they change speed and memory, but not vectors


def embedding_identity(
    loader: Loader[Any],
    corpus_sha256: str,
) -> dict[str, Any]:
    """Everything that the vectors of one model on one corpus depend on.

    A setting that names a file or folder is replaced by the hash of its contents, so moving a file does not
    make a new embedding. The loader returns these hashes under "files_sha256" by the name of the setting.

    Args:
        loader: the model; settings that do not change vectors are left out.
        corpus_sha256: hash of the corpus' ids and contents.

    Returns:
        A JSON-compatible dict; see `identity_sha256` for its hash.
    """
    own = loader.identity() | ({"seed": loader.seed} if loader.is_random else {})
    contents = own.get("files_sha256", {})
    kept = {
        name: without_secrets(value) if isinstance(value, str) else value
        for name, value in loader.settings.model_dump(mode="json").items()
        if name not in NOT_IN_IDENTITY | loader.beside_identity and name not in contents
    }
    return {
        "kind": loader.kind,
        "settings": kept,
        "loader": own,
        "corpus_sha256": corpus_sha256,
        "versions": library_versions(loader),
    }


def library_versions(loader: Loader[Any] | type[Loader[Any]]) -> dict[str, str]:
    """Versions of the libraries that compute the vectors of a loader.

    Raises:
        ModelError: one of them is not installed.
    """
    try:
        return {name: importlib.metadata.version(name) for name in loader.libraries}
    except importlib.metadata.PackageNotFoundError as error:
        raise ModelError(f"models of kind {loader.kind} need the package {error.name}; install it") from None


def identity_sha256(identity: Mapping[str, Any]) -> str:
    """Hash of an identity, which decides whether an embedding is computed again."""
    return sha256_of_json(dict(identity))
