r"""Items that occur several times in the data: they count once, and no split separates them.

Items are copies if their standardised vectors z are equal, or nearly equal, in every model:

.. math:: \lVert z_i - z_j \rVert^2 \le 10^{-6} (\lVert z_i \rVert^2 + \lVert z_j \rVert^2)

For vectors of one length this is a cosine of at least 1 - 10^-6. Equal rows are found by a hash of their bits
(multilinear, modulo 2^64; Carter and Wegman, 1979). Near-copies are found among rows in the same cell of a
grid over random projections. Two kinds of rows are close to each other and are not copies. Rows of a few
discrete values may be equal by chance. Rows from a continuum have as many neighbours a little farther away.

Copies with noise, such as pictures that were saved again, are farther apart than that. They are versions of
one item if there is a clear gap: a sample of the pairs has at most a tenth more within four times their
distance. The smallest distance with such a gap is used, about a tenth of the spread in each dimension
at most.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

from suffice.errors import EstimationError
from suffice.estimators.items import MAX_UNIT_SHARE, N_FOLDS, group_codes
from suffice.estimators.standardise import chunks_of, mean_and_scale
from suffice.links import components, join_divisions
from suffice.row_hashes import row_hashes

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Embeddings = Sequence[npt.NDArray[np.floating]]

COMPARED_PAIRS = 512  # at a time, so they stay in a processor's cache
SAMPLED_ITEMS = 1000  # for shares of equal values
MAX_GAP = 1e-6  # squared distance of near-copies, as a share of the sum of the squared lengths
WIDER = 16  # times that gap: there a continuum has more neighbours, and copies do not
N_PROJECTIONS = 8
CELL = 0.05  # width of a grid's cells, in standard deviations of a projection
MIN_DIMS = 8  # of the widest model; with fewer, different items may be that close
CHANCE = 0.01  # of the equal pairs; if so many would be equal by chance, items are not copies
LARGER_GAPS = tuple(
    MAX_GAP * 4**step for step in range(2, 8)
)  # of versions: at most about a tenth of the spread
ASKED_ITEMS, SEARCHED_ITEMS = 500, 8192  # in whose pairs the gap is looked for; the latter for spreads
MIN_PAIRS = 10  # of versions among these
MAX_PAIRS = 100_000  # that are compared in the other models
BEYOND, MORE_BEYOND = 4, 0.1  # up to four times the gap there are few more pairs, as a share
N_NEIGHBOURS = 8  # of an item, in the projections, that may be versions of it
MAX_VERSIONS = 10  # of an item; more close items may be a cluster, such as a class, and are not joined
RADIUS = 8.0  # there, in multiples of the root of the gap: 99.9 % of versions are nearer


class _Scale(NamedTuple):
    mean: Floats
    spread: Floats


def join_copies(
    arrays: Embeddings, groups: npt.ArrayLike | None = None
) -> tuple[npt.ArrayLike | None, tuple[str, ...]]:
    """Groups of items that no split may separate: the given groups, joined if they share copies.

    Versions of an item are joined only if no groups are given; otherwise a note counts them.

    Args:
        arrays: vectors of the same items by every model, shape (n_items, embed_dim) each.
        groups: group of each item, shape (n_items,); None: every item is its own group.

    Returns:
        The groups, or `groups` itself if no copies join any, and notes on the copies for a reader.

    Raises:
        EstimationError: `groups` cannot be used, or there are fewer than 10 different items.
    """
    if not all(map(_is_finite, arrays)):
        return groups, ()  # standardisation reports values that are not finite
    copies, versions, gap = copies_and_versions(arrays)
    if groups is None:
        return _joined_alone(copies, versions, gap)
    given, _ = group_codes(groups, len(copies))
    joined = join_divisions(given, copies)
    notes = []
    if join_divisions(joined, versions).max() < joined.max():
        kept = "some are in different groups, and the groups are kept as given"
        notes = [f"{_said_of_versions(copies, versions, gap)}; {kept}"]
    if joined.max() == given.max():  # each copy is in the group of its original
        return groups, tuple(notes)
    said = _said_of_copies(copies)
    if _largest_share(joined) > max(MAX_UNIT_SHARE, _largest_share(given)):
        return groups, (
            f"{said}; they link groups with {_largest_share(joined):.0%} of the items, so the groups are "
            "kept as given and copies may be on both sides of a split: leave the copies out",
            *notes,
        )
    return joined, (f"{said}; their groups stay together and count once", *notes)


def _joined_alone(
    copies: Integers, versions: Integers, gap: float
) -> tuple[Integers | None, tuple[str, ...]]:
    """The groups of items for which none are given: copies, and versions unless most items are such."""
    n_different, notes, joined = int(copies.max(initial=-1)) + 1, [], None
    if n_different < len(copies):
        if n_different < 2 * N_FOLDS:
            raise EstimationError(
                f"{_said_of_copies(copies)}, so only {n_different} differ; "
                f"give at least {2 * N_FOLDS} different items"
            )
        notes, joined = [f"{_said_of_copies(copies)}; copies stay together and count once"], copies
    if gap:
        kept = "they count as different items; if they are not, give the group of each item"
        if _are_few_each(copies, versions) and versions.max() + 1 >= 2 * N_FOLDS:
            kept = "they stay together and count once; if they are different items, give each its own group"
            joined = versions
        notes.append(f"{_said_of_versions(copies, versions, gap)}; {kept}")
    return joined, tuple(notes)


def _are_few_each(copies: Integers, versions: Integers) -> bool:
    """Whether no item has so many versions that they may be a tight cluster of different items."""
    _, rows = np.unique(copies, return_index=True)
    return int(np.bincount(versions[rows]).max()) <= MAX_VERSIONS and (
        _largest_share(versions) <= MAX_UNIT_SHARE
    )


def _said_of_copies(copies: Integers) -> str:
    n_copies = len(copies) - int(copies.max()) - 1
    return f"{n_copies} of {len(copies)} items are copies of others (vectors equal or nearly equal)"


def _said_of_versions(copies: Integers, versions: Integers, gap: float) -> str:
    n_versions = int(copies.max() - versions.max())
    return f"{n_versions} of {len(copies)} items seem to be versions of others ({_differing(gap)})"


def _differing(gap: float) -> str:
    return f"vectors that differ by about {np.sqrt(gap):.1%} of the spread, and few others are near"


def doubts_about_groups(arrays: Embeddings, groups: npt.ArrayLike) -> list[str]:
    """A warning if items of different groups are copies or versions by their vectors.

    Args:
        arrays: vectors of the same items by every model, shape (n_items, embed_dim) each.
        groups: group of each item, shape (n_items,).
    """
    _, versions, gap = copies_and_versions(arrays)
    given = pd.factorize(np.asarray(groups))[0].astype(np.int64)
    n_joined = int(given.max() - join_divisions(given, versions).max())
    if not n_joined:
        return []
    how = _differing(gap) if gap else "vectors equal or nearly equal"
    return [
        f"{n_joined} of {len(given)} items seem to be copies or versions of items of other groups in every "
        f"model ({how}). They count as different items, so standard errors may be too small and values too "
        "high: if they are the same, give them one group"
    ]


def _is_finite(array: npt.NDArray[np.floating]) -> bool:
    return all(bool(np.isfinite(array[rows]).all()) for rows in chunks_of(len(array)))


def _largest_share(codes: Integers) -> float:
    return float(np.bincount(codes).max() / len(codes))


def copies_and_versions(arrays: Embeddings) -> tuple[Integers, Integers, float]:
    """Items that are the same, and items that are the same but for noise.

    Args:
        arrays: vectors of the same items by every model, shape (n_items, embed_dim) each.

    Returns:
        Number of each item, the same for copies, shape (n_items,), values in [0, n_different); number of each
        item, the same for copies and versions, shape (n_items,); and the typical squared distance of versions
        as a share of the sum of the squared lengths, 0 if there are none.
    """
    alone = np.arange(len(arrays[0]))
    if len(alone) < 2:
        return alone, alone, 0.0
    with np.errstate(all="ignore"):  # the estimators refuse numbers that are too large, or missing
        scales = _scales(arrays)
        copies = _copies_among(arrays, scales)
        return copies, *_versions_among(arrays, scales, copies)


def _copies_among(arrays: Embeddings, scales: Sequence[_Scale]) -> Integers:
    """Number of each item, the same for copies, shape (n_items,), values in [0, n_different)."""
    n_items = len(arrays[0])
    codes, _ = pd.factorize(_hashes(arrays))
    _, first = np.unique(codes, return_index=True)
    if len(first) < n_items and _equal_by_chance(arrays, codes, first):
        return np.arange(n_items)
    near = _near_copies(arrays, scales, first)
    return np.asarray(pd.factorize(near[codes])[0], dtype=np.int64)


def _hashes(arrays: Embeddings) -> npt.NDArray[np.uint64]:
    """A number per item that two items share only if their rows are equal in all models, shape (n_items,)."""
    generator = np.random.default_rng(0)
    hashes = np.zeros(len(arrays[0]), dtype=np.uint64)
    for array in arrays:
        hashes += row_hashes(array, generator)
    return hashes


def _equal_by_chance(arrays: Embeddings, codes: Integers, first: Integers) -> bool:
    """Whether as many rows would be equal by chance in every model if its dimensions were independent."""
    n_items, sizes = len(codes), np.bincount(codes)
    n_equal = float((sizes * (sizes - 1.0)).sum())
    rows = np.sort(np.random.default_rng(0).permutation(first)[:SAMPLED_ITEMS])
    for array in arrays:
        with np.errstate(divide="ignore"):
            log_share = np.log(_equal_shares(np.asarray(array[rows]))).sum()
        if n_items * (n_items - 1.0) * np.exp(log_share) < CHANCE * n_equal:
            return False
    return True


def _equal_shares(rows: npt.NDArray[np.floating]) -> Floats:
    """Share of the pairs of rows that are equal in each dimension, shape (embed_dim,)."""
    n = len(rows)
    shares = np.zeros(rows.shape[1])
    for column, values in enumerate(rows.T):
        _, counts = np.unique(values, return_counts=True)
        shares[column] = (counts * (counts - 1.0)).sum() / max(1, n * (n - 1))
    return shares


def _near_copies(arrays: Embeddings, scales: Sequence[_Scale], rows: Integers) -> Integers:
    """Number of each of some different rows, the same for near-copies, shape (n_rows,)."""
    alone = np.arange(len(rows))
    if max(array.shape[1] for array in arrays) < MIN_DIMS or len(rows) < 2:
        return alone
    places = _projections(arrays, scales, rows)
    links = [_links_in_cells(places + shift) for shift in (0.0, CELL / 2)]
    one, other, gaps = _close(arrays, scales, rows, np.unique(np.hstack(links), axis=1), WIDER * MAX_GAP)
    close = gaps <= MAX_GAP
    if len(gaps) > 2 * close.sum():
        return alone
    return components(one[close], other[close], len(rows))


def _versions_among(arrays: Embeddings, scales: Sequence[_Scale], copies: Integers) -> tuple[Integers, float]:
    """Number of each item, the same for copies and versions, and the distance of versions."""
    _, rows = np.unique(copies, return_index=True)
    if max(array.shape[1] for array in arrays) < MIN_DIMS or len(rows) < 2 * N_NEIGHBOURS:
        return copies, 0.0
    gap = _gap_of_versions(arrays, scales, rows)
    if not gap:
        return copies, 0.0
    places = _projections(arrays, scales, rows)
    tree, within = scipy.spatial.KDTree(places), RADIUS * np.sqrt(gap)
    near = tree.query(places, N_NEIGHBOURS + 1, distance_upper_bound=within)[1]
    one, other = np.repeat(np.arange(len(rows)), N_NEIGHBOURS), near[:, 1:].ravel()
    links = np.stack([one, other])[:, other < len(rows)]
    one, other, gaps = _close(arrays, scales, rows, links, BEYOND * gap)
    if not len(gaps):
        return copies, 0.0
    joined = components(one, other, len(rows))[copies]
    return np.asarray(pd.factorize(joined)[0], dtype=np.int64), float(np.median(gaps))


def _gap_of_versions(arrays: Embeddings, scales: Sequence[_Scale], rows: Integers) -> float:
    """The smallest of the larger gaps that few pairs of a sample exceed by a little; 0 if there is none."""
    shuffled = np.random.default_rng(0).permutation(len(rows))
    asked, searched = np.sort(shuffled[:ASKED_ITEMS]), np.sort(shuffled[:SEARCHED_ITEMS])
    widest = int(np.argmax([array.shape[1] for array in arrays]))
    first, second = (_standard_rows(arrays[widest], scales[widest], rows[some]) for some in (asked, searched))
    shares = first @ second.T
    shares /= np.add.outer(*(_squares(side).astype(shares.dtype) for side in (first, second)))
    shares *= -2
    shares += 1
    most = BEYOND * LARGER_GAPS[-1]
    if (shares <= most).sum() > MAX_PAIRS:
        most = float(np.partition(shares, MAX_PAIRS, axis=None)[MAX_PAIRS])
    one, other = np.nonzero(shares <= most)
    are_two = asked[one] != searched[other]
    one, other = one[are_two], other[are_two]
    _, _, gaps = _close(arrays, scales, rows, np.stack([asked[one], searched[other]]), most)
    gaps = gaps[gaps > MAX_GAP]  # rows of discrete values may be equal by chance
    for gap in LARGER_GAPS:
        n_close = int((gaps <= gap).sum())
        if BEYOND * gap > most:
            break
        if n_close >= MIN_PAIRS and (gaps <= BEYOND * gap).sum() <= (1 + MORE_BEYOND) * n_close:
            return gap
    return 0.0


def _standard_rows(
    array: npt.NDArray[np.floating], scale: _Scale, rows: Integers
) -> npt.NDArray[np.floating]:
    kind = _kind(array)
    deviations = np.asarray(array[rows], dtype=kind) - scale.mean.astype(kind)
    return np.asarray(deviations * (1 / scale.spread).astype(kind))


def _close(
    arrays: Embeddings, scales: Sequence[_Scale], rows: Integers, links: Integers, most: float
) -> tuple[Integers, Integers, Floats]:
    """The pairs of rows whose gap is at most `most` in every model, and the largest gap of each pair."""
    one, other = links
    gaps = np.zeros(len(one))
    for array, scale in zip(arrays, scales, strict=True):
        one, other, gaps = one[gaps <= most], other[gaps <= most], gaps[gaps <= most]
        gaps = np.maximum(gaps, _gaps(array, scale, rows[one], rows[other]))
    near = gaps <= most
    return one[near], other[near], gaps[near]


def _scales(arrays: Embeddings) -> list[_Scale]:
    sample = np.sort(np.random.default_rng(0).permutation(len(arrays[0]))[:SEARCHED_ITEMS])
    return [_scale(array, sample) for array in arrays]


def _scale(array: npt.NDArray[np.floating], sample: Integers) -> _Scale:
    """Mean and standard deviation of each dimension in a sample; 1 if a dimension is constant there."""
    mean, spread = mean_and_scale(array[sample])
    return _Scale(mean, np.where(spread > 0, spread, 1.0))


def _projections(arrays: Embeddings, scales: Sequence[_Scale], rows: Integers) -> Floats:
    """Standardised vectors of up to 8 models on 8 random directions in total, shape (n_rows, 8)."""
    used = list(zip(arrays, scales, strict=True))[:N_PROJECTIONS]
    generator = np.random.default_rng(0)
    parts = []
    for number, (array, scale) in enumerate(used):
        n_here = len(range(number, N_PROJECTIONS, len(used)))
        directions = generator.normal(size=(array.shape[1], n_here)) / np.sqrt(array.shape[1])
        weights = directions / scale.spread[:, None]
        part = np.empty((len(rows), n_here))
        for chunk in chunks_of(len(rows)):
            part[chunk] = np.asarray(array[rows[chunk]]) @ weights.astype(_kind(array)) - scale.mean @ weights
        parts.append(part)
    return np.nan_to_num(np.hstack(parts), posinf=0, neginf=0)


def _kind(array: npt.NDArray[np.floating]) -> np.dtype[np.floating]:
    return np.dtype(np.float32 if array.dtype == np.float32 else np.float64)


def _links_in_cells(places: Floats) -> Integers:
    """The first row of each cell of a grid with every other row in it, shape (2, n_links)."""
    cells = np.floor(np.clip(places / CELL, -(2.0**62), 2.0**62)).astype(np.int64).view(np.uint64)
    weights = np.random.default_rng(1).integers(2**64, size=cells.shape[1], dtype=np.uint64)
    codes, _ = pd.factorize(cells @ (weights | np.uint64(1)))
    _, first = np.unique(codes, return_index=True)
    others = np.flatnonzero(first[codes] != np.arange(len(codes)))
    return np.stack([first[codes[others]], others])


def _gaps(array: npt.NDArray[np.floating], scale: _Scale, one: Integers, other: Integers) -> Floats:
    """Squared distances of pairs of rows, divided by the sum of their squared lengths, shape (n_pairs,)."""
    kind, gaps = _kind(array), np.empty(len(one))
    mean: npt.NDArray[np.floating] = scale.mean.astype(kind)
    per_spread: npt.NDArray[np.floating] = (1 / scale.spread).astype(kind)
    for chunk in chunks_of(len(one), COMPARED_PAIRS):
        first: npt.NDArray[np.floating] = np.asarray(array[one[chunk]], dtype=kind)
        second: npt.NDArray[np.floating] = np.asarray(array[other[chunk]], dtype=kind)
        apart = _squares((first - second) * per_spread)
        lengths = _squares((first - mean) * per_spread) + _squares((second - mean) * per_spread)
        gaps[chunk] = apart / lengths
    return gaps


def _squares(rows: npt.NDArray[np.floating]) -> Floats:
    return np.asarray(np.einsum("ij,ij->i", rows, rows), dtype=np.float64)
