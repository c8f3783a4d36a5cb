"""Files from others: errors when reading them, limits on their unpacked size, and arrays in them."""

import gzip
import io
import os
import re
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from suffice.errors import DataError
from suffice.memory import check_memory

UNREADABLE = (
    OSError, ValueError, EOFError, TypeError, KeyError, AttributeError, SyntaxError, OverflowError,
    MemoryError, RuntimeError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""Errors that libraries raise for damaged files, or files that are not what their name says."""

MAX_UNPACKED_BYTES, MAX_UNPACKED_TIMES = 64 << 20, 200  # a file that unpacks to more than both is refused
CHUNK_BYTES = 1 << 20
PARQUET_ROWS = 1024  # rows unpacked at a time
MAX_FILES = 200_000  # of a folder that is one data set or model


def check_unpacked(n_bytes: int, n_packed: int) -> None:
    """Raise ValueError for a file that is small on disk and would fill the memory."""
    if n_bytes > max(MAX_UNPACKED_BYTES, MAX_UNPACKED_TIMES * n_packed):
        raise ValueError(
            f"it has {n_packed:,} bytes but unpacks to more than {MAX_UNPACKED_TIMES} times as much; "
            "if you trust it, store it without compression"
        )


class BoundedGzip(io.RawIOBase):
    """The bytes in a gzip file, read in parts; ValueError once they are far more than the file.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.stream, self.n_packed, self.n_bytes = gzip.open(path), path.stat().st_size, 0

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as there are bytes; how many."""
        n_read = self.stream.readinto(buffer)
        self.n_bytes += n_read
        check_unpacked(self.n_bytes, self.n_packed)
        return n_read

    def close(self) -> None:
        """Close the file."""
        self.stream.close()
        super().close()


def unpack_gzip(path: Path) -> bytes:
    """The bytes in a gzip file; ValueError if they are far more than the file."""
    with BoundedGzip(path) as stream:
        return b"".join(iter(lambda: stream.read(CHUNK_BYTES) or b"", b""))


def read_parquet_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """A Parquet file as a table, part by part; ValueError once they are far more than the file.

    Args:
        path: the file.
        columns: names of those to read; None: all.
    """
    n_packed, n_bytes, parts = path.stat().st_size, 0, []
    file = pq.ParquetFile(path)
    groups = (file.metadata.row_group(number) for number in range(file.metadata.num_row_groups))
    declared = sum(group.total_byte_size for group in groups)
    check_unpacked(declared, n_packed)
    if columns is None:
        check_memory(declared, f"reading {path}", "split the file, or give it more")
    for part in file.iter_batches(batch_size=PARQUET_ROWS, columns=columns):
        n_bytes += part.nbytes
        check_unpacked(n_bytes, n_packed)
        parts.append(part)
    schema = parts[0].schema if parts else file.read(columns=columns).schema
    return pa.Table.from_batches(parts, schema).replace_schema_metadata(file.schema_arrow.metadata)


def suffix_of(path: Path) -> str:
    """The suffix of a file's name in lower case, without `.gz`."""
    return Path(path.stem if path.suffix.lower() == ".gz" else path.name).suffix.lower()


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The file, or the content of a gzip file as a temporary file with its inner name, within the block.

    A memory map of it remains valid afterwards: the system keeps the bytes until it is closed.
    """
    if path.suffix.lower() != ".gz":
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        inner = Path(folder) / path.stem
        inner.write_bytes(unpack_gzip(path))
        yield inner


def visible_files(folder: Path) -> list[Path]:
    """The files of a folder and below, sorted by name, with numbers sorted by value.

    Hidden files, temporary files of killed writers, and markers such as `_SUCCESS` are left out.

    Raises:
        DataError: there are more than `MAX_FILES`, so the folder is probably not a data set.
    """
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[0] not in "._"]
        found += [Path(place) / name for name in names if name[0] not in "._"]
        if len(found) > MAX_FILES:
            raise DataError(f"the folder {folder} has more than {MAX_FILES:,} files; name a smaller folder")
    return sorted(filter(Path.is_file, found), key=lambda path: _natural(path.relative_to(folder).as_posix()))


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts `part-10` after `part-9`."""
    parts = re.findall(r"\d+|\D+", name)
    return [(int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts]


def map_npy(path: Path | str) -> np.ndarray:
    """A `.npy` file as a read-only memory map.

    Raises:
        ValueError: it is another kind of file, or has objects; or another error of `UNREADABLE`.
    """
    with np.errstate(over="ignore"):  # from a wrong size, which is detected when the file is mapped
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError("it is a zip archive; name it .npz")
    return array


def names_in_npz(path: Path) -> list[str]:
    """The names of the arrays in a `.npz` file; errors as for `map_npy`."""
    with zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def read_from_npz(path: Path, name: str) -> np.ndarray:
    """One array of a `.npz` file; errors as for `map_npy`."""
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(f"{name}.npy")
        check_unpacked(member.file_size, member.compress_size)
        with archive.open(member) as stream:
            return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
