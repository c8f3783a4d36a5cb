"""Self-retrieval: how high a text's second half stands among all second halves, sought by its first."""

import numpy as np

from suffice.errors import DataError, EstimationError
from suffice.vectors import unit_rows


def self_retrieval(halves: np.ndarray) -> float:
    r"""Mean reciprocal rank of a text's own second half among all, by cosine with its first half.

    .. math:: \frac1n \sum_i \frac1{r_i}, \qquad
              r_i = 1 + \#\{j : c_{ij} > c_{ii}\} + \tfrac12 \#\{j \ne i : c_{ij} = c_{ii}\}

    so that vectors which are all equal have the rank in the middle. The reciprocal rank is used because
    the share of texts whose own half is nearest leaves near misses out. After the inverse cloze task of Lee
    et al., ACL 2019 (arXiv 1906.00300), in which a sentence seeks the passage that it is taken from.

    Args:
        halves: vectors of all first halves, then of the second halves of the same texts, shape
            (2 n_texts, embed_dim).

    Returns:
        A number from about log(n_texts) / n_texts, by chance, to 1.

    Raises:
        DataError: the number of rows is odd or below 4.
        EstimationError: a value is not finite.
    """
    if halves.ndim != 2 or len(halves) % 2 or len(halves) < 4:
        raise DataError(f"halves have shape {halves.shape}; give the first halves, then the second halves")
    if not np.isfinite(halves).all():
        row = int((~np.isfinite(halves)).any(axis=1).argmax())
        raise EstimationError(f"the vector of half {row} is not finite; embed the halves again")
    rows = unit_rows(np.asarray(halves, dtype=np.float64))
    first, second = np.split(rows, 2)
    cosine = first @ second.T
    own = cosine.diagonal()[:, None]
    ranks = 1 + (cosine > own).sum(axis=1) + ((cosine == own).sum(axis=1) - 1) / 2
    return float((1 / ranks).mean())
