"""Vectors that already exist, from a file or a folder of files."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from suffice.alignment import align
from suffice.arrays import doubts_about_codes
from suffice.data.columns import ID
from suffice.data.corpus import Corpus, Window
from suffice.data.text_files import read_lines
from suffice.embed.base import ANYTHING, Encoder, Loader
from suffice.embed.ids_in_files import ids_in_file
from suffice.embed.vector_files import (
    ARRAYS,
    SAVED,
    SUFFIXES,
    kind_of_file,
    read_column_of_ids,
    read_vectors,
    split_array,
)
from suffice.errors import ModelError, SufficeError, first_line
from suffice.names import same_name
from suffice.settings import Settings
from suffice.storage.files import sha256_of_path, user_path
from suffice.storage.untrusted import UNREADABLE

BLOCK_ROWS = 4096  # rows compared at a time
Ids = TypeVar("Ids", list[str], list[str] | None)

NAMED = 3  # number of missing or repeated ids in an error


class PrecomputedSettings(Settings):
    """Settings of kind `precomputed`."""

    path: str = Field(
        description="File of vectors: .npy, .npz, .parquet, .safetensors, .csv, .tsv or .jsonl, each also "
        ".gz, or a folder of parts; `file.npz:name` names an array"
    )
    second_path: str | None = Field(
        None,
        description="File of vectors of a second look at each item, in the order of `path`; for views files",
    )
    match: Literal["auto", "order", "id"] = Field(
        "auto",
        description="order: row i is item i; id: rows are joined by the items' ids; auto: by id if the file "
        "has ids of the items (column `id`, or array `id` or `ids` of a .npz), otherwise by order",
    )
    ids: str | None = Field(
        None,
        description="With match id or auto: a text file with one id on each line, or the column of a "
        ".parquet or array of a .npz (by default `id`)",
    )
    array: str | None = Field(
        None,
        description="Name of the array in a .npz or .safetensors; for a table the list column, the common "
        "name of numbered columns, or columns separated by commas",
    )

    @model_validator(mode="after")
    def _ids_are_used(self) -> Self:
        if self.ids is not None and self.match == "order":
            raise ValueError("ids are given but match is order; set match: id, or remove ids")
        return self


class Precomputed(Loader[PrecomputedSettings]):
    """The rows of a file, by their order or by the items' ids."""

    kind = "precomputed"
    computes = False
    reads = ANYTHING
    new_items = "never"
    Settings = PrecomputedSettings

    @property
    def path(self) -> Path:
        """The file; a relative path starts from the working directory."""
        return split_array(user_path(self.settings.path))[0]

    @property
    def array(self) -> str | None:
        """The array named in the setting or the path."""
        return self.settings.array or split_array(user_path(self.settings.path))[1]

    @property
    def second_path(self) -> Path | None:
        """The file of second looks, if there is one."""
        return user_path(self.settings.second_path) if self.settings.second_path else None

    def check(self) -> None:
        """Check that the files exist and have a known format."""
        for path in filter(None, (self.path, self.second_path)):
            if not path.exists():
                raise ModelError(f"{path} does not exist; correct the setting path or second_path")
            if kind_of_file(path) not in (*SUFFIXES, SAVED):
                raise ModelError(f"{path} does not end in one of {', '.join(SUFFIXES)}; convert it")
        suffix = kind_of_file(self.path)
        holds_ids = suffix not in ARRAYS or suffix == ".npz"
        if self.settings.match == "id" and not holds_ids and self._ids_file is None:
            raise ModelError(
                f"{self.path.name} has no ids; set ids to an existing text file with one id per line, or set "
                "match to order"
            )
        if self.array is not None and suffix == ".npy":
            raise ModelError(f"{self.path.name} has only one array; remove the setting array")

    @property
    def _ids_file(self) -> Path | None:
        path = user_path(self.settings.ids) if self.settings.ids else None
        return path if path is not None and path.is_file() else None

    def identity(self) -> dict[str, Any]:
        """Hashes of the files, and the array named in the path."""
        files = {"path": self.path, "second_path": self.second_path, "ids": self._ids_file}
        hashes = {"files_sha256": {name: sha256_of_path(path) for name, path in files.items() if path}}
        return hashes if self.array == self.settings.array else hashes | {"array": self.array}

    def read(self) -> np.ndarray:
        """The vectors in the file's order, shape (n_rows, embed_dim).

        Raises:
            ModelError: the file cannot be read, or is not a matrix of numbers.
        """
        self.check()
        return self._matrix(self.path)

    def _matrix(self, path: Path) -> np.ndarray:
        vectors = self._read_vectors(path)
        if vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
            raise ModelError(
                f"{path.name} has an array of shape {vectors.shape} and type {vectors.dtype}; "
                "vectors must be a numeric matrix with one row per item"
            )
        return vectors

    def _second_look(self, shape: tuple[int, ...]) -> np.ndarray | None:
        """The vectors of second looks, with the shape of the first looks; None if there is no file."""
        if self.second_path is None:
            return None
        vectors = self._matrix(self.second_path)
        if vectors.shape != shape:
            raise ModelError(
                f"{self.second_path.name} has shape {vectors.shape} but {self.path.name} has {shape}; both "
                "must have the same items in the same order, by the same model"
            )
        return self._in_order_of_first(vectors)

    def _in_order_of_first(self, second: np.ndarray) -> np.ndarray:
        """The vectors of second looks in the order of the first file's rows, if both files carry ids."""
        first_name, second_name = self.path.name, f"{self.second_path} (second_path)"
        own = None if self.settings.match == "order" else self._ids_of_rows()
        other = None if own is None else self._reading_ids(lambda: ids_in_file(self.second_path or self.path))
        if own is None or other is None:
            return second
        ids = {first_name: own, second_name: other}
        try:
            joined = align(dict.fromkeys(ids, len(second)), ids)
        except SufficeError as error:
            raise ModelError(str(error)) from error
        found = joined.take({second_name: second})[second_name]
        if len(found) != len(second):
            raise ModelError(
                f"{second_name} and {first_name} have different items; give both looks at the same items"
            )
        return found

    def open(self, corpus: Corpus) -> Encoder:
        """Open the file and match its rows with the items."""
        vectors = self.read()
        second = self._second_look(vectors.shape)
        rows = None if self.settings.match == "order" else self._rows_by_id(len(vectors), corpus)
        if rows is None and len(vectors) != corpus.n_items:
            name = corpus.manifest["dataset"]
            raise ModelError(
                f"{self.path.name} has {len(vectors)} rows but data set {name} has {corpus.n_items} items; "
                "embed exactly these items in this order, or match by id"
            )
        return PrecomputedEncoder(vectors, rows, self.path.name, second)

    def _read_vectors(self, path: Path) -> np.ndarray:
        from safetensors import SafetensorError

        try:
            return read_vectors(path, self.array, self.settings.ids or ID)
        except SufficeError as error:
            raise ModelError(str(error)) from error
        except (*UNREADABLE, pa.ArrowException, SafetensorError) as error:
            raise ModelError(
                f"{path} cannot be read ({first_line(error)}); it may be truncated, write it again"
            ) from error

    def _rows_by_id(self, n_rows: int, corpus: Corpus) -> dict[str, int] | None:
        """The row of each id; None if the file has no ids of the items, so rows are in their order."""
        ids = self._ids_of_rows()
        if ids is None:
            return None
        if len(ids) != n_rows:
            raise ModelError(f"{self.path.name} has {n_rows} rows but {len(ids)} ids; give one id per row")
        ids = list(map(same_name, ids))
        rows = {key: row for row, key in enumerate(ids)}
        wanted = [key for window in corpus.windows() for key in window.ids]
        missing = [key for key in wanted if same_name(key) not in rows]
        if missing and self.settings.match == "auto" and self.settings.ids is None:
            if len(missing) == len(wanted) or _are_row_numbers(wanted, corpus):
                return None
        if len(rows) != len(ids):
            repeated = [key for row, key in enumerate(ids) if rows[key] != row]
            raise ModelError(f"{len(repeated)} ids of {self.path.name} occur twice: {_first(repeated)}")
        if missing:
            raise ModelError(
                f"{self.path.name} has no vector for {len(missing)} of {corpus.n_items} items: "
                f"{_first(missing)}; add them, or leave these items out of the data set (if row i is item i, "
                "set match to order)"
            )
        return rows

    def _ids_of_rows(self) -> list[str] | None:
        """The ids of the rows, in order; None if there are no ids and `match` does not require them."""
        if self._ids_file is None and self.settings.ids is None:
            found = self._reading_ids(lambda: ids_in_file(self.path))
            if found is not None or self.settings.match == "auto":
                return found
        return self._reading_ids(self._read_ids)

    def _read_ids(self) -> list[str]:
        if self._ids_file is not None:
            return read_lines(self._ids_file)
        return read_column_of_ids(self.path, self.settings.ids or ID)

    def _reading_ids(self, read: Callable[[], Ids]) -> Ids:
        """The result of a reading function, with errors of unreadable files as a ModelError."""
        try:
            return read()
        except SufficeError as error:
            raise ModelError(str(error)) from error
        except (*UNREADABLE, pa.ArrowException) as error:
            raise ModelError(f"the ids of {self.path.name} cannot be read ({first_line(error)})") from error


def _are_row_numbers(ids: Sequence[str], corpus: Corpus) -> bool:
    """Whether the ids are the default ids of a data set without its own ids."""
    settings = corpus.manifest.get("settings", {})
    numbers = [int(key) for key in ids if key.isascii() and key.isdigit()]
    rising = len(numbers) == len(ids) and all(one < other for one, other in pairwise(numbers))
    return rising and settings.get("id") is None


def _first(ids: Sequence[str]) -> str:
    return ", ".join(map(repr, ids[:NAMED])) + (", ..." if len(ids) > NAMED else "")


def _blocks(n_rows: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK_ROWS) for start in range(0, n_rows, BLOCK_ROWS))


class PrecomputedEncoder(Encoder):
    """Rows of an array.

    Args:
        vectors: shape (n_rows, embed_dim).
        rows: row of each id; None if rows are in the items' order.
        name: name of the file in warnings.
        second: vectors of second looks, with the same rows; None if there are no second looks.
    """

    def __init__(
        self, vectors: np.ndarray, rows: dict[str, int] | None, name: str, second: np.ndarray | None = None
    ) -> None:
        self.vectors, self.rows, self.name, self.second = vectors, rows, name, second
        self.embed_dim = vectors.shape[1]

    def warnings(self) -> list[str]:
        """A warning that 8-bit codes may be packed bits."""
        return doubts_about_codes(self.vectors, self.name)

    def for_looks(self, of_bases: Sequence[np.ndarray]) -> "PrecomputedEncoder":
        """The vectors of second looks.

        Raises:
            ModelError: there are no second looks, or they equal the first.
        """
        if self.second is None:
            raise ModelError("there are only vectors of the items; set views to group or none")
        if all((self.vectors[rows] == self.second[rows]).all() for rows in _blocks(len(self.vectors))):
            raise ModelError("path and second_path have the same vectors; give those of a second look")
        return PrecomputedEncoder(self.second, self.rows, self.name)

    def encode(self, window: Window) -> np.ndarray:
        """The items' rows as float32; numbers too large for it become infinite and are found later."""
        if self.rows is None:
            part = self.vectors[window.start : window.start + len(window)]
        else:
            part = self.vectors[[self.rows[same_name(key)] for key in window.ids]]
        with np.errstate(over="ignore"):
            return np.asarray(part).astype(np.float32)
