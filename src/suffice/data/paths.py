"""Paths of the files of a data set: relative to the study, absolute, or inside an installed package."""

import importlib.util
from pathlib import Path

from suffice.errors import DataError
from suffice.storage.fetch import is_url
from suffice.storage.files import user_path

PACKAGE_PREFIX = "package:"
MADE_PREFIX = "made:"
SEPARATOR = ","


def resolve_paths(text: str, base: Path, several: bool) -> str:
    """The paths in a cell as absolute paths, joined by commas if there are several.

    Args:
        text: a path, or several separated by commas; `package:NAME/file` is inside a Python package, which is
            located without being imported; `made:NAME` is a file that the workflow makes.
        base: folder that relative paths start from.
        several: whether commas separate paths; otherwise they are part of the name.

    Raises:
        DataError: a package is not installed.
    """
    parts = [part.strip() for part in text.split(SEPARATOR)] if several and not is_url(text) else [text]
    return SEPARATOR.join(str(_resolve(part, base)) for part in parts if part)


def own_paths(text: str, base: Path, several: bool) -> list[Path]:
    """The absolute paths of a cell that are neither a URL, nor made, nor inside a Python package."""
    parts = [part.strip() for part in text.split(SEPARATOR)] if several and not is_url(text) else [text]
    return [user_path(part, base) for part in parts if part and not _is_elsewhere(part)]


def _is_elsewhere(text: str) -> bool:
    return is_url(text) or text.startswith((PACKAGE_PREFIX, MADE_PREFIX))


def paths_of(text: str, several: bool) -> list[Path]:
    """The absolute paths that `resolve_paths` joined."""
    return [Path(part) for part in text.split(SEPARATOR)] if several else [Path(text)]


def _resolve(text: str, base: Path) -> Path | str:
    if is_url(text) or text.startswith(MADE_PREFIX):
        return text
    if not text.startswith(PACKAGE_PREFIX):
        return user_path(text, base)
    name, _, inside = text.removeprefix(PACKAGE_PREFIX).partition("/")
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise DataError(f"{text!r}: the Python package {name!r} is not installed; install it")
    return Path(list(spec.submodule_search_locations)[0]).absolute() / inside
