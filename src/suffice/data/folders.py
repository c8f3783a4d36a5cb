"""A folder as a data set: one text per file, parts of one table, or a folder from `datasets.save_to_disk`."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa

from suffice.data.columns import CONTENT, ID, SPLIT, TEST
from suffice.data.delimited import Quoting
from suffice.data.readers import TABLE_SUFFIXES, read_file, with_class_names
from suffice.data.text_files import read_text
from suffice.errors import DataError
from suffice.storage.files import read_json
from suffice.storage.untrusted import UNREADABLE, suffix_of, visible_files

TEXT_SUFFIXES = (".txt", ".md")
HUB_METADATA = b"huggingface"
SAVED, SAVED_SPLITS = "state.json", "dataset_dict.json"  # files that `save_to_disk` writes


def read_folder(folder: Path, quoting: Quoting = "auto") -> pd.DataFrame:
    """The items in a folder.

    A folder of .txt or .md files has one item in each file, with its path within the folder as `id`. Files of
    one table format are parts of one table, in the order of their names (`part-2` before `part-10`).

    Raises:
        DataError: it has no such files, files of several kinds, or parts with different columns.
    """
    if (folder / SAVED).is_file():
        return _saved(folder)
    if (folder / SAVED_SPLITS).is_file():
        return _saved_splits(folder)
    files = [path for path in visible_files(folder) if suffix_of(path) in (*TEXT_SUFFIXES, *TABLE_SUFFIXES)]
    kinds = sorted({suffix_of(path) for path in files})
    if files and set(kinds) <= set(TEXT_SUFFIXES):
        names = [path.relative_to(folder).as_posix() for path in files]
        return pd.DataFrame({ID: names, CONTENT: [read_text(path) for path in files]}, dtype=object)
    if len(kinds) != 1:
        found = f"files of several kinds ({', '.join(kinds)})" if kinds else "no file of a known kind"
        raise DataError(f"the folder {folder} has {found}; give one kind of {', '.join(TABLE_SUFFIXES)}")
    return _joined({path.name: read_file(path, quoting) for path in files}, folder)


def is_saved(folder: Path) -> bool:
    """Whether `datasets.save_to_disk` wrote a folder."""
    return (folder / SAVED).is_file() or (folder / SAVED_SPLITS).is_file()


def _saved_splits(folder: Path) -> pd.DataFrame:
    """The splits of a saved data set one after the other; `split` names them if one is for tests."""
    parts = {name: _saved(inside(folder, name)) for name in read_json(folder / SAVED_SPLITS)["splits"]}
    if TEST in parts and len(parts) > 1:
        parts = {name: part.assign(**{SPLIT: name}) for name, part in parts.items()}
    return _joined(parts, folder)


def _joined(parts: dict[str, pd.DataFrame], folder: Path) -> pd.DataFrame:
    """Parts one below the other; they must have the same columns."""
    columns = {name: sorted(map(str, part.columns)) for name, part in parts.items()}
    first = next(iter(columns))
    for name, names in columns.items():
        if names != columns[first]:
            odd = sorted(set(names) ^ set(columns[first]))
            raise DataError(
                f"{folder}: {name} and {first} do not have the same columns (only one has {odd[0]!r}); the "
                "files of a folder must be parts of one table"
            )
    return pd.concat(list(parts.values()), ignore_index=True)


def _saved(folder: Path) -> pd.DataFrame:
    """A data set written by `datasets.Dataset.save_to_disk`: the Arrow streams named in its state.

    Raises:
        DataError: a file is missing or damaged, or rows were selected without writing them out.
    """
    state = read_json(folder / SAVED)
    if state.get("_indices_data_files"):
        raise DataError(f"{folder} has a selection of rows; call flatten_indices() before save_to_disk")
    try:
        tables = [_stream(inside(folder, each["filename"])) for each in state["_data_files"]]
        table = pa.concat_tables(tables)
        frame = pd.DataFrame(table.to_pandas())
        about = json.loads((table.schema.metadata or {}).get(HUB_METADATA, b"{}"))
    except (*UNREADABLE, pa.ArrowException) as error:
        raise DataError(f"{folder} is not a complete saved data set ({error}); save it again") from error
    features = about.get("info", {}).get("features", {})
    named = {name: feature.get("names") for name, feature in features.items() if isinstance(feature, dict)}
    return with_class_names(frame, named)


def inside(folder: Path, name: str) -> Path:
    """A file that a data set names, which must be in its folder.

    Raises:
        DataError: it is elsewhere.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{folder} names the file {name!r}, which is not inside it; save the data set again")
    return path


def _stream(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_stream(source).read_all()
