"""All modalities, one line for each."""

from collections.abc import Mapping
from typing import Any

from suffice.data.modalities.base import Modality
from suffice.data.modalities.image import IMAGE
from suffice.data.modalities.molecule import MOLECULE
from suffice.data.modalities.sound import SOUND
from suffice.data.modalities.text import TEXT
from suffice.data.modalities.vector import VECTOR
from suffice.errors import DataError
from suffice.settings import did_you_mean

MODALITIES: dict[str, Modality] = {
    each.name: each
    for each in (
        TEXT,
        MOLECULE,
        IMAGE,
        SOUND,
        VECTOR,
    )
}


def get_modality(name: str) -> Modality:
    """The modality that a `content_type` names.

    Raises:
        DataError: there is no such modality.
    """
    if name not in MODALITIES:
        raise DataError(f"no content type {name!r}{did_you_mean(name, list(MODALITIES))}")
    return MODALITIES[name]


def modality_of(manifest: Mapping[str, Any]) -> Modality:
    """The modality of a corpus, from its manifest."""
    return get_modality(str(manifest.get("settings", {}).get("content_type", TEXT.name)))
