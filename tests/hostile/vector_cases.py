"""What can be wrong with a file of vectors."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hostile.cases import SAME, Case, Damage, replace
from safetensors.numpy import save

GOOD = np.random.default_rng(3).normal(size=(300, 6)).astype(np.float32)


def changed(change: Callable[[np.ndarray], np.ndarray]) -> Damage:
    """Another array in the place of the sound one."""
    return lambda folder: np.save(folder / "own.npy", change(GOOD.copy()), allow_pickle=True)


def spoilt(where: tuple, value: float, dtype: type = np.float64) -> Damage:
    """Some entries of the array with another value."""

    def change(array: np.ndarray) -> np.ndarray:
        array = array.astype(dtype)
        array[where] = value
        return array

    return changed(change)


def as_bytes(change: Callable[[bytes], bytes]) -> Damage:
    """The file with other bytes."""

    def damage(folder: Path) -> None:
        path = folder / "own.npy"
        path.write_bytes(change(path.read_bytes()))

    return damage


def other_file(name: str, content: Callable[[], bytes]) -> Damage:
    """A file of another form in its place."""

    def damage(folder: Path) -> None:
        (folder / name).write_bytes(content())
        replace("models.tsv", "\town.npy", f"\t{name}")(folder)

    return damage


def npy(array: np.ndarray) -> bytes:
    """The bytes of a `.npy` file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def npy_with_header(header: str, body: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """A `.npy` file whose header says whatever it likes."""
    text = header.encode("latin-1") + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + body


def header(shape: str = "(300, 6)", descr: str = "'<f4'", more: str = "") -> str:
    """A header."""
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}{more}}}"


def npz(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A `.npz` file with any bytes in it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def bomb() -> bytes:
    """A hundred kilobytes that unpack to 128 MiB, all of it zeros, as its header says."""
    rows = 1 << 15
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("vectors.npy", "w", force_zip64=True) as member:
            member.write(npy_with_header(header(f"({rows}, 1024)")))
            for _ in range(rows // 1024):
                member.write(bytes(4 << 20))
    return stream.getvalue()


def patched(content: bytes, place: bytes, offset: int, value: bytes) -> bytes:
    """The bytes with others at some distance from each of a mark."""
    parts, start = bytearray(content), 0
    while (found := content.find(place, start)) >= 0:
        parts[found + offset : found + offset + len(value)] = value
        start = found + 1
    return bytes(parts)


def encrypted() -> bytes:
    """A `.npz` that says that its member is encrypted."""
    content = patched(npz({"vectors.npy": npy(GOOD)}), b"PK\x03\x04", 6, b"\x01\x00")
    return patched(content, b"PK\x01\x02", 8, b"\x01\x00")


def odd_method() -> bytes:
    """A `.npz` with a compression that nobody knows."""
    content = patched(npz({"vectors.npy": npy(GOOD)}), b"PK\x03\x04", 8, b"\x63\x00")
    return patched(content, b"PK\x01\x02", 10, b"\x63\x00")


def wrong_checksum() -> bytes:
    """A `.npz` whose member has another checksum than is said."""
    content = npz({"vectors.npy": npy(GOOD)}, zipfile.ZIP_STORED)
    return content.replace(struct.pack("<I", zlib.crc32(npy(GOOD))), b"\x01\x02\x03\x04")


def tensors(kind: str, shape: str = "[300,6]", n_bytes: int = 3600) -> bytes:
    """A `.safetensors` file of some type."""
    text = f'{{"v":{{"dtype":"{kind}","shape":{shape},"data_offsets":[0,{n_bytes}]}}}}'.encode()
    return struct.pack("<Q", len(text)) + text + bytes(n_bytes)


def parquet(**columns: pa.Array) -> bytes:
    """A Parquet file."""
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def duplicate_columns() -> bytes:
    """A Parquet file with one name for two columns."""
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array(GOOD[:, 0]), pa.array(GOOD[:, 1])], ["a", "a"]), stream)
    return stream.getvalue()


ARRAYS: dict[str, tuple[Damage, str]] = {
    "float64": (changed(lambda array: array.astype(np.float64)), SAME),
    "big-endian": (changed(lambda array: array.astype(">f4")), SAME),
    "Fortran order": (changed(np.asfortranarray), SAME),
    "long double": (changed(lambda array: array.astype(np.longdouble)), SAME),
    "complex": (changed(lambda array: array.astype(complex)), "numeric matrix"),
    "truth": (changed(lambda array: array > 0), "numeric matrix"),
    "texts": (changed(lambda array: array.astype("U")), "numeric matrix"),
    "dates": (changed(lambda array: array.astype("datetime64[s]")), "numeric matrix"),
    "records": (changed(lambda array: np.zeros(300, dtype=[("a", "f4"), ("b", "f4")])), "numeric matrix"),
    "objects": (changed(lambda array: array.astype(object)), "cannot be read.*Python objects"),
    "one object": (changed(lambda array: np.array([[{}]] * 300, dtype=object)), "cannot be read.*Python objects"),
    "a vector": (changed(lambda array: array[:, 0]), r"\(300,\)"),
    "a cube": (changed(lambda array: array.reshape(300, 3, 2)), r"\(300, 3, 2\)"),
    "a number": (changed(lambda array: np.float32(1)), r"shape \(\)"),
    "transposed": (changed(lambda array: array.T.copy()), "6 rows but data set toys has 300"),
    "no rows": (changed(lambda array: array[:0]), "0 rows but data set toys has 300|cannot be read"),
    "one row": (changed(lambda array: array[:1]), "1 rows but data set toys has 300"),
    "a row too few": (changed(lambda array: array[:-1]), "299 rows but data set toys has 300"),
    "a row too many": (changed(lambda array: np.vstack([array, array[:1]])), "301 rows but data set toys has 300"),
    "no columns": (changed(lambda array: array[:, :0]), r"\(300, 0\)|cannot be read"),
    "two columns": (changed(lambda array: array[:, :2]), "own-pca|n_components"),
    "NaN": (spoilt((5, 2), np.nan), "1 of 300 rows, first in row 5"),
    "infinity": (spoilt((5, 2), np.inf), "1 of 300 rows, first in row 5"),
    "minus infinity": (spoilt((299, 0), -np.inf), "1 of 300 rows, first in row 299"),
    "a column of NaN": (spoilt((slice(None), 1), np.nan), "300 of 300 rows"),
    "too large for single precision": (spoilt((5, 2), 1e300), "1 of 300 rows, first in row 5"),
    "all too small": (changed(lambda array: array.astype(np.float64) * 1e-200), "constant"),
    "constant": (spoilt((slice(None), slice(None)), 1.0), "all 6 dimensions are constant"),
    "zeros": (spoilt((slice(None), slice(None)), 0.0), "all 6 dimensions are constant"),
    "constant but for rounding": (changed(lambda array: 1 + 1e-8 * array.astype(np.float64)), "all 6 dimensions are constant"),
    "a constant column more": (changed(lambda array: np.hstack([array, np.ones((300, 1), np.float32)])), SAME + " but for labels"),
    "all rows the same": (changed(lambda array: np.repeat(array[:1], 300, axis=0)), "all 6 dimensions are constant"),
    "header of a huge shape": (as_bytes(lambda b: npy_with_header(header("(10**12, 6)"))), "cannot be read"),
    "header of more rows than there are": (as_bytes(lambda b: npy_with_header(header("(1000000000000, 6)"), bytes(7200))), "cannot be read"),
    "header of rows below zero": (as_bytes(lambda b: npy_with_header(header("(-300, 6)"), bytes(7200))), "own.npy"),
    "header of both below zero": (as_bytes(lambda b: npy_with_header(header("(-300, -6)"), bytes(7200))), "own.npy"),
    "header of a shape that wraps": (as_bytes(lambda b: npy_with_header(header("(4294967296, 4294967296)"), bytes(7200))), "own.npy"),
    "header of a shape of long numbers": (as_bytes(lambda b: npy_with_header(header(f"({'9' * 5000}, 6)"), bytes(7200))), "cannot be read"),
    "header of texts as shape": (as_bytes(lambda b: npy_with_header(header("('300', 6)"), bytes(7200))), "cannot be read"),
    "header of truths as shape": (as_bytes(lambda b: npy_with_header(header("(300, True)"), bytes(7200))), "own.npy"),
    "header with a call": (as_bytes(lambda b: npy_with_header("__import__('os').system('touch pwned')", bytes(7200))), "cannot be read"),
    "header nested": (as_bytes(lambda b: npy_with_header("(" * 9000 + ")" * 900, bytes(7200))), "cannot be read"),
    "header of minus signs": (as_bytes(lambda b: npy_with_header("-" * 9000 + "1", bytes(7200))), "cannot be read"),
    "header of 60 kB": (as_bytes(lambda b: npy_with_header(header(more=", 'x': '" + "x" * 60000 + "'"))), "cannot be read"),
    "header that is no mapping": (as_bytes(lambda b: npy_with_header("[1, 2]")), "cannot be read"),
    "header with a key more": (as_bytes(lambda b: npy_with_header(header(more=", 'x': 1"))), "cannot be read"),
    "header of an unknown type": (as_bytes(lambda b: npy_with_header(header(descr="'<f5'"))), "cannot be read"),
    "header of objects": (as_bytes(lambda b: npy_with_header(header(descr="'|O'"), bytes(14400))), "cannot be read"),
    "header of type of nothing": (as_bytes(lambda b: npy_with_header(header(descr="'V0'"))), "own.npy"),
    "header not closed": (as_bytes(lambda b: npy_with_header("{'descr': '<f4'")), "cannot be read"),
    "version 9": (as_bytes(lambda b: b[:6] + b"\x09" + b[7:]), "cannot be read"),
    "length of header beyond the file": (as_bytes(lambda b: b[:8] + b"\xff\xff" + b[10:100]), "cannot be read"),
    "only the mark": (as_bytes(lambda b: b[:6]), "cannot be read"),
    "one byte short": (as_bytes(lambda b: b[:-1]), "cannot be read"),
}  # fmt: skip

VECTOR_FILES: dict[str, tuple[Damage, str]] = {
    "npz": (other_file("own.npz", lambda: npz({"vectors.npy": npy(GOOD)})), SAME),
    "npz bomb": (other_file("own.npz", bomb), "own.npz.*unpacks to more"),
    "npz of nothing": (other_file("own.npz", lambda: npz({})), "own.npz"),
    "npz of objects": (other_file("own.npz", lambda: npz({"vectors.npy": npy(GOOD.astype(object))})), "own.npz cannot be read"),
    "npz of texts": (other_file("own.npz", lambda: npz({"vectors.npy": b"hello"})), "own.npz"),
    "npz of a readme": (other_file("own.npz", lambda: npz({"readme.txt": b"hello"})), "own.npz"),
    "npz of two": (other_file("own.npz", lambda: npz({"a.npy": npy(GOOD), "b.npy": npy(GOOD)})), "own.npz has a, b; name one"),
    "npz with a name that leads out": (other_file("own.npz", lambda: npz({"../../pwned.npy": npy(GOOD)})), SAME),
    "npz with a lying header": (other_file("own.npz", lambda: npz({"vectors.npy": npy_with_header(header("(1000000000000, 6)"), bytes(7200))})), "own.npz"),
    "npz cut": (other_file("own.npz", lambda: npz({"vectors.npy": npy(GOOD)})[:-40]), "own.npz cannot be read"),
    "npz encrypted": (other_file("own.npz", encrypted), "own.npz cannot be read"),
    "npz of an unknown method": (other_file("own.npz", odd_method), "own.npz cannot be read"),
    "npz of a wrong checksum": (other_file("own.npz", wrong_checksum), "own.npz cannot be read"),
    "npz that is npy": (other_file("own.npz", lambda: npy(GOOD)), "own.npz"),
    "npz that is a pickle": (other_file("own.npz", lambda: b"\x80\x04]q\x00."), "own.npz cannot be read"),
    "npy that is npz": (other_file("more.npy", lambda: npz({"vectors.npy": npy(GOOD)})), "more.npy"),
    "safetensors": (other_file("own.safetensors", lambda: save({"v": GOOD})), SAME),
    "safetensors bfloat16": (other_file("own.safetensors", lambda: tensors("BF16")), "all 6 dimensions are constant"),
    "safetensors float8": (other_file("own.safetensors", lambda: tensors("F8_E4M3", n_bytes=1800)), "own.safetensors"),
    "safetensors unknown type": (other_file("own.safetensors", lambda: tensors("F5")), "own.safetensors cannot be read"),
    "safetensors lying shape": (other_file("own.safetensors", lambda: tensors("F32", "[300000000,600000]")), "own.safetensors cannot be read"),
    "safetensors long header": (other_file("own.safetensors", lambda: struct.pack("<Q", 1 << 60) + b"{}"), "own.safetensors cannot be read"),
    "safetensors cut": (other_file("own.safetensors", lambda: save({"v": GOOD})[:-9]), "own.safetensors cannot be read"),
    "safetensors of nothing": (other_file("own.safetensors", lambda: save({})), "own.safetensors"),
    "parquet": (other_file("own.parquet", lambda: parquet(**{f"d{i}": pa.array(GOOD[:, i]) for i in range(6)})), SAME),
    "parquet lists": (other_file("own.parquet", lambda: parquet(v=pa.array(list(GOOD)))), SAME),
    "parquet fixed lists": (other_file("own.parquet", lambda: parquet(v=pa.FixedSizeListArray.from_arrays(pa.array(GOOD.ravel()), 6))), SAME),
    "parquet lists in lists": (other_file("own.parquet", lambda: parquet(v=pa.array([[[1.0]]] * 300))), "own.parquet"),
    "parquet null in a list": (other_file("own.parquet", lambda: parquet(v=pa.array([[1.0, None]] * 300))), "300 of 300 rows|own.parquet"),
    "parquet null in a column": (other_file("own.parquet", lambda: parquet(d0=pa.array([None, *GOOD[1:, 0].tolist()]), d1=pa.array(GOOD[:, 1]))), "1 of 300 rows"),
    "parquet texts": (other_file("own.parquet", lambda: parquet(v=pa.array(["x"] * 300))), "own.parquet has no list column and no numeric columns"),
    "parquet column twice": (other_file("own.parquet", duplicate_columns), "own.parquet"),
    "parquet cut": (other_file("own.parquet", lambda: parquet(v=pa.array(list(GOOD)))[:-12]), "own.parquet cannot be read"),
    "parquet no rows": (other_file("own.parquet", lambda: parquet(v=pa.array([], pa.list_(pa.float32())))), "own.parquet has 0 rows"),
    "parquet lists of nothing": (other_file("own.parquet", lambda: parquet(v=pa.array([[]] * 300, pa.list_(pa.float32())))), "own.parquet|shape"),
}  # fmt: skip


def vectors() -> Iterator[Case]:
    """Vectors that are none, or of another form than they seem."""
    for name, (damage, expected) in ARRAYS.items():
        yield Case("array", name, damage, expected)
    for name, (damage, expected) in VECTOR_FILES.items():
        yield Case("file of vectors", name, damage, expected)
