"""All kinds of study: each package in this folder, and those from installed packages."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import suffice.kinds
from suffice.errors import StudyError
from suffice.kinds.kind import Kind
from suffice.settings import did_you_mean
from suffice.storage.provenance import KINDS_GROUP
from suffice.study.read import read_yaml
from suffice.study.references import SETTINGS

DEFAULT = "embeddings"


@cache
def kind_places() -> Mapping[str, EntryPoint]:
    """The location of each kind, by name: the default first, then in alphabetical order.

    Raises:
        StudyError: an installed package provides a kind whose name is taken.
    """
    packages = [each.name for each in pkgutil.iter_modules(suffice.kinds.__path__) if each.ispkg]
    own = [EntryPoint(name, f"suffice.kinds.{name}:KIND", KINDS_GROUP) for name in packages]
    found: dict[str, EntryPoint] = {}
    for place in [*own, *entry_points(group=KINDS_GROUP)]:
        if found.setdefault(place.name, place).value != place.value:
            raise StudyError(
                f"two packages provide a kind of study {place.name!r}: {found[place.name].value} and "
                f"{place.value}; uninstall one of them"
            )
    return dict(sorted(found.items(), key=lambda each: (each[0] != DEFAULT, each[0])))


def get_kind(name: str) -> Kind:
    """The kind of that name.

    Raises:
        StudyError: there is no such kind, or its package cannot be imported.
    """
    places = kind_places()
    if name not in places:
        raise StudyError(f"no kind of study {name!r}{did_you_mean(name, list(places))}")
    try:
        kind = places[name].load()
    except (ImportError, AttributeError) as error:
        raise StudyError(f"the kind of study {name!r} cannot be imported: {error}") from error
    if not isinstance(kind, Kind) or kind.name != name:
        raise StudyError(f"{places[name].value} is not a `Kind` with the name {name!r}; correct the package")
    return kind


def all_kinds() -> list[Kind]:
    """Every kind, the default first."""
    return [get_kind(name) for name in kind_places()]


def kind_of_study(folder: Path, overrides: Mapping[str, Any] | None = None) -> Kind:
    """The kind in study.yaml, or the default.

    Raises:
        StudyError: there is no study.yaml, it cannot be read, or there is no such kind.
    """
    path = folder / SETTINGS
    if not path.is_file():
        raise StudyError(f"{folder} is not a study: it has no {SETTINGS}; `suffice new-study` writes one")
    name = str({**read_yaml(path), **(overrides or {})}.get("kind", DEFAULT))
    if name not in kind_places():
        raise StudyError(f"{path}: no kind of study {name!r}{did_you_mean(name, list(kind_places()))}")
    return get_kind(name)
