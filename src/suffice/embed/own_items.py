"""The items that a function of the user's own gets: texts, images, sounds at one rate, or vectors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from suffice.data.corpus import Corpus
from suffice.data.image_files import ImageFiles
from suffice.data.media_files import MediaFiles
from suffice.data.modalities.vector import VECTOR
from suffice.data.number_lists import numbers_in
from suffice.data.sound_files import SoundFiles
from suffice.embed.self_check import Probes, probe_texts
from suffice.errors import ModelError

RATE = 16_000  # samples per second
SIDE = 64  # pixels of the images that encoders are checked with


@dataclass(frozen=True)
class Items:
    """How the items of a corpus are opened.

    Attributes:
        name: a word for several items.
        opened: from contents of the corpus to items.
        probes: items that an encoder is checked with.
    """

    name: str
    opened: Callable[[Sequence[str]], list[Any]]
    probes: Probes[Any]


def items_of(corpus: Corpus | None, rate: int | None) -> Items:
    """How a function gets the items of a corpus; texts without a corpus.

    Args:
        corpus: the items.
        rate: samples per second of sounds; None: 16,000.

    Raises:
        ModelError: a rate is given, but the items are not sounds.
    """
    settings = corpus.manifest.get("settings", {}) if corpus is not None else {}
    kind = settings.get("content_type", "text")
    if rate is not None and kind != SoundFiles.name:
        raise ModelError(f"rate is for sounds, but the items are of the content type {kind}; leave it empty")
    if corpus is not None and kind == ImageFiles.name:
        return of_files(ImageFiles.of(corpus), lambda image: image, probe_images())
    if corpus is not None and kind == SoundFiles.name:
        wanted = rate or RATE
        return of_files(SoundFiles.of(corpus), lambda sound: sound.at(wanted), probe_sounds(wanted))
    if corpus is not None and kind == VECTOR.name:
        return Items(VECTOR.items, lambda contents: list(map(numbers_in, contents)), probe_vectors(corpus))
    return Items("texts", list, probe_texts(None))


def of_files(files: MediaFiles[Any], made: Callable[[Any], Any], probes: Probes[Any]) -> Items:
    """Items in files, each changed by a function after it was opened."""
    return Items(files.items, lambda contents: list(files.each(contents, made)), probes)


def probe_vectors(corpus: Corpus) -> Probes[npt.NDArray[np.float32]]:
    """Three vectors of noise, as wide as the items of a corpus."""
    width = len(numbers_in(next(iter(corpus.windows(1))).contents[0]))
    return Probes(*np.random.default_rng(0).normal(size=(3, width)).astype(np.float32))


def probe_images() -> Probes[Any]:
    """Noise, one colour, and other noise, of one size."""
    from PIL import Image

    noise, other = np.random.default_rng(0).integers(0, 256, size=(2, SIDE, SIDE, 3), dtype=np.uint8)
    plain = Image.new("RGB", (SIDE, SIDE), (200, 40, 90))
    return Probes(Image.fromarray(noise), plain, Image.fromarray(other))


def probe_sounds(rate: int) -> Probes[npt.NDArray[np.float32]]:
    """A second of noise, two seconds of it, and another second."""
    noise = np.random.default_rng(0).normal(scale=0.1, size=4 * rate).astype(np.float32)
    return Probes(noise[:rate], noise[rate : 3 * rate], noise[3 * rate :])
