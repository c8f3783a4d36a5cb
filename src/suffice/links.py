"""What belongs together because links connect it."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

Integers = npt.NDArray[np.int64]


def components(one: Integers, other: Integers, n: int) -> Integers:
    """Number of the connected component of each of `n` nodes, shape (n,).

    Args:
        one: a node at one end of each link, shape (n_links,), values in [0, n).
        other: the node at the other end, shape (n_links,).
        n: number of nodes.

    Example:
        >>> components(np.array([0, 1]), np.array([2, 3]), 5).tolist()
        [0, 1, 0, 1, 2]
    """
    if not len(one):
        return np.arange(n)  # without the time that the import of graphs takes
    graph = scipy.sparse.coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(n, n))
    return np.asarray(scipy.sparse.csgraph.connected_components(graph, directed=False)[1], dtype=np.int64)


def join_divisions(one: Integers, other: Integers) -> Integers:
    """The finest groups that keep together whatever is together in either division, shape (n_items,).

    Args:
        one: group of each item in one division, not negative, shape (n_items,).
        other: its group in the other division.

    Example:
        >>> join_divisions(np.array([0, 0, 1, 2]), np.array([7, 8, 8, 9])).tolist()
        [0, 0, 0, 1]
    """
    others = pd.factorize(other)[0].astype(np.int64)
    n_one = int(one.max()) + 1
    return np.asarray(components(one, n_one + others, n_one + int(others.max()) + 1)[one])
