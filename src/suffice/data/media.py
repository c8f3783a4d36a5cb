"""Data sets of files such as images: a folder, a table of paths, bytes in Parquet, or arrays in `.npz`."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from suffice.data.columns import CONTENT, ID, SPLIT, TEST, TRAIN
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.media_files import MediaRef, in_threads, sha256_of
from suffice.data.modalities.media import PATH, Media, Seen
from suffice.data.readers import named_items, read_file
from suffice.errors import DataError, assume
from suffice.storage.files import sha256_of_json
from suffice.storage.untrusted import UNREADABLE, names_in_npz, read_from_npz, suffix_of, visible_files

LABEL = "label"
SPLITS = {TRAIN, TEST, "val", "valid", "validation", "dev"}
MAX_NAMED = 3  # items in a sentence
Place = tuple[str, int | None]  # path and row


def read_media_table(path: Path, media: Media) -> pd.DataFrame:
    """The items of a folder or file, with the location of each as text.

    Args:
        path: a folder, which gives the columns `path`, `label` (from its sub-folders) and `split` (from
            folders `train` and `test` at its top); a table; a `.parquet` file, whose columns of bytes become
            row numbers; or a `.npz` file, whose arrays of items become row numbers.
        media: what the items are.

    Raises:
        DataError: it cannot be read, or has no items.
    """
    if path.is_dir():
        return _folder_table(path, media)
    try:
        if path.suffix.lower() == ".npz":
            return _npz_table(path, media)
        if path.suffix.lower() == ".parquet" and path.is_file():
            return _parquet_table(path)
    except (*UNREADABLE, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read ({error}); copy or write it again") from error
    return read_file(path)


def _folder_table(folder: Path, media: Media) -> pd.DataFrame:
    """One row for each file of the kind."""
    files = [path.relative_to(folder) for path in visible_files(folder) if suffix_of(path) in media.suffixes]
    if not files:
        known = ", ".join(media.suffixes)
        raise DataError(f"the folder {folder} has no {media.items} ({known}); give another one")
    table = pd.DataFrame({PATH: [file.as_posix() for file in files]}, dtype=object)
    above = [file.parts[:-1] for file in files]
    tops = {parts[0] if parts else "" for parts in above}
    if {TRAIN, TEST} <= tops <= SPLITS:
        table[SPLIT] = [parts[0] for parts in above]
        above = [parts[1:] for parts in above]
    if any(above):
        table[LABEL] = pd.Series(["/".join(parts) or None for parts in above], dtype=object)
    return table


def _parquet_table(path: Path) -> pd.DataFrame:
    """The columns of a Parquet file without the bytes of items, which need not fit into memory."""
    schema = pq.read_schema(path)
    packed = [field.name for field in schema if _holds_bytes(field.type)]
    if not packed:
        return read_file(path)
    others = pq.read_table(path, columns=[name for name in schema.names if name not in packed])
    rows = [str(row) for row in range(pq.read_metadata(path).num_rows)]
    table = pd.DataFrame(others.to_pandas(), index=range(len(rows)))
    return table.assign(**{name: pd.Series(rows, dtype=object) for name in packed})


def _holds_bytes(kind: pa.DataType) -> bool:
    """Whether a column has bytes, or a field `bytes` as in data sets of the hub."""
    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _npz_table(path: Path, media: Media) -> pd.DataFrame:
    """One row for each item, with arrays of one dimension as labels; single numbers are about all items."""
    arrays = {name: read_from_npz(path, name) for name in names_in_npz(path)}
    arrays = {name: array for name, array in arrays.items() if array.ndim}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) != 1:
        said = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        raise ValueError(
            f"its arrays have different lengths: {said}; save the {media.items} of one split per file"
        )
    columns = {
        name: labels_in(array) if array.ndim == 1 else [str(row) for row in range(len(array))]
        for name, array in arrays.items()
        if array.ndim == 1 or media.are_items(name, array)
    }
    return pd.DataFrame(columns)


def labels_in(array: np.ndarray) -> np.ndarray:
    """The labels of an array; an empty text is a missing label, as in a table."""
    if array.dtype.kind != "U":
        return array
    return np.array([value or None for value in array.tolist()], dtype=object)


def read_media(settings: DatasetSettings, media: Media) -> tuple[pd.DataFrame, dict[str, int]]:
    """The items of a data set that can be used, and how many were left out for each reason.

    The content of an item is the text of a `MediaRef`. Items of equal bytes have the content of the first.

    Args:
        settings: of the data set.
        media: what the items are.

    Raises:
        DataError: the library that reads them is missing, the data set cannot be read, or a file that a
            table names is missing.
    """
    media.check_reader()
    items, places = _items_and_places(settings, media)
    first: dict[str, str] = {}
    contents: list[str | None] = []
    fates: dict[bool, dict[str, list[str]]] = {True: defaultdict(list), False: defaultdict(list)}
    for (path, row), (sha256, seen) in zip(places, _all_seen(settings, media, places), strict=True):
        ref = MediaRef(sha256, path, row, seen.part)
        contents.append(None if seen.fault else first.setdefault(sha256, str(ref)))
        for reason in [seen.fault] if seen.fault else seen.changes:
            fates[bool(seen.fault)][reason].append(ref.shown)
    for is_out, named in fates.items():
        for reason, those in named.items():
            assume(_sentence(reason, those, media, is_out))
    items = items.assign(content=pd.Series(contents, dtype=object))
    left_out = {reason: len(those) for reason, those in sorted(fates[True].items())}
    return items[items[CONTENT].notna()].reset_index(drop=True), left_out


def _all_seen(settings: DatasetSettings, media: Media, places: Sequence[Place]) -> Iterable[tuple[str, Seen]]:
    """The hash of each item, and the result of its inspection."""
    files, look = media.files(root_of(Path(str(settings.path)))), media.inspector(settings)

    def seen(place: Place) -> tuple[str, Seen]:
        source = files.source(*place)
        return sha256_of(source), look(source)

    return in_threads(seen, places)


def _items_and_places(settings: DatasetSettings, media: Media) -> tuple[pd.DataFrame, list[Place]]:
    """The items with the columns of their table, and path and row of each."""
    path, column = Path(str(settings.path)), settings.content or PATH
    table = read_media_table(path, media)
    own = {"content": column}
    if path.is_dir():  # the folder defines ids and splits
        table = table.assign(id=table[PATH])
        own |= {name: name for name in (ID, SPLIT) if name in table and getattr(settings, name) is None}
    items = named_items(table, settings.model_copy(update=own))
    if items.empty:
        raise DataError(f"{path} has no {media.items}; give a data set with at least one")
    contents = items[CONTENT].tolist()
    if is_packed(path, column):
        return items, [(f"{path.name}/{column}", int(row)) for row in contents]
    _check_paths(contents, path, media)
    return items, [(content, None) for content in contents]


def is_packed(path: Path, column: str) -> bool:
    """Whether a column of a file contains the items themselves, and not their paths."""
    if path.suffix.lower() == ".npz":
        return True
    if path.suffix.lower() != ".parquet":
        return False
    schema = pq.read_schema(path)
    return column in schema.names and _holds_bytes(schema.field(column).type)


def _check_paths(contents: Sequence[str | None], path: Path, media: Media) -> None:
    """Raise DataError for rows without a path, or with a path to no file in the table's folder."""
    root = root_of(path)
    missing = [each for each in contents if not each or not (root / each).is_file()]
    if missing:
        raise DataError(
            f"{path}: {len(missing):,} of {len(contents):,} {media.items} do not exist, such as "
            f"{missing[0]!r}; paths start from the folder {root}"
        )
    real = root.resolve()
    outside = [each for each in contents if not (root / str(each)).resolve().is_relative_to(real)]
    if outside:
        raise DataError(
            f"{path}: {len(outside):,} of {len(contents):,} {media.items} are outside the folder {root}, "
            f"such as {outside[0]!r}; move the table to a folder above all {media.items}"
        )


def _sentence(reason: str, those: Sequence[str], media: Media, is_out: bool) -> str:
    """A sentence on omissions or changes, with the names of a few items."""
    one = len(those) == 1
    verb = ("is" if one else "are") if is_out else ("has" if one else "have")
    what = f"{verb} {reason} and left out" if is_out else f"{verb} {reason}"
    more = ", ..." if len(those) > MAX_NAMED else ""
    return f"{len(those):,} {media.one if one else media.items} {what}: {', '.join(those[:MAX_NAMED])}{more}"


def root_of(path: Path) -> Path:
    """The folder that the paths of a data set's items start from."""
    return path if path.is_dir() else path.parent


def way_to_root(path: Path, folder: Path) -> str:
    """The relative path from a folder to the root of a data set's items, so both can be moved together."""
    return os.path.relpath(root_of(path).absolute(), folder.absolute())


def state_of_files(settings: DatasetSettings, media: Media) -> str:
    """A hash of name, size and time of each file of a data set, which changes when a file changes.

    It is empty for items in one file, which has its own hash.
    """
    path, column = Path(str(settings.path)), settings.content or PATH
    try:
        if path.is_file() and is_packed(path, column):
            return ""
        names = [str(name) for name in read_media_table(path, media)[column]]
    except (DataError, KeyError):  # the job itself reports this
        return ""
    return sha256_of_json(list(_stamps(root_of(path), names)))


def _stamps(root: Path, names: Iterable[str]) -> Iterable[list[object]]:
    for name in names:
        try:
            about = (root / name).stat()
        except OSError:
            continue
        yield [name, about.st_size, about.st_mtime_ns]


def number_in_npz(path: Path, name: str) -> float | None:
    """A single number of a `.npz` file; None if there is none of that name.

    Raises:
        DataError: the file cannot be read, or holds something else by that name.
    """
    try:
        if name not in names_in_npz(path):
            return None
        return float(np.asarray(read_from_npz(path, name)).item())
    except UNREADABLE as error:
        raise DataError(f"{path}: {name} is not a single number ({error}); save one") from error
