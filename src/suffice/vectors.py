"""Small operations on rows of vectors that several parts share."""

import numpy as np


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """The rows divided by their Euclidean norms, in their own precision; a row of zeros is not changed."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: np.ndarray = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    return unit
