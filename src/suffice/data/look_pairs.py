"""Making pairs of looks at the items of a corpus: items of a group, parts of items, or rows of two files."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.data.columns import CONTENT, GROUP, ID
from suffice.data.corpus import Corpus
from suffice.data.image_files import SCALE, Box
from suffice.data.look_settings import MAX_EMBEDDED_PAIRS, MIN_GROUPS, MIN_PAIRS, PARTS, SAME
from suffice.data.looks import CONTENTS, FIRST, SECOND
from suffice.data.media_files import MediaRef, Part
from suffice.errors import DataError
from suffice.looks import paired_within_groups
from suffice.seeds import derive_seed
from suffice.storage.files import write_json, write_table

MIN_WORDS = 8  # of a text that is halved
CROP_SHARES = (0.35, 0.75)  # of the area of an image
CROP_SHAPES = (3 / 4, 4 / 3)  # width over height, for a square image
SEGMENT_SHARES = (0.35, 0.5)  # of the length of a sound


@dataclass
class _Found:
    """Pairs of looks, and for each reason the number of items without a pair.

    Attributes:
        table: first, second, group, and for texts created here first_content and second_content.
        left_out: number of items by reason.
    """

    table: pd.DataFrame
    left_out: dict[str, int] = field(default_factory=dict)


def build_looks(
    corpus: Corpus, views: str, seed: int, path: Path | str, *, max_pairs: int | None, is_wish: bool
) -> None:
    """Write the pairs of looks at the items of a corpus (Parquet) and their manifest beside it (.json).

    Args:
        corpus: the items.
        views: kind of looks.
        seed: seed of random choices.
        path: the Parquet file to write; the manifest is written last.
        max_pairs: largest number of random pairs; None: the default of the kind.
        is_wish: whether the study continues with one look if there are too few pairs.

    Raises:
        DataError: there are too few pairs, and this kind was required.
    """
    path = Path(path)
    found = FINDERS[views](corpus, seed)
    limit = max_pairs or (MAX_EMBEDDED_PAIRS if views in PARTS else None)
    table = _sampled(found, limit, seed)
    n_pairs, n_groups = len(table), table[GROUP].nunique()
    note = ""
    if n_pairs < MIN_PAIRS or n_groups < MIN_GROUPS:
        note = _too_few(path.stem, views, n_pairs, n_groups, found.left_out)
        if not is_wish:
            raise DataError(note)
        views, table, n_pairs, n_groups = SAME, table.head(0), 0, 0
    if views in PARTS:
        table = table.assign(first=np.arange(n_pairs), second=n_pairs + np.arange(n_pairs))
    write_table(table, path)
    manifest = {
        "dataset": path.stem,
        "looks": views,
        "n_pairs": n_pairs,
        "n_groups": n_groups,
        "left_out": {reason: count for reason, count in found.left_out.items() if count},
        "note": note,
        "sha256": _sha256(views, table),
    }
    write_json(manifest, path.with_suffix(".json"))


def _sampled(found: _Found, limit: int | None, seed: int) -> pd.DataFrame:
    """At most `limit` of the pairs, in their order; the others are counted as left out."""
    table = found.table
    if limit is None or len(table) <= limit:
        return table
    drawn = np.random.default_rng(derive_seed(seed, "pairs of looks")).permutation(len(table))[:limit]
    found.left_out["not sampled"] = len(table) - limit
    return table.iloc[np.sort(drawn)].reset_index(drop=True)


def _too_few(dataset: str, views: str, n_pairs: int, n_groups: int, left_out: dict[str, int]) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items() if count)
    remedy = "halves" if views == "group" else "none"
    return (
        f"data set {dataset}: views {views} give {n_pairs:,} pairs of looks in {n_groups:,} groups"
        f"{f' ({reasons})' if reasons else ''}, but {MIN_PAIRS} in {MIN_GROUPS} are needed; give more items, "
        f"or set views to {remedy}"
    )


def _sha256(views: str, table: pd.DataFrame) -> str:
    digest = hashlib.sha256(views.encode())
    for column in table.columns:
        digest.update(b"\0\0" + column.encode())
        digest.update("\0".join(map(str, table[column])).encode())
    return digest.hexdigest()


def _of_groups(corpus: Corpus, seed: int) -> _Found:
    """Each item with another item of its group; two items with equal contents are not a pair."""
    items = corpus.table([CONTENT, GROUP])
    groups, content = items[GROUP].to_numpy(object), items[CONTENT].to_numpy(object)
    pairs = paired_within_groups(groups, seed)
    differ = content[pairs.first_rows] != content[pairs.second_rows]
    columns = {FIRST: pairs.first_rows, SECOND: pairs.second_rows, GROUP: corpus.together[pairs.first_rows]}
    left_out = {
        "items that are alone in their group": len(items) - len(differ),
        "items whose partner is equal": int((~differ).sum()),
    }
    return _Found(pd.DataFrame(columns)[differ].reset_index(drop=True), left_out)


def _of_texts(divide: Callable[[list[str], int], tuple[list[str], list[str]]]) -> "Finder":
    """A finder that makes two texts of each item."""

    def find(corpus: Corpus, seed: int) -> _Found:
        items = corpus.table([ID, CONTENT])
        words = [str(content).split() for content in items[CONTENT]]
        long = np.flatnonzero([len(each) >= MIN_WORDS for each in words])
        seeds = [derive_seed(seed, "words", str(name)) for name in items[ID].iloc[long]]
        parts = [divide(words[row], own) for row, own in zip(long, seeds, strict=True)]
        first, second = ([" ".join(part[side]) for part in parts] for side in (0, 1))
        group = corpus.together[long]
        columns = {FIRST: long, SECOND: long, GROUP: group, CONTENTS[0]: first, CONTENTS[1]: second}
        table = pd.DataFrame(columns).astype({name: object for name in CONTENTS})
        differ = (table[CONTENTS[0]] != table[CONTENTS[1]]).to_numpy(bool)
        left_out = {
            f"texts with fewer than {MIN_WORDS} words": len(items) - len(long),
            "texts whose looks are equal": int((~differ).sum()),
        }
        return _Found(table[differ].reset_index(drop=True), left_out)

    return find


def _halves(words: list[str], seed: int) -> tuple[list[str], list[str]]:
    """The first half of the words, which is the smaller one, and the second half."""
    return words[: len(words) // 2], words[len(words) // 2 :]


def _dealt(words: list[str], seed: int) -> tuple[list[str], list[str]]:
    """Two disjoint random halves of the words, each in the order of the text."""
    is_first = np.zeros(len(words), dtype=bool)
    is_first[np.random.default_rng(seed).permutation(len(words))[: len(words) // 2]] = True
    return _where(words, is_first), _where(words, ~is_first)


def _where(words: Sequence[str], mask: npt.NDArray[np.bool_]) -> list[str]:
    return [word for word, kept in zip(words, mask, strict=True) if kept]


def _of_media(kind: str, divide: Callable[[MediaRef, int], tuple[Part, Part]]) -> "Finder":
    """A finder of two random parts of each item, which depend only on its bytes and on the seed."""

    def find(corpus: Corpus, seed: int) -> _Found:
        refs = [MediaRef.parse(str(content)) for content in corpus.column(CONTENT)]
        rows = np.arange(len(refs))
        parts = [divide(ref, derive_seed(seed, kind, ref.sha256)) for ref in refs]
        first, second = (
            [str(ref.of_part(pair[side])) for ref, pair in zip(refs, parts, strict=True)] for side in (0, 1)
        )
        columns = {FIRST: rows, SECOND: rows, GROUP: corpus.together, CONTENTS[0]: first, CONTENTS[1]: second}
        return _Found(pd.DataFrame(columns).astype({name: object for name in CONTENTS}))

    return find


def _two_boxes(ref: MediaRef, seed: int) -> tuple[Box, Box]:
    """Two random boxes, see `_box`."""
    generator = np.random.default_rng(seed)
    return _box(generator), _box(generator)


def _box(generator: np.random.Generator) -> Box:
    """A random box of 35 to 75 % of the area of an image, in ten-thousandths of width and height."""
    area, shape = generator.uniform(*CROP_SHARES), np.exp(generator.uniform(*np.log(CROP_SHAPES)))
    width, height = min(np.sqrt(area * shape), 1.0), min(np.sqrt(area / shape), 1.0)
    left, upper = generator.uniform(0, 1 - width), generator.uniform(0, 1 - height)
    left, upper, right, lower = (round(SCALE * each) for each in (left, upper, left + width, upper + height))
    return left, upper, right, lower


def _two_segments(ref: MediaRef, seed: int) -> tuple[Part, Part]:
    """Two random parts of a sound that do not overlap, each of 35 to 50 % of its length, in random order."""
    start, stop, rate = ref.part or (0, 0, 0)
    generator, length = np.random.default_rng(seed), stop - start
    earlier, later = (int(length * share) for share in generator.uniform(*SEGMENT_SHARES, size=2))
    before, between = np.sort(generator.integers(0, length - earlier - later, size=2, endpoint=True)).tolist()
    begin, follow = start + before, start + between + earlier
    parts = ((begin, begin + earlier, rate), (follow, follow + later, rate))
    return parts if generator.random() < 1 / 2 else (parts[1], parts[0])


def _of_files(corpus: Corpus, seed: int) -> _Found:
    """Row i of both files is item i."""
    rows = np.arange(corpus.n_items)
    return _Found(pd.DataFrame({FIRST: rows, SECOND: rows, GROUP: corpus.together}))


Finder = Callable[[Corpus, int], _Found]
FINDERS: dict[str, Finder] = {
    "group": _of_groups,
    "halves": _of_texts(_halves),
    "words": _of_texts(_dealt),
    "crops": _of_media("crops", _two_boxes),
    "segments": _of_media("segments", _two_segments),
    "files": _of_files,
}
