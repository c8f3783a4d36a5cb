"""Self-retrieval: how high an item's second look ranks among all second looks, given its first look."""

from dataclasses import replace

import numpy as np

from suffice.data.looks import LookTable
from suffice.errors import DataError, EstimationError
from suffice.seeds import derive_seed
from suffice.vectors import unit_rows

MAX_PAIRS = 1000
MIN_PAIRS = 2


def sample_of_looks(looks: LookTable, seed: int) -> LookTable:
    """At most 1,000 random pairs of looks, no two of one group, because siblings would also be right answers.

    Args:
        looks: all pairs of looks.
        seed: seed of the sample.
    """
    order = np.random.default_rng(derive_seed(seed, "self-retrieval")).permutation(looks.n_pairs)
    table = looks.table.iloc[order].drop_duplicates("group").head(MAX_PAIRS)
    return replace(looks, table=table.sort_index())


def self_retrieval(first: np.ndarray, second: np.ndarray) -> float:
    r"""Mean reciprocal rank of an item's own second look among all, by cosine with its first look.

    .. math:: \frac1n \sum_i \frac1{r_i}, \qquad
              r_i = 1 + \#\{j : c_{ij} > c_{ii}\} + \tfrac12 \#\{j \ne i : c_{ij} = c_{ii}\}

    If all vectors are equal, the rank is in the middle. The reciprocal rank is used because the share of
    items whose own look is nearest ignores near misses. After the inverse cloze task of Lee et al., ACL 2019
    (arXiv 1906.00300), which searches for the passage that a sentence comes from.

    Args:
        first: vectors of the first looks, shape (n_pairs, embed_dim).
        second: vectors of the second looks at the same items, of the same shape.

    Returns:
        A number from about log(n_pairs) / n_pairs (by chance) to 1.

    Raises:
        DataError: the shapes differ, or there are fewer than 2 pairs.
        EstimationError: a value is not finite.
    """
    if first.ndim != 2 or first.shape != second.shape or len(first) < MIN_PAIRS:
        raise DataError(
            f"the looks have shapes {first.shape} and {second.shape}; give equal shapes with at least 2 items"
        )
    both = np.concatenate([first, second])
    if not np.isfinite(both).all():
        row = int((~np.isfinite(both)).any(axis=1).argmax()) % len(first)
        raise EstimationError(f"a vector in pair {row} of looks is not finite; embed the looks again")
    one, other = np.split(unit_rows(both.astype(np.float64)), 2)
    cosine = one @ other.T
    own = cosine.diagonal()[:, None]
    ranks = 1 + (cosine > own).sum(axis=1) + ((cosine == own).sum(axis=1) - 1) / 2
    return float((1 / ranks).mean())
