"""Vectors that somebody has already computed, from a .npy, .npz, .parquet or .safetensors file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, model_validator

from suffice.data.corpus import ID, Corpus, Window
from suffice.embed.base import Encoder, Loader
from suffice.errors import ModelError, first_line
from suffice.files import sha256_of_file, user_path
from suffice.foreign import UNREADABLE, map_npy, names_in_npz, read_from_npz
from suffice.settings import Settings

SUFFIXES = (".npy", ".npz", ".parquet", ".safetensors")
BLOCK_ROWS = 4096  # compared at a time
NAMED = 3  # how many missing or repeated ids an error names


class PrecomputedSettings(Settings):
    """Settings of kind `precomputed`."""

    path: str = Field(description="File of vectors: .npy, .npz, .parquet or .safetensors")
    second_path: str | None = Field(
        None,
        description="File of vectors of a second look at each item, with the rows of `path`; for views files",
    )
    match: Literal["order", "id"] = Field(
        "order", description="Row i is item i, or rows are found by the items' ids"
    )
    ids: str | None = Field(
        None,
        description="With match id: a text file with one id a line, or the column of a .parquet or array of "
        "a .npz (by default `id`)",
    )
    array: str | None = Field(
        None, description="Name of the array in a .npz or .safetensors, or of a list column in a .parquet"
    )

    @model_validator(mode="after")
    def _ids_are_used(self) -> Self:
        if self.ids is not None and self.match == "order":
            raise ValueError("ids are given but match is order; set match: id, or remove ids")
        return self


class Precomputed(Loader[PrecomputedSettings]):
    """The rows of a file, by their order or by the items' ids."""

    kind = "precomputed"
    new_items = "never"
    Settings = PrecomputedSettings

    @property
    def path(self) -> Path:
        """The file; a relative path starts from the working directory."""
        return user_path(self.settings.path)

    @property
    def second_path(self) -> Path | None:
        """The file of second looks, if there is one."""
        return user_path(self.settings.second_path) if self.settings.second_path else None

    def check(self) -> None:
        """Check that the files are there and of a known form."""
        for path in filter(None, (self.path, self.second_path)):
            if path.suffix not in SUFFIXES:
                raise ModelError(f"{path} is not one of {', '.join(SUFFIXES)}; convert it to one of them")
            if not path.is_file():
                raise ModelError(f"{path} does not exist; mend the setting path or second_path")
        by_id, inside = self.settings.match == "id", self.path.suffix in (".npz", ".parquet")
        if by_id and not inside and self._ids_file is None:
            raise ModelError(
                f"{self.path.name} holds no ids; set ids to an existing text file with one id a line, "
                "or match to order"
            )
        if self.settings.array is not None and self.path.suffix == ".npy":
            raise ModelError(f"{self.path.name} holds one array only; remove the setting array")

    @property
    def _ids_file(self) -> Path | None:
        path = user_path(self.settings.ids) if self.settings.ids else None
        return path if path is not None and path.is_file() else None

    def identity(self) -> dict[str, Any]:
        """Hashes of the files."""
        files = {"path": self.path, "second_path": self.second_path, "ids": self._ids_file}
        return {"files_sha256": {name: sha256_of_file(path) for name, path in files.items() if path}}

    def read(self) -> np.ndarray:
        """The vectors in the file's order, shape (n_rows, embed_dim)."""
        self.check()
        return self._matrix(self.path)

    def _matrix(self, path: Path) -> np.ndarray:
        vectors = self._read_vectors(path)
        if vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
            raise ModelError(
                f"{path.name} holds an array of shape {vectors.shape} and type {vectors.dtype}; "
                "vectors must be a numeric matrix, one row an item"
            )
        return vectors

    def _second_look(self, shape: tuple[int, ...]) -> np.ndarray | None:
        """The vectors of second looks, of the shape of those of the first; None if there is no file."""
        if self.second_path is None:
            return None
        vectors = self._matrix(self.second_path)
        if vectors.shape != shape:
            raise ModelError(
                f"{self.second_path.name} has shape {vectors.shape} but {self.path.name} has {shape}; both "
                "must hold the same items in the same order, by the same model"
            )
        return vectors

    def open(self, corpus: Corpus) -> Encoder:
        """Open the file and match its rows with the items."""
        vectors = self.read()
        second = self._second_look(vectors.shape)
        if self.settings.match == "id":
            return PrecomputedEncoder(vectors, self._rows_by_id(len(vectors), corpus), second)
        if len(vectors) != corpus.n_items:
            name = corpus.manifest["dataset"]
            raise ModelError(
                f"{self.path.name} has {len(vectors)} rows but data set {name} has {corpus.n_items} items; "
                "embed exactly these items in this order, or match by id"
            )
        return PrecomputedEncoder(vectors, None, second)

    def _read_vectors(self, path: Path) -> np.ndarray:
        from safetensors import SafetensorError

        try:
            return read_vectors(path, self.settings.array, self.settings.ids or ID)
        except ModelError:
            raise
        except (*UNREADABLE, pa.ArrowException, SafetensorError) as error:
            raise ModelError(
                f"{path} cannot be read ({first_line(error)}); it may be truncated, make it again"
            ) from error

    def _rows_by_id(self, n_rows: int, corpus: Corpus) -> dict[str, int]:
        ids = self._read_ids()
        if len(ids) != n_rows:
            raise ModelError(f"{self.path.name} has {n_rows} rows but there are {len(ids)} ids for them")
        rows = {key: row for row, key in enumerate(ids)}
        if len(rows) != len(ids):
            repeated = [key for row, key in enumerate(ids) if rows[key] != row]
            raise ModelError(f"{len(repeated)} ids of {self.path.name} occur twice: {_first(repeated)}")
        missing = [key for window in corpus.windows() for key in window.ids if key not in rows]
        if missing:
            raise ModelError(
                f"{self.path.name} has no vector for {len(missing)} of {corpus.n_items} items: "
                f"{_first(missing)}; add them, or leave these items out of the data set"
            )
        return rows

    def _read_ids(self) -> list[str]:
        """The ids of the rows, in their order."""
        try:
            return self._unchecked_ids(self.settings.ids or ID)
        except ModelError:
            raise
        except (*UNREADABLE, pa.ArrowException) as error:
            raise ModelError(f"the ids of {self.path.name} cannot be read ({first_line(error)})") from error

    def _unchecked_ids(self, name: str) -> list[str]:
        if self._ids_file is not None:
            return self._ids_file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        if self.path.suffix == ".parquet":
            _require(name, pq.read_schema(self.path).names, self.path)
            return [str(key) for key in pq.read_table(self.path, columns=[name])[name].to_pylist()]
        _require(name, names_in_npz(self.path), self.path)
        return [str(key) for key in read_from_npz(self.path, name)]


def _first(ids: Sequence[str]) -> str:
    return ", ".join(map(repr, ids[:NAMED])) + (", ..." if len(ids) > NAMED else "")


def _require(name: str, names: Sequence[str], path: Path) -> None:
    if name not in names:
        raise ModelError(f"{path.name} has no {name!r}; it has {', '.join(sorted(names))}")


def read_vectors(path: Path, array: str | None = None, ids: str = ID) -> np.ndarray:
    """The vectors in a file, shape (n_rows, embed_dim); a .npy file is mapped, not read.

    Args:
        path: .npy, .npz, .parquet or .safetensors.
        array: name of the array or list column, where a file holds several.
        ids: name of the column or array of ids, which is not a part of the vectors.

    Raises:
        ModelError: the file does not hold what `array` names, or holds several arrays.
    """
    if path.suffix == ".npy":
        return map_npy(path)
    if path.suffix == ".parquet":
        return _read_parquet(path, array, ids)
    if path.suffix == ".npz":
        return read_from_npz(path, _only(array, [name for name in names_in_npz(path) if name != ids], path))
    return _read_safetensors(path, array)


def _read_safetensors(path: Path, array: str | None) -> np.ndarray:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as arrays:
        name = _only(array, list(arrays.keys()), path)
        vectors: np.ndarray = arrays.get_tensor(name)
    return vectors


def _only(array: str | None, names: Sequence[str], path: Path) -> str:
    if array is not None:
        _require(array, names, path)
        return array
    if not names:
        raise ModelError(f"{path.name} holds no array; make it again")
    if len(names) != 1:
        raise ModelError(f"{path.name} holds {', '.join(sorted(names))}; name one in the setting array")
    return names[0]


def _read_parquet(path: Path, array: str | None, ids: str) -> np.ndarray:
    """One list column, or else all numeric columns but the ids, in the file's order."""
    schema = pq.read_schema(path)
    lists = [field.name for field in schema if _is_list(field.type)]
    if array is not None or lists:
        name = _only(array, lists, path)
        return _stack_lists(pq.read_table(path, columns=[name])[name], path)
    numeric = [field.name for field in schema if _is_number(field.type) and field.name != ids]
    if not numeric:
        raise ModelError(f"{path.name} has neither a list column nor numeric columns beside {ids!r}")
    table = pq.read_table(path, columns=numeric)
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, and is found later
        return np.stack([table[name].to_numpy().astype(np.float32) for name in numeric], axis=1)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_list(kind: pa.DataType) -> bool:
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(kind) for test in lists) and _is_number(kind.value_type)


def _stack_lists(column: pa.ChunkedArray, path: Path) -> np.ndarray:
    column = column.combine_chunks()
    if column.null_count:
        raise ModelError(f"{path.name} has {column.null_count} rows without a vector")
    lengths = np.unique(column.value_lengths().to_numpy(zero_copy_only=False))
    if len(lengths) > 1:
        raise ModelError(f"{path.name} has vectors of different lengths, {lengths[0]} to {lengths[-1]}")
    values: np.ndarray = column.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(column), lengths[0] if len(lengths) else 0)


def _blocks(n_rows: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK_ROWS) for start in range(0, n_rows, BLOCK_ROWS))


class PrecomputedEncoder(Encoder):
    """Rows of an array.

    Args:
        vectors: shape (n_rows, embed_dim).
        rows: row of each id; None if rows are in the items' order.
        second: vectors of second looks, with the same rows; None if there are none.
    """

    def __init__(
        self, vectors: np.ndarray, rows: dict[str, int] | None, second: np.ndarray | None = None
    ) -> None:
        self.vectors, self.rows, self.second = vectors, rows, second
        self.embed_dim = vectors.shape[1]

    def for_looks(self, of_bases: Sequence[np.ndarray]) -> "PrecomputedEncoder":
        """The vectors of second looks.

        Raises:
            ModelError: there are none, or they are those of the first.
        """
        if self.second is None:
            raise ModelError("there are vectors of the items alone; set views to group or none")
        if all((self.vectors[rows] == self.second[rows]).all() for rows in _blocks(len(self.vectors))):
            raise ModelError("path and second_path hold the same vectors; give those of another look")
        return PrecomputedEncoder(self.second, self.rows)

    def encode(self, window: Window) -> np.ndarray:
        """The items' rows as float32; a number too large for it becomes infinite, which is found later."""
        if self.rows is None:
            part = self.vectors[window.start : window.start + len(window)]
        else:
            part = self.vectors[[self.rows[key] for key in window.ids]]
        with np.errstate(over="ignore"):
            return np.asarray(part).astype(np.float32)
