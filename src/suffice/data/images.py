"""Data sets of images: a folder, a table of paths, a Parquet file with bytes, or arrays in a `.npz` file."""

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
from suffice.data.image_files import (
    HugeImageError,
    ImageFiles,
    ImageRef,
    in_threads,
    sha256_of,
    why_unusable,
)
from suffice.data.modalities.image import ImageSettings
from suffice.data.readers import named_items, read_file
from suffice.errors import DataError, assume
from suffice.storage.files import sha256_of_json
from suffice.storage.untrusted import UNREADABLE, names_in_npz, read_from_npz, suffix_of, visible_files

PATH, LABEL = "path", "label"
SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm",
)  # fmt: skip
SPLITS = {TRAIN, TEST, "val", "valid", "validation", "dev"}
CORRUPT, HUGE = "corrupt", "huge"
MAX_NAMED = 3  # images in a sentence
GREY_DIMS, COLOUR_DIMS = 3, 4  # of an array of grey images, and of one with channels
CHANNELS = (1, 3, 4)


def read_image_table(path: Path) -> pd.DataFrame:
    """The images of a folder or file, with the location of each as text.

    Args:
        path: a folder, which gives the columns `path`, `label` (from its sub-folders) and `split` (from
            folders `train` and `test` at its top); a table; a `.parquet` file, whose columns of bytes become
            row numbers; or a `.npz` file, whose arrays of images become row numbers.

    Raises:
        DataError: it cannot be read, or has no images.
    """
    if path.is_dir():
        return _folder_table(path)
    try:
        if path.suffix.lower() == ".npz":
            return _npz_table(path)
        if path.suffix.lower() == ".parquet" and path.is_file():
            return _parquet_table(path)
    except (*UNREADABLE, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read ({error}); copy or write it again") from error
    return read_file(path)


def _folder_table(folder: Path) -> pd.DataFrame:
    """One row for each file of images."""
    files = [path.relative_to(folder) for path in visible_files(folder) if suffix_of(path) in SUFFIXES]
    if not files:
        raise DataError(f"the folder {folder} has no images ({', '.join(SUFFIXES)}); give another one")
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
    """The columns of a Parquet file without the bytes of images, which need not fit into memory."""
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


def _npz_table(path: Path) -> pd.DataFrame:
    """One row for each image, with arrays of one dimension as labels."""
    arrays = {name: read_from_npz(path, name) for name in names_in_npz(path)}
    lengths = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if len(set(lengths.values())) != 1:
        said = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        raise ValueError(f"its arrays have different lengths: {said}; save the images of one split per file")
    columns = {
        name: array if array.ndim == 1 else [str(row) for row in range(len(array))]
        for name, array in arrays.items()
        if array.ndim == 1 or _holds_images(name, array)
    }
    return pd.DataFrame(columns)


def _holds_images(name: str, array: np.ndarray) -> bool:
    """Whether an array contains images; ValueError if its numbers are not bytes."""
    is_grey = array.ndim == GREY_DIMS
    if not is_grey and (array.ndim != COLOUR_DIMS or array.shape[-1] not in CHANNELS):
        return False
    if array.dtype != np.uint8:
        raise ValueError(f"the array {name} is of {array.dtype}; save images as uint8, from 0 to 255")
    return True


def read_images(settings: DatasetSettings) -> tuple[pd.DataFrame, dict[str, int]]:
    """The images of a data set that can be used, and how many were left out for each reason.

    The content of an item is the text of an `ImageRef`. Images of equal bytes have the content of the first.

    Args:
        settings: of the data set.

    Raises:
        DataError: Pillow is missing, the data set cannot be read, or a file that a table names is missing.
    """
    _require_pillow()
    path = Path(str(settings.path))
    items, places = _items_and_places(settings)
    files, limit = ImageFiles(_root(path)), ImageSettings(**settings.modality_settings).max_pixels
    first: dict[str, str] = {}
    contents: list[str | None] = []
    named: dict[str, list[str]] = defaultdict(list)

    def seen(row: str) -> tuple[str, type[Exception] | None, list[str]]:
        source = files.source(*places[int(row)])
        return (sha256_of(source), *why_unusable(source, limit))

    for (place, row), (sha256, fault, changes) in zip(
        places, in_threads(seen, [str(row) for row in range(len(places))]), strict=True
    ):
        ref = ImageRef(sha256, place, row)
        contents.append(None if fault else first.setdefault(sha256, str(ref)))
        reasons = [HUGE if fault is HugeImageError else CORRUPT] if fault else changes
        for reason in reasons:
            named[reason].append(place if row is None else f"{place}, row {row}")
    _say(named)
    items = items.assign(content=pd.Series(contents, dtype=object))
    left_out = {reason: len(named[reason]) for reason in (CORRUPT, HUGE) if reason in named}
    return items[items[CONTENT].notna()].reset_index(drop=True), left_out


def _items_and_places(settings: DatasetSettings) -> tuple[pd.DataFrame, list[tuple[str, int | None]]]:
    """The items with the columns of their table, and path and row of each image."""
    path, column = Path(str(settings.path)), settings.content or PATH
    table = read_image_table(path)
    own = {"content": column}
    if path.is_dir():  # the folder defines ids and splits
        table = table.assign(id=table[PATH])
        own |= {name: name for name in (ID, SPLIT) if name in table and getattr(settings, name) is None}
    items = named_items(table, settings.model_copy(update=own))
    if items.empty:
        raise DataError(f"{path} has no images; give a data set with at least one")
    contents = items[CONTENT].tolist()
    if is_packed(path, column):
        return items, [(f"{path.name}/{column}", int(row)) for row in contents]
    _check_paths(contents, path)
    return items, [(content, None) for content in contents]


def is_packed(path: Path, column: str) -> bool:
    """Whether a column of a file contains the images themselves, and not their paths."""
    if path.suffix.lower() == ".npz":
        return True
    if path.suffix.lower() != ".parquet":
        return False
    schema = pq.read_schema(path)
    return column in schema.names and _holds_bytes(schema.field(column).type)


def _check_paths(contents: Sequence[str | None], path: Path) -> None:
    """Raise DataError for rows without a path, or with a path to no file in the table's folder."""
    root = _root(path)
    missing = [each for each in contents if not each or not (root / each).is_file()]
    if missing:
        raise DataError(
            f"{path}: {len(missing):,} of {len(contents):,} images do not exist, such as {missing[0]!r}; "
            f"paths start from the folder {root}"
        )
    real = root.resolve()
    outside = [each for each in contents if not (root / str(each)).resolve().is_relative_to(real)]
    if outside:
        raise DataError(
            f"{path}: {len(outside):,} of {len(contents):,} images are outside the folder {root}, such as "
            f"{outside[0]!r}; move the table to a folder above all images"
        )


def _say(named: dict[str, list[str]]) -> None:
    """Report omissions and changes, with the names of a few images."""
    for reason, places in named.items():
        more = ", ..." if len(places) > MAX_NAMED else ""
        one = len(places) == 1
        is_out, verb = reason in (CORRUPT, HUGE), ("is" if one else "are", "has" if one else "have")
        what = f"{verb[0]} {reason} and left out" if is_out else f"{verb[1]} {reason}"
        assume(
            f"{len(places):,} {'image' if one else 'images'} {what}: {', '.join(places[:MAX_NAMED])}{more}"
        )


def _require_pillow() -> None:
    try:
        import PIL  # noqa: F401
    except ImportError:
        raise DataError("images need the package pillow: pip install 'suffice[images]'") from None


def _root(path: Path) -> Path:
    """The folder that the paths of a data set's images start from."""
    return path if path.is_dir() else path.parent


def root_of(path: Path, folder: Path) -> str:
    """The relative path from a folder to the root of a data set's images, so both can be moved together."""
    return os.path.relpath(_root(path).absolute(), folder.absolute())


def state_of_files(settings: DatasetSettings) -> str:
    """A hash of name, size and time of each image of a data set, which changes when a file changes.

    It is empty for images in one file, which has its own hash.
    """
    path, column = Path(str(settings.path)), settings.content or PATH
    try:
        if path.is_file() and is_packed(path, column):
            return ""
        names = [str(name) for name in read_image_table(path)[column]]
    except (DataError, KeyError):  # the job itself reports this
        return ""
    return sha256_of_json(list(_stamps(_root(path), names)))


def _stamps(root: Path, names: Iterable[str]) -> Iterable[list[object]]:
    for name in names:
        try:
            about = (root / name).stat()
        except OSError:
            continue
        yield [name, about.st_size, about.st_mtime_ns]
