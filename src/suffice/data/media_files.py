"""Items that are files, such as images and sounds: how a corpus names them, and how they are read."""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from suffice.data.corpus import Corpus
from suffice.errors import DataError
from suffice.storage.untrusted import read_from_npz

G = TypeVar("G")
M = TypeVar("M")
T = TypeVar("T")
Part = tuple[int, ...]
Source = bytes | npt.NDArray[Any]
"""The bytes of a file, or one of the arrays in a `.npz` file."""

TEXT = re.compile(r"(?P<path>.+) (?P<sha256>[0-9a-f]{64})(#(?P<row>\d+))?(@(?P<part>\d+(,\d+)*))?", re.DOTALL)
THREADS = 4  # for reading files in parallel


@dataclass(frozen=True)
class MediaRef:
    """An item, or a part of it, as the text that represents it in a corpus.

    Attributes:
        sha256: hash of the item's bytes.
        path: its file, relative to the root that the corpus names; with `row`, also the name of the array or
            column in the file.
        row: row in a file of several items.
        part: numbers with the meaning that `ImageFiles` or `SoundFiles` gives them; None: the whole item.
    """

    sha256: str
    path: str
    row: int | None = None
    part: Part | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The item that a text represents.

        Raises:
            DataError: it does not represent an item.
        """
        found = TEXT.fullmatch(text)
        if found is None:
            raise DataError(
                f"{text[:60]!r} does not name a file with its hash; set content_type in datasets.tsv"
            )
        part = tuple(map(int, found["part"].split(","))) if found["part"] else None
        return cls(found["sha256"], found["path"], int(found["row"]) if found["row"] else None, part)

    def __str__(self) -> str:
        row = "" if self.row is None else f"#{self.row}"
        part = f"@{','.join(map(str, self.part))}" if self.part else ""
        return f"{self.path} {self.sha256}{row}{part}"

    @property
    def shown(self) -> str:
        """The path, without the hash."""
        return self.path if self.row is None else f"{self.path}, row {self.row}"

    def of_part(self, part: Part) -> Self:
        """The same item, but another part of it."""
        return replace(self, part=part)


class MediaFiles(ABC, Generic[M]):
    """The files below a root.

    Args:
        root: folder that paths start from.

    Class attributes: `name`, the content type; `one` and `items`, words for one item and for several.
    """

    name: ClassVar[str]
    one: ClassVar[str]
    items: ClassVar[str]

    def __init__(self, root: Path) -> None:
        self.root = root
        self.packed: dict[str, PackedItems] = {}
        self.one_at_a_time = Lock()  # files of many items keep some of them in memory

    @classmethod
    def of(cls, corpus: Corpus) -> Self:
        """The files of a corpus.

        Raises:
            DataError: its items are of another kind.
        """
        root = corpus.manifest.get("root")
        if root is None or corpus.manifest["settings"]["content_type"] != cls.name:
            raise DataError(f"{corpus.path} has no {cls.items}; set content_type {cls.name} in datasets.tsv")
        return cls(corpus.path.parent / str(root))

    @abstractmethod
    def opened(self, source: Source, part: Part | None) -> M:
        """An item, or a part of it, from its bytes."""

    def source(self, path: str, row: int | None) -> Source:
        """The bytes of an item, or its array.

        Raises:
            DataError: the file does not exist.
        """
        if row is None:
            return self._bytes_of(self.root / path)
        with self.one_at_a_time:
            if path not in self.packed:
                self.packed[path] = PackedItems(self.root / path)
            return self.packed[path].row(row)

    def _bytes_of(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except (OSError, ValueError) as error:
            raise DataError(f"the {self.one} {path} cannot be read ({error}); correct its path") from error

    def item(self, content: str) -> M:
        """The item that a text of the corpus represents.

        Raises:
            DataError: its file is missing, or its bytes are not those of the corpus.
        """
        ref = MediaRef.parse(content)
        source = self.source(ref.path, ref.row)
        if sha256_of(source) != ref.sha256:
            raise DataError(
                f"the {self.one} {self.root / ref.path} has changed since the corpus was built; run the "
                "study again to rebuild the corpus"
            )
        return self.opened(source, ref.part)

    def each(self, contents: Sequence[str], made: Callable[[M], T]) -> Iterator[T]:
        """The result of a function for each item, in order; several items are read at once."""
        return in_threads(lambda content: made(self.item(content)), contents)


def in_threads(make: Callable[[G], T], given: Sequence[G]) -> Iterator[T]:
    """The results of a function, in order, computed by a few threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        yield from pool.map(make, given)


class PackedItems:
    """Items in one column of a Parquet file, or in one array of a `.npz` file.

    Args:
        path: the file, and below it the name of the array or column.
    """

    def __init__(self, path: Path) -> None:
        self.file, self.name = path.parent, path.name
        self.group, self.held = -1, list[bytes]()

    def row(self, row: int) -> Source:
        """One of the items."""
        if self.file.suffix.lower() == ".npz":
            return np.asarray(self.array[row])
        group = int(np.searchsorted(self.starts, row, side="right")) - 1
        if group != self.group:
            column = pq.ParquetFile(self.file).read_row_group(group, columns=[self.name]).column(0)
            self.held = [bytes_in(value) for value in column.to_pylist()]
            self.group = group
        return self.held[row - int(self.starts[group])]

    @cached_property
    def array(self) -> npt.NDArray[Any]:
        """The array, whose first axis is that of the items."""
        return read_from_npz(self.file, self.name)

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """The first row of each group of rows of a Parquet file."""
        about = pq.read_metadata(self.file)
        sizes = [about.row_group(number).num_rows for number in range(about.num_row_groups)]
        return np.cumsum([0, *sizes[:-1]])


def bytes_in(value: Any) -> bytes:
    """The bytes of a cell, or of its field `bytes` as in data sets of the hub; empty if it has no bytes."""
    held = value.get("bytes") if isinstance(value, dict) else value
    return held if isinstance(held, bytes) else b""


def sha256_of(source: Source) -> str:
    """SHA-256 of an item's bytes, or of the shape and the values of its array."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    return hashlib.sha256(repr(source.shape).encode() + source.tobytes()).hexdigest()
