"""What a user could rank models by without labels and without information sufficiency.

A new baseline is a function from an embedding to a number, and one line in `BASELINES`.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from suffice.errors import DataError, EstimationError

RANKME_EPSILON = 1e-7
BLOCK_ROWS = 4096


def embed_dim(embedding: np.ndarray) -> float:
    """Width of the vectors: take the widest."""
    return int(embedding.shape[1])


def rankme(embedding: np.ndarray) -> float:
    r"""RankMe: the exponential of the entropy of the normalised singular values.

    .. math:: \exp\Big(-\sum_{k=1}^{\min(n, d)} p_k \log p_k\Big), \quad
              p_k = \frac{\sigma_k}{\|\sigma\|_1} + \varepsilon

    Source: Garrido et al., 2023, arXiv 2210.02885, equations 1 and 2; epsilon is 1e-7. Several "effective
    ranks" go by similar names; this one takes the singular values themselves (not their squares) of
    the embedding as it is: not centred, rows not scaled.

    The singular values are square roots of the eigenvalues of the second moments, which are summed in
    float64 block by block: memory is embed_dim squared, whatever the number of items. Singular values
    below 1e-8 of the largest are lost in rounding and count as at most that.

    Args:
        embedding: shape (n_items, embed_dim); a memory map is read in blocks.

    Returns:
        A number from 1 to about min(n_items, embed_dim).

    Raises:
        EstimationError: a value is not finite, or all are zero.
    """
    eigenvalues = np.linalg.eigvalsh(second_moments(embedding))[::-1][: min(embedding.shape)]
    if eigenvalues[0] <= 0:
        raise EstimationError("all vectors are zero, so that RankMe has no value; check the model")
    singular = np.sqrt(np.maximum(eigenvalues, 0))  # rounding leaves eigenvalues of 0 slightly negative
    shares = singular / singular.sum() + RANKME_EPSILON
    return float(np.exp(-(shares * np.log(shares)).sum()))


def second_moments(embedding: np.ndarray) -> np.ndarray:
    """Sum over items of vector times vector transposed, float64, shape (embed_dim, embed_dim).

    Raises:
        EstimationError: a value is not finite.
    """
    moments = np.zeros((embedding.shape[1], embedding.shape[1]))
    for start in range(0, len(embedding), BLOCK_ROWS):
        block = np.asarray(embedding[start : start + BLOCK_ROWS], dtype=np.float64)
        if not np.isfinite(block).all():
            row = start + int((~np.isfinite(block).all(axis=1)).argmax())
            raise EstimationError(f"the vector of row {row} holds NaN or infinite values; embed again")
        moments += block.T @ block
    return moments


BASELINES: dict[str, Callable[[np.ndarray], float]] = {
    "embed_dim": embed_dim,
    "rankme": rankme,
}


def baseline_table(embeddings: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Every baseline of every model: the column `model`, and one for each name in `BASELINES`.

    Args:
        embeddings: vectors of the same items by model, each of shape (n_items, its embed_dim).

    Raises:
        DataError: an embedding is not a matrix with items.
        EstimationError: an embedding is not finite, or all zero.
    """
    rows = [_baselines_of(model, embedding) for model, embedding in embeddings.items()]
    return pd.DataFrame(rows, columns=["model", *BASELINES])


def _baselines_of(model: str, embedding: np.ndarray) -> dict[str, object]:
    """One model's row."""
    if embedding.ndim != 2 or embedding.size == 0:
        raise DataError(f"model {model!r}: the embedding has shape {embedding.shape}; it must be a matrix")
    try:
        return {"model": model, **{name: baseline(embedding) for name, baseline in BASELINES.items()}}
    except EstimationError as error:
        raise EstimationError(f"model {model!r}: {error}") from error
