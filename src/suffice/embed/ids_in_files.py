"""The ids in a file of vectors, if it has any."""

import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from suffice.alignment import as_ids
from suffice.data.columns import ID
from suffice.data.folders import is_saved, read_folder
from suffice.data.readers import read_file
from suffice.data.text_files import read_lines
from suffice.dimensions import stored_index
from suffice.embed.vector_files import parts_of_folder
from suffice.errors import AssumptionWarning, DataError
from suffice.storage.untrusted import names_in_npz, read_from_npz, read_parquet_table, suffix_of, unpacked

NAMES_IN_NPZ = (ID, "ids")
NO_NAMES = ("", "Unnamed: 0")  # names of the column that pandas writes for a table's index
NO_IDS = (".npy", ".safetensors")


def ids_in_file(path: Path) -> list[str] | None:
    """The ids of the rows of a file of vectors, or of a folder of parts; None if it has no ids.

    They are the column `id` of a table, or the index that pandas wrote if that is not 0, 1, ..., or the array
    `id` or `ids` of a .npz file.

    Raises:
        SufficeError: an id is missing, or the file cannot be read; or an error of `UNREADABLE`.
    """
    if path.is_dir() and not is_saved(path):
        parts = [ids_in_file(part) for part in parts_of_folder(path)]
        return None if None in parts else [key for part in parts if part is not None for key in part]
    found = _raw_ids(path)
    return None if found is None else as_ids(found, path.name)


def _raw_ids(path: Path) -> list[Any] | None:
    if path.is_dir():
        return _of_table(read_folder(path))
    with unpacked(path) as plain:
        suffix = suffix_of(path)
        if suffix in NO_IDS:
            return None
        if suffix == ".npz":
            return _of_npz(plain)
        if suffix == ".parquet":
            return _of_parquet(plain)
    with warnings.catch_warnings():  # assumptions about the file were reported when its vectors were read
        warnings.simplefilter("ignore", AssumptionWarning)
        return _of_table(read_file(path))


def _of_npz(path: Path) -> list[Any] | None:
    name = next((name for name in NAMES_IN_NPZ if name in names_in_npz(path)), None)
    ids = None if name is None else read_from_npz(path, name)
    return None if ids is None or ids.ndim != 1 else list(ids.tolist())


def _of_parquet(path: Path) -> list[Any] | None:
    schema = pq.read_schema(path)
    name = next((name for name in (ID, *stored_index(schema)) if name in schema.names), None)
    if name is None:
        return None
    return list(read_parquet_table(path, [name])[name].to_pylist())


def _of_table(table: pd.DataFrame) -> list[Any] | None:
    if ID in table:
        return list(table[ID].tolist())
    first = table.iloc[:, 0] if table.shape[1] else pd.Series(dtype=object)
    if str(first.name) not in NO_NAMES or first.astype(str).tolist() == list(map(str, range(len(first)))):
        return None
    return list(first.tolist())


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
