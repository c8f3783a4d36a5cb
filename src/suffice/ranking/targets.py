r"""Which models are asked: all of them, named ones, or k that stand for the others.

N models need not cost N^2 pairs. A few targets stand for the pool if each model is near one of them,
and if near-duplicates are represented once. Nearness is known before any pair is estimated: two
embeddings are alike if the same items are neighbours in both, which unbiased linear CKA says,

.. math:: \mathrm{CKA}(U, V) = \frac{\langle \tilde K_U, \tilde K_V \rangle}
          {\lVert \tilde K_U \rVert \, \lVert \tilde K_V \rVert},

where K is the matrix of inner products of standardised vectors and the tilde stands for U-centring,
which takes out the bias that grows with width; source: Kornblith et al. (ICML 2019, arXiv 1905.00414)
with the centring of Székely and Rizzo (2014, doi 10.1214/14-AOS1255, equation 2.3). The targets are the
k medoids with the least total distance 1 - CKA to the models, found by building up and swapping
(Kaufman and Rousseeuw 1990, chapter 2). Medoids are central; the clusters of a tree would give every
odd model a target of its own. So do medoids once they are many: with more than about a quarter of the
models a random draw agrees as well with the score over all targets (benchmarks/reference_targets.csv).
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.errors import EstimationError
from suffice.estimators.standardise import CONSTANT_SPREAD
from suffice.ranking.arrays import Floats
from suffice.seeds import derive_seed
from suffice.settings import did_you_mean

Targets = Literal["all"] | int | Sequence[str]
MAX_ITEMS = 1000  # CKA of 1,000 items is within 0.03 of that of 4,000 in the default study
NAMED = 12
SAFE_EXPONENT = 60  # of two; squares and their sums stay within single precision
MAX_DIGITS = 10  # of a number of targets


def parse_targets(text: str) -> Targets:
    """What `all`, a number, or names with commas between them mean."""
    if text == "all":
        return "all"
    return (
        int(text)
        if text.isdecimal() and len(text) < MAX_DIGITS
        else [name.strip() for name in text.split(",") if name.strip()]
    )


def check_targets(targets: Targets, models: Sequence[str], self_pairs: bool) -> None:
    """Check that the wanted targets can be had.

    Args:
        targets: "all", a number, or names.
        models: the models that may be targets.
        self_pairs: whether a model is a target of itself; if not, one target has none.

    Raises:
        EstimationError: an unknown name, a name twice, or too few or too many.
    """
    if not isinstance(targets, (str, int)):
        for name in targets:
            if name not in models:
                raise EstimationError(f"target {name!r} is no model{did_you_mean(name, list(models))}")
        if len(set(targets)) < len(targets):
            raise EstimationError(f"targets: a name stands twice in {', '.join(targets)}; remove one")
    elif isinstance(targets, str) and targets != "all":
        raise EstimationError(f"targets: {targets!r}; write all, a number, or a list of names")
    wanted = len(models) if targets == "all" else targets if isinstance(targets, int) else len(targets)
    least = 1 if self_pairs else 2
    if wanted < least:
        raise EstimationError(f"{wanted} targets are too few: choose at least {least}")
    if wanted > len(models):
        raise EstimationError(f"{wanted} targets are wanted, but only {len(models)} models may be targets")


def targets_within(budget: int, n_models: int, self_pairs: bool) -> Targets:
    """How many targets a number of pairs is enough for, every model being a source.

    Raises:
        EstimationError: it is not enough.
    """
    n_targets, least = budget // n_models, 1 if self_pairs else 2
    if n_targets < least:
        raise EstimationError(
            f"a budget of {budget} pairs is too small for {n_models} models: "
            f"at least {least} targets, so {least * n_models} pairs, are needed"
        )
    return min(n_targets, n_models)


def choose_targets(
    embeddings: Mapping[str, npt.NDArray[np.floating]], n_targets: int, seed: int = 0
) -> list[str]:
    """The models that stand best for all, in the order of `embeddings`.

    Args:
        embeddings: models that may be targets, shape (n_items, embed_dim) each, the same items; memory
            maps are read in part.
        n_targets: how many to choose.
        seed: seed of the sample of items, at most 1,000.
    """
    names = list(embeddings)
    n_items = len(embeddings[names[0]])
    generator = np.random.default_rng(derive_seed(seed, "targets"))
    items = np.sort(generator.permutation(n_items)[:MAX_ITEMS])
    distance = 1 - linear_cka([np.asarray(embedding[items]) for embedding in embeddings.values()])
    return [names[medoid] for medoid in k_medoids(distance, n_targets)]


def describe_targets(ranking: pd.DataFrame) -> str:
    """Which models of a ranking were targets, in a sentence."""
    targets = sorted(ranking.loc[ranking["is_target"].astype(bool), "model"])
    if len(targets) == len(ranking):
        return f"All {len(ranking)} models are targets."
    named = ", ".join(targets[:NAMED]) + (f" and {len(targets) - NAMED} more" * (len(targets) > NAMED))
    said = f"{len(targets)} of {len(ranking)} models are targets: {named}."
    if ranking["score_low_targets"].isna().all():
        return (
            f"{said} These are too few to say how far scores depend on them: intervals and ties leave it out."
        )
    return f"{said} Scores are relative to these."


def linear_cka(embeddings: Sequence[npt.NDArray[np.floating]]) -> Floats:
    """Unbiased linear CKA of all pairs, shape (n_models, n_models); dimensions are standardised."""
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


def _in_range(embedding: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """The vectors, divided by powers of two if their squares would leave the range of numbers."""
    _, exponents = np.frexp(np.abs(embedding.astype(np.float64)).max(axis=0))
    if np.abs(exponents).max() < SAFE_EXPONENT:
        return embedding
    return np.ldexp(embedding.astype(np.float64), -exponents)


def _u_centred(gram: Floats) -> Floats:
    """Rows and columns sum to 0 without the diagonal, which is 0."""
    n = len(gram)
    gram = gram - np.diag(np.diag(gram))
    means = gram.sum(axis=0) / (n - 2)
    centred = gram - means - means[:, None] + gram.sum() / ((n - 1) * (n - 2))
    return np.asarray(centred - np.diag(np.diag(centred)))


def k_medoids(distance: Floats, n_medoids: int) -> list[int]:
    """Rows whose nearest one is least far from every row, in total; sorted, the same on every run."""
    medoids: list[int] = []
    nearest = np.full(len(distance), np.inf)
    for _ in range(n_medoids):
        total = np.minimum(nearest, distance).sum(axis=1)
        total[medoids] = np.inf
        medoids.append(int(total.argmin()))
        nearest = np.minimum(nearest, distance[medoids[-1]])
    while (better := _best_swap(distance, medoids)) is not None:
        medoids = better
    return sorted(medoids)


def _best_swap(distance: Floats, medoids: list[int]) -> list[int] | None:
    """The medoids with one replaced, if a replacement makes the total less."""
    best, least = None, distance[medoids].min(axis=0).sum() - 1e-9
    for place in range(len(medoids)):
        left = medoids[:place] + medoids[place + 1 :]
        nearest = distance[left].min(axis=0) if left else np.full(len(distance), np.inf)
        total = np.minimum(nearest, distance).sum(axis=1)
        total[left] = np.inf
        if total.min() < least:
            best, least = [*left, int(total.argmin())], total.min()
    return best
