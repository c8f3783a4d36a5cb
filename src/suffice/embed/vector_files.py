"""Reading vectors: .npy, .npz, .parquet, .safetensors and tables of text, each also .gz, and folders."""

import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from suffice.data.columns import ID
from suffice.data.folders import is_saved, read_folder
from suffice.data.readers import read_file
from suffice.dimensions import matrix_of_table
from suffice.errors import DataError, ModelError
from suffice.names import is_text, same_name, shown_name
from suffice.storage.files import is_leftover
from suffice.storage.untrusted import (
    check_unpacked,
    map_npy,
    names_in_npz,
    read_from_npz,
    read_parquet_table,
    suffix_of,
    unpacked,
    visible_files,
)

ARRAYS = (".npy", ".npz", ".safetensors")
SAVED = "save_to_disk"
SUFFIXES = (*ARRAYS[:2], ".parquet", ".safetensors", ".csv", ".tsv", ".jsonl")
SPARSE = {"format", "shape", "data"}  # arrays in the .npz of every sparse matrix of scipy
MAX_DENSE_BYTES = 8 << 30  # a sparse matrix that would need more is refused


def split_array(path: Path) -> tuple[Path, str | None]:
    """A path from the user, and the name of an array after a colon: `file.npz:name`."""
    before, colon, array = str(path).rpartition(":")
    named = bool(colon) and not path.exists() and suffix_of(Path(before)) in SUFFIXES
    return (Path(before), array) if named else (path, None)


def names_of_files(paths: Sequence[Path]) -> list[str]:
    """The names of models from their files, with the name of the array if necessary.

    Raises:
        DataError: a name cannot be shown, or the file is incomplete because its writer was killed.
    """
    split = [split_array(path) for path in paths]
    stems = [_stem(path) for path, _ in split]
    return [
        f"{stem}:{array}" if array and stems.count(stem) > 1 else stem
        for stem, (_, array) in zip(stems, split, strict=True)
    ]


def _stem(path: Path) -> str:
    """A file's name without its suffixes, in normal form."""
    if is_leftover(path):
        raise DataError(f"{path} is incomplete because its writer was killed; delete it")
    stem = Path(path.stem).stem if path.suffix.lower() == ".gz" else path.stem
    if not is_text(stem) or shown_name(stem) != same_name(stem):
        raise DataError(
            f"the file name {ascii(path.name)} cannot be shown on one line as the name of a model; rename it"
        )
    return same_name(stem)


def read_vectors(path: Path, array: str | None = None, ids: str = ID) -> np.ndarray:
    """The vectors in a file, shape (n_rows, embed_dim); a .npy file is mapped, not read.

    Args:
        path: a file of one of `SUFFIXES`, also `.gz`, or a folder of such files, which are parts of one array
            in the order of their names.
        array: name of the array or list column if a file has several; for a table also the common name of the
            columns, or columns separated by commas.
        ids: name of the column or array of ids, which is not part of the vectors.

    Raises:
        ModelError: the file does not have `array`, or has several arrays.
    """
    if path.is_dir():
        return _read_folder(path, array, ids)
    with unpacked(path) as plain:
        return READERS.get(suffix_of(path), _read_text_table)(plain, array, ids)


def read_column_of_ids(path: Path, name: str) -> list[str]:
    """The ids in a file of vectors, in the order of its rows.

    Raises:
        ModelError: the column or array does not exist.
    """
    if path.is_dir() and not is_saved(path):
        return [key for part in parts_of_folder(path) for key in read_column_of_ids(part, name)]
    with unpacked(path) as plain:
        if suffix_of(path) == ".npz":
            _require(name, names_in_npz(plain), path)
            return [str(key) for key in read_from_npz(plain, name)]
        if suffix_of(path) == ".parquet":
            _require(name, pq.read_schema(plain).names, path)
            return [str(key) for key in read_parquet_table(plain, [name])[name].to_pylist()]
        table = read_file(path if path.is_dir() else plain)
        _require(name, list(map(str, table.columns)), path)
        return [str(key) for key in table[name]]


def kind_of_file(path: Path) -> str:
    """The suffix of a file, or of the files in a folder; `SAVED` for a folder from `save_to_disk`.

    Raises:
        ModelError: a folder has no files of vectors, or several kinds.
    """
    if not path.is_dir():
        return suffix_of(path)
    return SAVED if is_saved(path) else suffix_of(parts_of_folder(path)[0])


def parts_of_folder(folder: Path) -> list[Path]:
    """The files of vectors in a folder, sorted by name, with numbers sorted by value.

    Raises:
        ModelError: there are no files of vectors, or several kinds.
    """
    files = [path for path in visible_files(folder) if suffix_of(path) in SUFFIXES]
    kinds = sorted({suffix_of(path) for path in files})
    if len(kinds) != 1:
        found = f"files of several kinds ({', '.join(kinds)})" if kinds else "no file of vectors"
        raise ModelError(f"the folder {folder} has {found}; give one kind of {', '.join(SUFFIXES)}")
    return files


def _read_folder(folder: Path, array: str | None, ids: str) -> np.ndarray:
    if is_saved(folder):
        table = pa.Table.from_pandas(read_folder(folder), preserve_index=False)
        return matrix_of_table(table, folder.name, array, ids, np.float32)
    parts = [read_vectors(path, array, ids) for path in parts_of_folder(folder)]
    widths = sorted({part.shape[1:] for part in parts})
    if len(widths) > 1:
        raise ModelError(
            f"the files of {folder} have rows of different shapes, {widths[0]} to {widths[-1]}, but a folder "
            "is one model in parts. If each file is a model, give the files one by one"
        )
    return np.concatenate(parts)


def _read_npy(path: Path, array: str | None, ids: str) -> np.ndarray:
    return map_npy(path)


def _read_npz(path: Path, array: str | None, ids: str) -> np.ndarray:
    names = names_in_npz(path)
    if set(names) >= SPARSE and array is None:
        return _read_sparse(path)
    if array is not None:
        _require(array, names, path)
        return read_from_npz(path, array)
    return read_from_npz(path, _only_matrix([n for n in names if n != ids], path, _shapes_in_npz(path)))


def _shapes_in_npz(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays, from their headers."""
    shapes = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            with archive.open(member) as stream:
                version = np.lib.format.read_magic(stream)
                reads = {(1, 0): np.lib.format.read_array_header_1_0}
                read = reads.get(version, np.lib.format.read_array_header_2_0)
                shape, _, dtype = read(stream)
            shapes[member.removesuffix(".npy")] = shape if dtype.kind in "fiub" else ()
    return shapes


def _read_sparse(path: Path) -> np.ndarray:
    """A sparse matrix that scipy saved, as a dense array.

    Raises:
        ModelError: it would need more than `MAX_DENSE_BYTES`.
    """
    from scipy import sparse

    shape = read_from_npz(path, "shape").tolist()
    n_bytes = int(np.prod(shape, dtype=object)) * 4
    if n_bytes > MAX_DENSE_BYTES:
        raise ModelError(
            f"{path.name} is a sparse matrix of shape {tuple(shape)}, which needs {n_bytes >> 30} GiB as a "
            "dense array; reduce its columns first, for example with sklearn's TruncatedSVD"
        )
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            check_unpacked(member.file_size, member.compress_size)
    matrix = sparse.load_npz(path)
    if hasattr(matrix, "check_format"):
        matrix.check_format(
            full_check=True
        )  # positions outside of the shape would be written beyond the array
    return np.asarray(matrix.toarray())


def _read_safetensors(path: Path, array: str | None, ids: str) -> np.ndarray:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as arrays:
        names = list(arrays.keys())
        if array is not None:
            _require(array, names, path)
        shapes = {name: tuple(arrays.get_slice(name).get_shape()) for name in names}
        name = array or _only_matrix([each for each in names if each != ids], path, shapes)
        kind = str(arrays.get_slice(name).get_dtype())
        if not kind.startswith(("BF16", "F8", "F4")):
            vectors: np.ndarray = arrays.get_tensor(name)
            return vectors
    if kind != "BF16":
        raise ModelError(f"{path.name} has numbers of type {kind}; save them as float32")
    return _read_bfloat16(path, name)


def _read_bfloat16(path: Path, name: str) -> np.ndarray:
    """An array of bfloat16, the upper halves of float32, which NumPy does not support."""
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        about = json.loads(stream.read(length))[name]
        first, last = about["data_offsets"]
        stream.seek(8 + length + first)
        halves = np.frombuffer(stream.read(last - first), dtype="<u2")
    return (halves.astype(np.uint32) << 16).view(np.float32).reshape(about["shape"])


def _only_matrix(names: Sequence[str], path: Path, shapes: dict[str, tuple[int, ...]]) -> str:
    """The only array, or the only matrix among labels, ids and other one-dimensional arrays."""
    matrices = [name for name in names if len(shapes.get(name, ())) == 2]
    if len(names) > 1 and len(matrices) == 1:
        return matrices[0]
    if not names:
        raise ModelError(f"{path.name} has no array; write it again")
    if len(names) != 1:
        found = ", ".join(sorted(names))
        raise ModelError(
            f"{path.name} has {found}; name one in the setting array, or on the command line as "
            f"{path.name}:{sorted(names)[0]}"
        )
    return names[0]


def _require(name: str, names: Sequence[str], path: Path) -> None:
    if name not in names:
        raise ModelError(f"{path.name} has no {name!r}; it has {', '.join(sorted(names))}")


def _read_parquet(path: Path, array: str | None, ids: str) -> np.ndarray:
    return matrix_of_table(read_parquet_table(path), path.name, array, ids, np.float32)


def _read_text_table(path: Path, array: str | None, ids: str) -> np.ndarray:
    columns = {str(name): _as_numbers(column, str(name), ids) for name, column in read_file(path).items()}
    table = pa.table({name: pa.array(column, from_pandas=True) for name, column in columns.items()})
    return matrix_of_table(table, path.name, array, ids, np.float32)


def _as_numbers(column: Any, name: str, ids: str) -> Any:
    """A column of a text file as numbers, if every cell is a number and the column has no ids."""
    import pandas as pd

    if name == ids or not len(column):
        return column
    try:
        return pd.to_numeric(column)
    except (ValueError, TypeError, OverflowError):
        return column


READERS: dict[str, Callable[[Path, str | None, str], np.ndarray]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".parquet": _read_parquet,
    ".safetensors": _read_safetensors,
}
