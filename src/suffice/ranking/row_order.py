r"""Detect models whose rows may be in a different order from those of the others, by their vectors.

A warning is given if a model shares nothing with any other model while its own dimensions share much. There
are two conditions. Its unbiased linear CKA (see `relatives`) with every other model is within six standard
errors of 0; for independent vectors a standard error is about sqrt(2) / n_items. The CKA of two random halves
of its dimensions is at least 0.07 in each of four parts of the items. This is checked for the dimensions
themselves and for their sizes, because principal components are not correlated. Noise vectors therefore cause
no warning, and neither does one odd item. A model that is truly unrelated to all others does.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from suffice.alignment import SECOND, second_name
from suffice.ranking.relatives import linear_cka
from suffice.seeds import derive_seed

Embeddings = Mapping[str, npt.NDArray[np.floating]]

MAX_ITEMS = 500
MIN_ITEMS = 100
N_PARTS = 4
MUCH = 0.07  # CKA; six standard errors with 125 items
NOTHING_SE = 6.0


def order_doubts(first: Embeddings, second: Embeddings | None = None, seed: int = 0) -> dict[str, str]:
    """A warning for each input whose rows may be in a different order.

    Args:
        first: vectors by model, shape (n_items, embed_dim) each, the same items; only some are read.
        second: second looks, if there are any; they are compared with the first looks.
        seed: seed of the sample of items, at most 500, and of the halves.

    Returns:
        The warnings by input; `second_name` names a second look. Empty with fewer than 100 items.
    """
    names = list(first)
    generator = np.random.default_rng(derive_seed(seed, "row order"))
    items = np.sort(generator.permutation(len(first[names[0]]))[:MAX_ITEMS])
    if len(items) < MIN_ITEMS or len(names) < 2:
        return {}
    looks = {**first, **{second_name(name): array for name, array in (second or {}).items()}}
    vectors = {name: np.asarray(array[items]) for name, array in looks.items()}
    alike = linear_cka(list(vectors.values()))[:, : len(names)]
    np.fill_diagonal(alike, -np.inf)
    nothing = NOTHING_SE * np.sqrt(2) / len(items)
    alone = [name for name, row in zip(vectors, alike, strict=True) if row.max() < nothing]
    doubted = [name for name in alone if _halves_agree(vectors[name], generator)]
    return {name: _warning(name, second is not None) for name in doubted}


def by_model(doubts: Mapping[str, str]) -> dict[str, list[str]]:
    """The warnings of each model, from both looks."""
    models = dict.fromkeys(name.removesuffix(SECOND) for name in doubts)
    return {model: [doubts[n] for n in (model, second_name(model)) if n in doubts] for model in models}


def _halves_agree(vectors: npt.NDArray[np.floating], generator: np.random.Generator) -> bool:
    """Whether two halves of the dimensions share much in each of four parts of the items."""
    dims = generator.permutation(vectors.shape[1])
    half = len(dims) // 2
    if half == 0:
        return False
    parts = np.array_split(generator.permutation(len(vectors)), N_PARTS)
    halves = ([vectors[np.ix_(part, each)] for each in (dims[:half], dims[half:])] for part in parts)
    return all(max(linear_cka(pair)[0, 1], linear_cka(_sizes(pair))[0, 1]) > MUCH for pair in halves)


def _sizes(pair: Sequence[npt.NDArray[np.floating]]) -> list[npt.NDArray[np.floating]]:
    """Distance of each dimension from its mean."""
    return [np.abs(vectors - vectors.mean(axis=0, dtype=np.float64)) for vectors in pair]


def _warning(name: str, two_looks: bool) -> str:
    others = "the first looks" if two_looks else "the other models"
    return (
        f"{name} shares nothing with {others}, although halves of its own dimensions share much; its rows "
        "may be in a different order, so give ids to join them by"
    )
