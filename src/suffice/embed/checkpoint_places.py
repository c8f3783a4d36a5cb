"""Where a checkpoint is: in a folder, a package or the cache of the hub; and whether it is the one named."""

import importlib.util
import re
from pathlib import Path

from suffice.embed.opened import CONFIGURATION, PICKLED_WEIGHTS
from suffice.errors import ModelError, NotFetchedError
from suffice.storage.files import sha256_of_file, user_path

PACKAGE_PREFIX = "package:"
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")


def resolve_checkpoint(checkpoint: str, base: Path) -> str:
    """The absolute path of a local checkpoint, or the unchanged hub name.

    Args:
        checkpoint: `package:NAME` or `package:NAME/sub/folder` (located without importing the package),
            a path, absolute or relative to `base`, or a hub name such as "owner/name".
        base: folder that relative paths start from.

    Raises:
        ModelError: the package or the path does not exist, or the text has none of the three forms.
    """
    if checkpoint.startswith(PACKAGE_PREFIX):
        return str(_inside_package(checkpoint))
    path = user_path(checkpoint, base).absolute()
    if path.exists():
        return str(path)
    if HUB_NAME.fullmatch(checkpoint) and not checkpoint.endswith(PICKLED_WEIGHTS + CONFIGURATION):
        return checkpoint
    raise ModelError(
        f"checkpoint {checkpoint!r} is not a hub name (owner/name), and {path} does not exist; correct it"
    )


def _inside_package(checkpoint: str) -> Path:
    name, _, inside = checkpoint.removeprefix(PACKAGE_PREFIX).partition("/")
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"checkpoint {checkpoint!r}: no Python package {name!r} is installed; install it")
    candidates = [Path(folder) / inside for folder in spec.submodule_search_locations]
    for candidate in candidates:
        if candidate.exists():
            return candidate.absolute()
    raise ModelError(
        f"checkpoint {checkpoint!r}: the package is installed but {candidates[0]} does not exist"
    )


def is_local(location: str) -> bool:
    """Whether the result of `resolve_checkpoint` is a path rather than a hub name."""
    return Path(location).is_absolute()


def check_checkpoint(
    checkpoint: str, base: Path, *, marker: str = "config.json", revision: str | None = None
) -> None:
    """Raise ModelError if a check without network shows that `checkpoint` cannot be loaded.

    Args:
        checkpoint: as for `resolve_checkpoint`.
        base: folder that relative paths start from.
        marker: the file that a checkpoint of this kind must have.
        revision: commit, tag or branch of a hub name.

    Raises:
        ModelError: a local folder lacks `marker` or has a revision, or a hub name is not in the local cache.
    """
    location = resolve_checkpoint(checkpoint, base)
    if not is_local(location):
        if cached_file(location, marker, revision) is None:
            raise NotFetchedError(not_cached(location, revision))
        return
    if revision is not None:
        raise ModelError(f"revision {revision!r} is for hub names, but {checkpoint!r} is local; remove it")
    if not (Path(location) / marker).is_file():
        raise ModelError(f"{location} has no {marker}, so it is not a checkpoint of this kind of model")


def not_cached(name: str, revision: str | None) -> str:
    """What to do about a hub checkpoint that is not in the cache."""
    option = f" --revision {revision}" if revision else ""
    which = f" of revision {revision}" if revision else ""
    return (
        f"{name!r} is not a local folder, and this checkpoint{which} is not in the local cache; "
        "run `suffice fetch STUDY` on a machine with network and the same cache, "
        f"or `hf download {name}{option}`, or give the path of a local copy"
    )


def cached_file(name: str, filename: str, revision: str | None = None) -> Path | None:
    """Path of one file of a hub checkpoint in the local cache; None if it is missing. Uses no network."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, filename, revision=revision)
    return Path(found) if isinstance(found, str) else None


def snapshot(name: str, marker: str, revision: str | None = None) -> Path:
    """Folder of a hub checkpoint in the local cache, named by the commit of `revision`. Uses no network.

    Raises:
        ModelError: it is not in the cache.
    """
    path = cached_file(name, marker, revision)
    if path is None:
        raise NotFetchedError(not_cached(name, revision))
    return path.parents[len(Path(marker).parts) - 1]


def check_sha256(file: Path | None, expected: str, checkpoint: str) -> None:
    """Compare the hash of a checkpoint's model.safetensors with the one a study expects.

    Raises:
        ModelError: the file is missing or has another hash; both hashes are named.
    """
    if file is None or not file.is_file():
        raise ModelError(f"{checkpoint} has no model.safetensors to compare with sha256 {expected}")
    actual = sha256_of_file(file)
    if actual != expected:
        raise ModelError(
            f"model.safetensors of {checkpoint} has SHA-256 {actual}, but the setting sha256 is {expected}; "
            "it is a different checkpoint, or it is damaged"
        )
