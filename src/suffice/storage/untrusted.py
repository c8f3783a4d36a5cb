"""Files from others: errors when reading them, limits on their unpacked size, and arrays in them."""

import gzip
import os
import re
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from suffice.errors import DataError

UNREADABLE = (
    OSError, ValueError, EOFError, TypeError, KeyError, AttributeError, SyntaxError, OverflowError,
    MemoryError, RuntimeError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""Errors that libraries raise for damaged files, or files that are not what their name says."""

MAX_UNPACKED_BYTES, MAX_UNPACKED_TIMES = 64 << 20, 200  # a file that unpacks to more than both is refused
CHUNK_BYTES = 1 << 20
MAX_FILES = 200_000  # in a folder that is one data set or model


def check_unpacked(n_bytes: int, n_packed: int) -> None:
    """Raise ValueError for a file that is small on disk and would fill the memory."""
    if n_bytes > max(MAX_UNPACKED_BYTES, MAX_UNPACKED_TIMES * n_packed):
        raise ValueError(
            f"it has {n_packed:,} bytes but unpacks to more than {MAX_UNPACKED_TIMES} times as much; "
            "if you trust it, store it without compression"
        )


def unpack_gzip(path: Path) -> bytes:
    """The bytes in a gzip file; ValueError if they are far larger than the file."""
    n_packed, parts, n_bytes = path.stat().st_size, [], 0
    with gzip.open(path) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            n_bytes += len(chunk)
            check_unpacked(n_bytes, n_packed)
            parts.append(chunk)
    return b"".join(parts)


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
