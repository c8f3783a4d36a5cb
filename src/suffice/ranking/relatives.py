r"""Models that count once together: near-copies, found by their vectors, and families, which are given.

Two models are near-copies if the unbiased linear CKA of their items is high,

.. math:: \mathrm{CKA}(U, V) = \frac{\langle \tilde K_U, \tilde K_V \rangle}
          {\lVert \tilde K_U \rVert \, \lVert \tilde K_V \rVert},

where K is the matrix of inner products of standardised vectors and the tilde denotes U-centring, which
removes the bias that grows with width. Source: Kornblith et al. (ICML 2019, arXiv 1905.00414), with the
centring of Székely and Rizzo (2014, doi 10.1214/14-AOS1255, equation 2.3).

Standardising makes this blind to the scale of each dimension, but a rotated copy has other dimensions. Models
are therefore near-copies as well if their leading principal components span almost the same space of items:

.. math:: \frac{\lVert Q_U^\top Q_V \rVert_F^2}{\max(k_U, k_V)},

the mean of the squared cosines of the angles between the spaces (Björck and Golub, Mathematics of Computation
1973), with an orthonormal basis Q of each.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.estimators.standardise import CONSTANT_SPREAD
from suffice.ranking.arrays import Booleans, Floats
from suffice.seeds import derive_seed

NEAR_COPY = 0.98  # of CKA
SAME_SPACE = 0.98  # of the mean squared cosine; no two of the default study's 17 models have more than 0.68
SPACE_ITEMS, ITEMS_PER_COMPONENT = 500, 4  # the space of more components would be that of any vectors
SMALLEST_VARIANCE = 1e-5  # of a component, as a share of the largest; smaller ones may be noise
MAX_ITEMS = 1000  # CKA of 1,000 items is within 0.03 of that of 4,000 in the default study
SAFE_EXPONENT = 60  # power of two; squares and their sums stay within single precision


def near_copies(embeddings: Mapping[str, npt.NDArray[np.floating]], seed: int = 0) -> dict[str, str]:
    """The group of near-copies of each model, named after its first member. A chain of copies is one group.

    Args:
        embeddings: shape (n_items, embed_dim) each, the same items; memory maps are read in part.
        seed: seed of the sample of items, at most 1,000.
    """
    names = list(embeddings)
    generator = np.random.default_rng(derive_seed(seed, "near-copies"))
    items = np.sort(generator.permutation(len(embeddings[names[0]]))[:MAX_ITEMS])
    chosen = [np.asarray(embedding[items]) for embedding in embeddings.values()]
    alike = linear_cka(chosen) >= NEAR_COPY
    return _linked(names, alike | (shared_space([each[:SPACE_ITEMS] for each in chosen]) >= SAME_SPACE))


def with_families(copies: Mapping[str, str], families: Mapping[str, str] | None) -> dict[str, str]:
    """The group of relatives of each model: one family, or near-copies, or linked by a chain of these.

    Args:
        copies: group of near-copies of each model, see `near_copies`.
        families: family of models; a model without an entry has no family.
    """
    names, family = list(copies), families or {}
    alike = np.array([[_related(one, other, copies, family) for other in names] for one in names])
    return _linked(names, alike)


def alone(models: Iterable[str]) -> dict[str, str]:
    """Every model is its own group."""
    return {model: model for model in models}


def _related(one: str, other: str, copies: Mapping[str, str], families: Mapping[str, str]) -> bool:
    in_family = one in families and families[one] == families.get(other)
    return copies[one] == copies[other] or in_family


def _linked(names: Sequence[str], alike: Booleans) -> dict[str, str]:
    """The group of each name by single linkage, named after its first member."""
    group = np.arange(len(names))
    for _ in names:  # a chain of n models is joined after at most n rounds
        group = np.where(alike | np.eye(len(names), dtype=bool), group[None, :], len(names)).min(axis=1)
    return {name: names[int(place)] for name, place in zip(names, group, strict=True)}


def linear_cka(embeddings: Sequence[npt.NDArray[np.floating]]) -> Floats:
    """Unbiased linear CKA of all pairs, shape (n_models, n_models), with standardised dimensions."""
    n_items = len(embeddings[0])
    upper = np.triu_indices(n_items, 1)
    flat = np.empty((len(embeddings), len(upper[0])), dtype=np.float32)
    for row, embedding in zip(flat, embeddings, strict=True):
        embedding = _in_range(embedding)
        centred = embedding - embedding.mean(axis=0, dtype=np.float64)
        spread = centred.std(axis=0)
        varies = spread > CONSTANT_SPREAD * np.abs(embedding).max(axis=0)
        scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=varies)
        gram = _u_centred(scaled @ scaled.T)[upper]
        row[:] = gram / (np.linalg.norm(gram) or 1.0)
    return np.asarray(flat @ flat.T, dtype=float)


def shared_space(embeddings: Sequence[npt.NDArray[np.floating]]) -> Floats:
    """Mean squared cosine of the angles between the spaces of leading components, (n_models, n_models)."""
    bases = [_leading_components(embedding) for embedding in embeddings]
    shared = [
        [np.square(one.T @ other).sum() / max(one.shape[1], other.shape[1], 1) for other in bases]
        for one in bases
    ]
    return np.asarray(shared, dtype=float)


def _leading_components(embedding: npt.NDArray[np.floating]) -> Floats:
    """Orthonormal coordinates of the items on the leading components, shape (n_items, n_components)."""
    embedding = _in_range(embedding).astype(np.float64)
    left, values, _ = np.linalg.svd(embedding - embedding.mean(axis=0), full_matrices=False)
    n_components = int((values**2 > SMALLEST_VARIANCE * values[0] ** 2).sum())
    return np.asarray(left[:, : min(n_components, len(embedding) // ITEMS_PER_COMPONENT)])


def names_of_copies(copies: Mapping[str, str]) -> dict[str, str]:
    """The other near-copies of each model, separated by commas; empty for most.

    Args:
        copies: group of near-copies of each model, see `near_copies`.
    """
    return {
        model: ", ".join(other for other in copies if other != model and copies[other] == copies[model])
        for model in copies
    }


def copies_in(ranking: pd.DataFrame) -> dict[str, set[str]]:
    """Each model of a ranking with its near-copies, by its name."""
    names, others = ranking["model"].astype(str), ranking["near_copies"].fillna("").astype(str)
    return {name: {name, *filter(None, cell.split(", "))} for name, cell in zip(names, others, strict=True)}


def describe_copies(ranking: pd.DataFrame) -> str:
    """Which models of a ranking count once as near-copies of each other; empty if there are none."""
    groups = {", ".join(sorted(group)) for group in copies_in(ranking).values() if len(group) > 1}
    return f"Near-copies of each other, which count once: {'; '.join(sorted(groups))}." if groups else ""


def _in_range(embedding: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """The vectors, divided by powers of two if their squares would overflow or underflow."""
    _, exponents = np.frexp(np.abs(embedding.astype(np.float64)).max(axis=0))
    if np.abs(exponents).max() < SAFE_EXPONENT:
        return embedding
    return np.ldexp(embedding.astype(np.float64), -exponents)


def _u_centred(gram: Floats) -> Floats:
    """The matrix with a zero diagonal, centred so that its rows and columns sum to 0."""
    n = len(gram)
    gram = gram - np.diag(np.diag(gram))
    means = gram.sum(axis=0) / (n - 2)
    centred = gram - means - means[:, None] + gram.sum() / ((n - 1) * (n - 2))
    return np.asarray(centred - np.diag(np.diag(centred)))
