"""A number per row of a matrix that equal rows share, and other rows hardly ever.

It is a hash of the bits of a row (multilinear, modulo 2^64; Carter and Wegman, 1979).
"""

import numpy as np
import numpy.typing as npt

HASHED_ITEMS = 512  # at a time, so they stay in a processor's cache


def row_hashes(
    array: npt.NDArray[np.floating], generator: np.random.Generator | None = None
) -> npt.NDArray[np.uint64]:
    """Hash of each row, shape (n_items, embed_dim) -> (n_items,).

    Args:
        array: numbers; -0.0 counts as 0.0.
        generator: draws the weights of the dimensions; None: the same weights in every call.

    Example:
        >>> import numpy as np
        >>> first, second, third = row_hashes(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -0.0]]))
        >>> bool(first == third), bool(first == second)
        (True, False)
    """
    generator = np.random.default_rng(0) if generator is None else generator
    hashes = np.empty(len(array), dtype=np.uint64)
    is_single = array.dtype.itemsize <= 2 or array.dtype == np.float32
    n_words = array.shape[1] * (1 if is_single else 2)
    weights = generator.integers(2**64, size=n_words, dtype=np.uint64) | np.uint64(1)
    for start in range(0, len(array), HASHED_ITEMS):
        rows = array[start : start + HASHED_ITEMS]
        values = np.asarray(rows, dtype=np.float32 if is_single else np.float64, order="C")
        words = np.add(values, 0.0).view(np.uint32)  # -0.0 becomes 0.0
        words ^= words >> np.uint32(16)  # signs are high bits, and low bits are hashed better
        hashes[start : start + HASHED_ITEMS] = words.astype(np.uint64) @ weights
    return hashes
