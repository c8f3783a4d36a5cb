"""Digits of 14 x 14 pixels and 16 levels of grey: separate parts, and two versions of each held-out one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from suffice.data.made.base import Arrays
from suffice.data.made.digits import SIDE, mnist, slant

SMALL = SIDE // 2  # pixels
N_PIXELS = SMALL * SMALL
N_LEVELS = 16  # of grey
GREYS = 256 // N_LEVELS
SHARE_OF_TRAINING, SHARE_OF_CLASSIFIER = 0.6, 0.2  # of the digits; the others are held out
MAX_DEGREES, MAX_SHIFT = 12.0, 2  # of a version; the shift in pixels of the large image
Levels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Digits:
    """Digits, with what they are.

    Attributes:
        images: shape (n, 28, 28), 0 to 255.
        digit: shape (n,), 0 to 9.
    """

    images: npt.NDArray[np.uint8]
    digit: npt.NDArray[np.int64]

    @property
    def levels(self) -> Levels:
        """The small images, shape (n, 196), 0 to 15."""
        return small_levels(self.images)


def three_parts(generator: np.random.Generator) -> tuple[Digits, Digits, Digits]:
    """Random parts of MNIST that share no digit: for the generators, for the classifier, and held out."""
    images, digit = mnist()
    order = generator.permutation(len(images))
    n_training, n_classifier = (
        round(len(order) * share) for share in (SHARE_OF_TRAINING, SHARE_OF_CLASSIFIER)
    )
    rows = np.split(order, [n_training, n_training + n_classifier])
    training, classifier, held_out = (Digits(images[each], digit[each]) for each in rows)
    return training, classifier, held_out


def small_levels(images: npt.NDArray[Any]) -> Levels:
    """The mean of each two by two pixels, as one of 16 levels.

    Args:
        images: shape (n, 28, 28), 0 to 255.

    Returns:
        Shape (n, 196), 0 to 15.
    """
    quarters = images.reshape(-1, SMALL, 2, SMALL, 2).astype(np.float64).mean(axis=(2, 4))
    return (quarters // GREYS).astype(np.uint8).reshape(-1, N_PIXELS)


def turned_and_shifted(image: npt.NDArray[np.uint8], generator: np.random.Generator) -> Levels:
    """A digit turned and shifted a little at random, shape (28, 28)."""
    from PIL import Image

    degrees = generator.uniform(-MAX_DEGREES, MAX_DEGREES)
    right, down = generator.integers(-MAX_SHIFT, MAX_SHIFT, 2, endpoint=True).tolist()
    moved = Image.fromarray(image).rotate(degrees, Image.Resampling.BICUBIC, translate=(right, down))
    return np.asarray(moved)


def versions_of(digits: Digits, generator: np.random.Generator) -> Arrays:
    """Two versions of each digit, one after the other, with the digit that they are from.

    Returns:
        The arrays `image`, shape (2 n, 14, 14), `id`, `original`, `digit`, `parity` and `slant` of the
        original.
    """
    moved = np.stack([turned_and_shifted(image, generator) for image in digits.images for _ in range(2)])
    numbers = np.arange(len(digits.images)).repeat(2)
    digit = digits.digit.repeat(2)
    return {
        "image": (small_levels(moved) * (255 // (N_LEVELS - 1))).reshape(-1, SMALL, SMALL),
        "id": np.array([f"{number}-{'ab'[row % 2]}" for row, number in enumerate(numbers)]),
        "original": numbers.astype(str),
        "digit": digit.astype(str),
        "parity": np.where(digit % 2, "odd", "even"),
        "slant": np.array([slant(image) for image in digits.images]).repeat(2),
    }


def levels_of(images: Levels) -> Levels:
    """The levels of versions, shape (n, 196)."""
    return (images // (255 // (N_LEVELS - 1))).reshape(-1, N_PIXELS)
