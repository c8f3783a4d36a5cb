"""Reading and writing of files: written completely or not at all, and never pickled."""

import csv
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pyarrow import ArrowException

from suffice.errors import DataError, first_line
from suffice.storage.untrusted import UNREADABLE, map_npy, visible_files

CHUNK_BYTES = 1 << 20
MAX_JSON_BYTES = 256 << 20  # a vocabulary of a million words takes less
PART, TOKEN_LENGTH = ".part", 12
CHECKSUM = "content_sha256"
MAX_NAME_BYTES, MAX_PATH_BYTES = 255, 4000  # limits of file systems
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NAME_COLUMNS = ("model", "source", "target", "dataset", "task", "predictor", "baseline", "series")
TEXT_COLUMNS = ("text", "low_items", "high_items")


def user_path(text: str, folder: Path | str = "") -> Path:
    """A path as a user wrote it: below `folder` unless it is absolute, `~` for a home folder.

    Raises:
        DataError: no file can have this name, or the home folder does not exist.
    """
    parts = text.encode("utf-8", "surrogatepass").split(b"/")
    if "\0" in text or len(text) > MAX_PATH_BYTES or max(map(len, parts)) > MAX_NAME_BYTES:
        raise DataError(f"{text[:80]!r} cannot be the name of a file; correct the path")
    try:
        return Path(folder) / Path(text).expanduser()
    except RuntimeError as error:
        raise DataError(f"{text!r} names an unknown home folder ({error}); write the full path") from None


def temporary_path(path: Path) -> Path:
    """A unique name beside `path`, even if other computers share the folder."""
    return path.with_name(f".{path.stem}.{uuid.uuid4().hex[:TOKEN_LENGTH]}{PART}{path.suffix}")


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """A temporary name beside `path` to write to. It is renamed to `path` if the block ends without error.

    A reader never sees a half-written file, and an interrupted writer leaves the old file unchanged. The
    bytes are on the disk before the file gets its name, so this also holds after a power cut. The temporary
    name keeps the suffix, because several writers choose the format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_path(path)
    try:
        yield temporary
        flush_to_disk(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """As `whole_file`: a temporary folder, which replaces `folder` if the block ends without error."""
    temporary = temporary_path(folder)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for path in filter(Path.is_file, temporary.rglob("*")):
            flush_to_disk(path)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def flush_to_disk(path: Path) -> None:
    """Wait until the bytes of a file are on the disk."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def is_leftover(path: Path) -> bool:
    """Whether a file has a temporary name, from a writer that is still running or was killed."""
    return path.name.startswith(".") and PART in path.name


def whole_files(folder: Path, pattern: str) -> list[Path]:
    """The complete files of a folder that match a pattern, sorted."""
    return sorted(path for path in folder.glob(pattern) if not is_leftover(path))


def remove_leftovers(folder: Path) -> None:
    """Delete temporary files that killed writers left in a folder and below. No writer may be running."""
    for path in sorted(folder.rglob(f".*{PART}*")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def write_json(content: Any, path: Path | str) -> None:
    """Write `content` as indented JSON with sorted keys; NaN and infinity are refused (ValueError)."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path | str) -> Any:
    """Read a JSON file.

    Raises:
        DataError: the file is missing, cannot be read or is not JSON.
    """
    try:
        n_bytes = Path(path).stat().st_size
        if n_bytes > MAX_JSON_BYTES:
            raise DataError(f"{path} has {n_bytes:,} bytes, and JSON is read up to {MAX_JSON_BYTES:,}")
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; run the stage that writes it again") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); correct the path") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not valid JSON ({error}); delete it and run again") from error


def write_sealed(content: Mapping[str, Any], path: Path | str) -> None:
    """Write `content` as JSON with a checksum of itself, which `unsealed` compares."""
    as_read = json.loads(json.dumps(content, allow_nan=False))
    write_json({**as_read, CHECKSUM: sha256_of_json(as_read)}, path)


def unsealed(sealed: Any, path: Path | str) -> dict[str, Any]:
    """The content of a file that `write_sealed` wrote.

    Args:
        sealed: what `read_json` read.
        path: the file, for the message.

    Raises:
        DataError: it was edited or cut since.
    """
    content = dict(sealed) if isinstance(sealed, dict) else {}
    written = content.pop(CHECKSUM, None)
    with suppress(ValueError):  # NaN, which is not written
        if written == sha256_of_json(content):
            return content
    raise DataError(f"{path} was edited or cut after it was written; delete it and run again")


def write_table(table: pd.DataFrame, path: Path | str) -> None:
    """Write a tidy table as `.parquet` (for machines) or `.csv` (for people), by the suffix of `path`.

    A `.csv` is safe to open in a spreadsheet, see `csv_safe`, and `read_table` reads it back. To write a
    table that will be read as a data set, use `write_items`.
    """
    _write(table, path, csv_of)


def write_items(table: pd.DataFrame, path: Path | str) -> None:
    """Write the items of a data set as `.parquet` or `.csv`, with every text unchanged.

    `suffice.data.readers.read_file` reads a user's file without changing its texts. Such a file must not have
    the apostrophes of `write_table`. A `.csv` is therefore not safe to open in a spreadsheet.
    """
    _write(table, path, _plain_csv)


def _write(table: pd.DataFrame, path: Path | str, as_csv: Callable[[pd.DataFrame], str]) -> None:
    with whole_file(path) as temporary:
        if temporary.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            temporary.write_text(as_csv(table), encoding="utf-8", newline="")


def _plain_csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC))


def csv_of(table: pd.DataFrame) -> str:
    """The table as CSV that is safe to open in a spreadsheet, see `csv_safe`."""
    safe = csv_safe(table)
    texts = safe.select_dtypes(exclude="number")
    cells = chain(safe.columns, chain.from_iterable(texts.itertuples(index=False, name=None)))
    has_returns = any(isinstance(cell, str) and "\r" in cell for cell in cells)
    # The library does not quote a carriage return, and a reader would treat it as the end of a line.
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if has_returns else csv.QUOTE_MINIMAL
    return str(safe.to_csv(index=False, lineterminator="\n", quoting=quoting))


def csv_safe(table: pd.DataFrame) -> pd.DataFrame:
    """The table for spreadsheets: a text that could be read as a formula gets a leading apostrophe.

    Numbers are not changed. `read_table` removes the apostrophe again.
    """
    safe = table.rename(columns=_defused)
    for place, kind in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            safe.isetitem(place, table.iloc[:, place].map(_defused).astype(object).array)
    return safe


def _defused(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.lstrip("'").startswith(FORMULA_STARTS) else value


def _restored(value: Any) -> Any:
    is_defused = isinstance(value, str) and value.startswith("'")
    return value[1:] if is_defused and value.lstrip("'").startswith(FORMULA_STARTS) else value


def _as_written(safe: pd.DataFrame) -> pd.DataFrame:
    """Undo `csv_safe`."""
    table = safe.rename(columns=_restored)
    for place, kind in enumerate(safe.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            table.isetitem(place, safe.iloc[:, place].map(_restored).astype(kind).array)
    return table


def read_table(path: Path | str) -> pd.DataFrame:
    """Read a table that `write_table` wrote.

    Raises:
        DataError: the file cannot be read.
    """
    path = Path(path)
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        table = pd.read_csv(
            path,
            dtype=dict.fromkeys((*NAME_COLUMNS, *TEXT_COLUMNS), "str"),
            keep_default_na=False,
            na_values=[""],
        )
        return _as_written(table)
    except (*UNREADABLE, ArrowException) as error:
        raise DataError(f"{path} cannot be read ({error}); delete it and run again") from error


def open_array(path: Path | str) -> np.ndarray:
    """Open a `.npy` file as a read-only memory map; object arrays are refused.

    Raises:
        DataError: the file is missing, truncated or not a numeric `.npy` array.
    """
    try:
        return map_npy(path)
    except UNREADABLE as error:
        why = first_line(error)
        raise DataError(f"{path} is not a readable .npy array ({why}); write it again") from error


def create_array(path: Path | str, shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    """A new `.npy` file of float32, as a writable memory map.

    Its space is reserved at once, so a full disk raises an error here and does not end the process later.

    Raises:
        OSError: there is not enough space.
    """
    array: np.memmap[Any, Any] = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    if hasattr(os, "posix_fallocate"):
        with Path(path).open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, os.path.getsize(path))
    return array


def sha256_of_file(path: Path | str) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; read in chunks."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_of_path(path: Path | str) -> str:
    """SHA-256 of a file's bytes, or of the names and contents of a folder's visible files."""
    folder = Path(path)
    if not folder.is_dir():
        return sha256_of_file(folder)
    files = visible_files(folder)
    return sha256_of_json({file.relative_to(folder).as_posix(): sha256_of_file(file) for file in files})


def sha256_of_json(content: Any) -> str:
    """SHA-256 of the canonical JSON form of `content`, used as the key of stored results."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
