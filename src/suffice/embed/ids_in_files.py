"""The ids in a file of vectors, if it has any."""

import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open

from suffice.alignment import as_ids, ids_of
from suffice.data.columns import ID
from suffice.data.folders import is_saved, read_folder
from suffice.data.readers import read_file
from suffice.data.text_files import read_lines
from suffice.dimensions import ID_NAME, column_of_ids, stored_index
from suffice.embed.vector_files import parts_of_folder
from suffice.errors import AssumptionWarning, DataError, SufficeError, first_line
from suffice.storage.untrusted import (
    UNREADABLE,
    names_in_npz,
    read_from_npz,
    read_parquet_table,
    suffix_of,
    unpacked,
)

NO_NAMES = ("", "Unnamed: 0")  # names of the column that pandas writes for a table's index


def ids_in_file(path: Path) -> list[str] | None:
    """The ids of the rows of a file of vectors, or of a folder of parts; None if it has no ids.

    They are the column `id` of a table, or the index that pandas wrote if that is not 0, 1, ..., or a column
    or array with a name such as `ids` or `doc_id` and another value in each row.

    Raises:
        SufficeError: an id is missing, or the file cannot be read.
    """
    if path.is_dir() and not is_saved(path):
        parts = [ids_in_file(part) for part in parts_of_folder(path)]
        return None if None in parts else [key for part in parts if part is not None for key in part]
    try:
        found = _raw_ids(path)
    except (*UNREADABLE, pa.ArrowException, SafetensorError) as error:
        if isinstance(error, SufficeError):
            raise
        raise DataError(
            f"the ids of {path.name} cannot be read ({first_line(error)}); save them as text"
        ) from error
    return None if found is None else as_ids(found, path.name)


def _raw_ids(path: Path) -> list[Any] | None:
    if path.is_dir():
        return _of_table(read_folder(path))
    with unpacked(path) as plain:
        suffix = suffix_of(path)
        if suffix == ".npy":
            return None
        if suffix in READERS:
            return READERS[suffix](plain)
    with warnings.catch_warnings():  # assumptions about the file were reported when its vectors were read
        warnings.simplefilter("ignore", AssumptionWarning)
        return _of_table(read_file(path))


def _of_npz(path: Path) -> list[Any] | None:
    return _among(names_in_npz(path), partial(read_from_npz, path))


def _of_safetensors(path: Path) -> list[Any] | None:
    with safe_open(path, framework="numpy") as arrays:
        return _among(arrays.keys(), arrays.get_tensor)


def _among(names: Iterable[str], read: Callable[[str], np.ndarray]) -> list[Any] | None:
    """The ids in one of several arrays, of which only those with the names of ids are read."""
    named = {name: read(name) for name in names if ID_NAME.search(name)}
    columns = {name: each.ravel().tolist() for name, each in named.items() if each.size == len(each)}
    found = column_of_ids(columns)
    return None if found is None else columns[found]


def _of_parquet(path: Path) -> list[Any] | None:
    schema = pq.read_schema(path)
    stored = [name for name in stored_index(schema) if name in schema.names]
    if ID not in schema.names and stored:
        return list(read_parquet_table(path, stored[:1])[stored[0]].to_pylist())
    named = [name for name in schema.names if ID_NAME.search(name.strip())]
    return ids_of(read_parquet_table(path, named).replace_schema_metadata()) if named else None


def _of_table(table: pd.DataFrame) -> list[Any] | None:
    first = table.iloc[:, 0] if table.shape[1] else pd.Series(dtype=object)
    if ID not in table and str(first.name) in NO_NAMES:
        return (
            None if first.astype(str).tolist() == list(map(str, range(len(first)))) else list(first.tolist())
        )
    found = ids_of(table)
    return None if isinstance(found, range) else found


READERS: dict[str, Callable[[Path], list[Any] | None]] = {
    ".npz": _of_npz,
    ".safetensors": _of_safetensors,
    ".parquet": _of_parquet,
}


def read_ids(path: Path) -> list[str]:
    """The ids of rows from a separate file: a column `id`, or the only column, or the lines of a .txt.

    Raises:
        DataError: the file cannot be read, or it has other columns.
    """
    if suffix_of(path) == ".txt" and path.is_file():
        return as_ids(read_lines(path), path.name)
    table = read_file(path)
    if ID not in table and table.shape[1] != 1:
        raise DataError(
            f"{path} has the columns {', '.join(map(str, table.columns))}; rename the one with the ids to "
            f"`{ID}`, or remove the others"
        )
    return as_ids(table[ID] if ID in table else table.iloc[:, 0], path.name)
