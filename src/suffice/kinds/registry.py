"""Kinds of study: each has its own keys in study.yaml and its own rules, in `rules/kinds/`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suffice.errors import StudyError
from suffice.settings import did_you_mean
from suffice.study.read import read_yaml
from suffice.study.references import SETTINGS

EMBEDDINGS = "embeddings"
KINDS = (EMBEDDINGS, "calibration", "published", "saturation")


def kind_of_study(folder: Path, overrides: Mapping[str, Any] | None = None) -> str:
    """What study.yaml gives as its kind; `embeddings` if it gives none.

    Raises:
        StudyError: there is no study.yaml, it cannot be read, or there is no such kind.
    """
    path = folder / SETTINGS
    if not path.is_file():
        raise StudyError(f"{folder} is no study: it has no {SETTINGS}; `suffice new-study` writes one")
    kind = str({**read_yaml(path), **(overrides or {})}.get("kind", EMBEDDINGS))
    if kind not in KINDS:
        raise StudyError(f"{path}: no kind of study {kind!r}{did_you_mean(kind, list(KINDS))}")
    return kind
