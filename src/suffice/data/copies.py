"""Items that occur in a data set several times: splits and folds do not separate them.

Two texts are copies if they have the same words, regardless of case and punctuation, or if they share at
least 80 % of their runs of three words (Jaccard similarity; Broder, On the resemblance and containment of
documents, 1997). Candidates are found by 120 minima of hashes in 20 bands of 6, which miss such a pair in 0.2
% of cases (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3). Each is then compared in
full.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.data.columns import GROUP, SPLIT, TOGETHER
from suffice.links import components, join_divisions

Integers = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

WORD = re.compile(r"\w+")
MIN_SHARE = 0.8  # of the combined runs of words of two texts
RUN_WORDS = 3
MIN_WORDS = 8  # shorter texts are copies only if all their words are equal
N_BANDS, N_MINIMA = 20, 6
TEXTS_AT_ONCE = 2048
MAX_SHARE = 0.2  # of the items; above it, texts are filled-in forms and not copies


def keep_copies_together(items: pd.DataFrame, *, are_texts: bool) -> tuple[pd.DataFrame, list[str]]:
    """The items, with the column `kept_together` if copies join groups, and notes for the reader.

    Items of one value are never separated. The value is the name of the first of the joined groups, so
    nothing changes for other groups. If the items have their own split, copies on both sides stay apart.

    Args:
        items: with the columns content and group, and optionally split.
        are_texts: whether contents are texts, which may differ slightly; otherwise only equal items are
            copies.
    """
    contents = items["content"].tolist()
    codes = copies_among(contents) if are_texts else _numbered(contents)
    n_copies = len(codes) - len(np.unique(codes))
    if not n_copies:
        return items, []
    groups = pd.factorize(items[GROUP])[0].astype(np.int64)
    said = f"{n_copies} of {len(items)} items are exact or near-exact copies of others"
    joined, crossing = groups, 0
    for side in _sides(items):
        joined = join_divisions(joined, np.where(side, codes, len(codes) + np.arange(len(codes))))
    if SPLIT in items:
        crossing = int(items.groupby(codes)[SPLIT].nunique().gt(1).sum())
    notes = [f"{said}: they stay together"]
    if crossing:
        notes = [f"{said}, and {crossing} texts are on both sides of the data set's own split"]
    if np.array_equal(_numbered(joined.tolist()), _numbered(groups.tolist())):
        return items, notes if crossing else []
    first = pd.Series(items[GROUP].to_numpy()).groupby(joined).transform("first").to_numpy(object)
    return items.assign(**{TOGETHER: first}), notes


def copies_among(texts: Sequence[str]) -> Integers:
    """Number of each text, the same for copies, shape (n_texts,)."""
    plain = [" ".join(words_of(text)) or text for text in texts]
    codes = _numbered(plain)
    _, first = np.unique(codes, return_index=True)
    near = _near_copies([plain[row] for row in first])
    joined = near[codes]
    return joined if np.bincount(joined).max(initial=0) <= MAX_SHARE * len(texts) else codes


def words_of(text: str) -> list[str]:
    """The words of a text, in lower case, with normalised characters."""
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _sides(items: pd.DataFrame) -> list[npt.NDArray[np.bool_]]:
    """The sets of items within which copies may be joined: each split of the data set, or all items."""
    if SPLIT not in items:
        return [np.ones(len(items), dtype=bool)]
    return [(items[SPLIT] == name).to_numpy(bool) for name in sorted(items[SPLIT].unique())]


def _numbered(values: Sequence[object]) -> Integers:
    return np.asarray(pd.factorize(pd.Series(list(values), dtype=object))[0], dtype=np.int64)


def _near_copies(texts: list[str]) -> Integers:
    """Number of each of some different texts of plain words, the same for near-copies."""
    long = np.array(
        [row for row, text in enumerate(texts) if text.count(" ") + 1 >= MIN_WORDS], dtype=np.int64
    )
    if len(long) < 2:
        return np.arange(len(texts))
    bands = np.concatenate([_bands(chunk) for chunk in _chunks([texts[row] for row in long])])
    links = np.unique(np.hstack([_links(band) for band in bands.T]), axis=1)
    close = [
        number
        for number, (one, other) in enumerate(links.T)
        if _share(texts[long[one]], texts[long[other]]) >= MIN_SHARE
    ]
    return components(long[links[0, close]], long[links[1, close]], len(texts))


def _chunks(texts: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        yield texts[start : start + TEXTS_AT_ONCE]


def _runs(texts: Sequence[str]) -> tuple[Hashes, Integers]:
    """Hashes of all runs of three words, text by text, and the position where each text begins."""
    words = [text.split(" ") for text in texts]
    hashes = pd.util.hash_array(np.array([word for each in words for word in each], dtype=object))
    starts = np.cumsum([0, *map(len, words)])
    step = np.uint64(0x9E3779B97F4A7C15)
    runs = (hashes[:-2] * step + hashes[1:-1]) * step + hashes[2:]
    inside = np.concatenate(
        [np.arange(a, b - RUN_WORDS + 1) for a, b in zip(starts[:-1], starts[1:], strict=True)]
    )
    n_runs = np.diff(starts) - RUN_WORDS + 1
    return runs[inside], np.cumsum(n_runs) - n_runs


def _bands(texts: list[str]) -> Hashes:
    """Hashes of the bands of minima of each text, shape (n_texts, N_BANDS)."""
    runs, starts = _runs(texts)
    generator = np.random.default_rng(0)
    bands = np.zeros((len(texts), N_BANDS), dtype=np.uint64)
    for band in range(N_BANDS):
        for _ in range(N_MINIMA):
            factor, offset = generator.integers(2**64, size=2, dtype=np.uint64)
            mixed = runs * (factor | np.uint64(1)) + offset
            mixed ^= mixed >> np.uint64(29)
            minima = np.minimum.reduceat(mixed * np.uint64(0xBF58476D1CE4E5B9), starts)
            bands[:, band] = bands[:, band] * np.uint64(0x9E3779B97F4A7C15) + minima
    return bands


def _links(keys: Hashes) -> Integers:
    """The first text of each key paired with every other text of the key, shape (2, n_links)."""
    codes = pd.factorize(keys)[0]
    _, first = np.unique(codes, return_index=True)
    others = np.flatnonzero(first[codes] != np.arange(len(codes)))
    return np.stack([first[codes[others]], others])


def _share(one: str, other: str) -> float:
    """The share of the combined runs of words of two texts that both have."""
    first, second = (np.unique(_runs([text])[0]) for text in (one, other))
    common = len(np.intersect1d(first, second, assume_unique=True))
    return common / (len(first) + len(second) - common)
