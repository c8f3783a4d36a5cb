"""One matrix of numbers from any common container of vectors."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from suffice.dimensions import matrix_of_table
from suffice.errors import EstimationError, ModelError, assume, first_line
from suffice.names import same_name
from suffice.text_vectors import parse_text_vectors

CODES = {
    "uint8": ("ubinary", "numpy.unpackbits(codes, axis=1)"),
    "int8": ("binary", "numpy.unpackbits((codes.astype('int16') + 128).astype('uint8'), axis=1)"),
}  # the name of packed bits of each type in sentence-transformers, and how to unpack them
FAILURES = (TypeError, ValueError, RuntimeError, AttributeError, OverflowError, pa.ArrowException)


def as_matrix(values: Any, name: str = "the embedding") -> np.ndarray:
    """The vectors as a NumPy array; an array of numbers is returned unchanged.

    Accepted are NumPy arrays (masked values become NaN), torch tensors of any type and on any device, sparse
    matrices, tables of pandas, Polars and pyarrow, lists, generators of rows, vectors written as text, and
    everything else that NumPy accepts. `matrix_of_table` finds the dimensions of a table.

    Args:
        values: one vector per item, shape (n_items, embed_dim).
        name: name of the vectors in messages.

    Returns:
        The array. `check_embedding` checks its shape.

    Raises:
        EstimationError: the values are not vectors; the message says what to give.
    """
    try:
        array = _converted(values, name)
    except EstimationError:
        raise
    except ModelError as error:
        raise EstimationError(str(error)) from error
    except FAILURES as error:
        kind = f"{type(values).__module__}.{type(values).__name__}".removeprefix("builtins.")
        raise EstimationError(
            f"{name} is a {kind} that cannot be converted to an array ({first_line(error)}); give an array "
            "of numbers with one row per item, such as numpy.asarray(values, dtype='float32')"
        ) from error
    for doubt in doubts_about_codes(array, name):
        assume(doubt)
    return array


def as_matrices(embeddings: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The vectors of each model as an array, see `as_matrix`. Names that look the same are one name.

    Raises:
        EstimationError: the values are not vectors, or two models have names that look the same.
    """
    arrays: dict[str, np.ndarray] = {}
    for given, values in embeddings.items():
        name = same_name(given) if isinstance(given, str) else given
        if name in arrays:
            raise EstimationError(
                f"two models are named {name!r}, with accents encoded in two ways; rename one"
            )
        arrays[name] = as_matrix(values, str(name))
    return arrays


def doubts_about_codes(array: np.ndarray, name: str) -> list[str]:
    """A warning that 8-bit integers may be packed bits, which are not coordinates."""
    kind = str(array.dtype)
    if kind not in CODES or array.ndim != 2 or not array.size or (0 <= array.min() and array.max() <= 1):
        return []
    precision, remedy = CODES[kind]
    return [
        f"{name} holds {kind} codes, which are used as numbers. If they are packed bits (precision "
        f"{precision} of sentence-transformers), unpack them first: {remedy}"
    ]


def _converted(values: Any, name: str) -> np.ndarray:
    """An array of any given values; errors of libraries are not caught."""
    library = type(values).__module__.partition(".")[0]
    if isinstance(values, np.ndarray):
        return _plain_array(values, name)
    if library in TABLES:
        return TABLES[library](values, name)
    if library == "torch":
        return _from_torch(values)
    if library in ("scipy", "sparse"):
        return np.asarray(values.toarray() if hasattr(values, "toarray") else values.todense())
    return _from_python(values, name)


def _from_python(values: Any, name: str) -> np.ndarray:
    """An array from lists, generators, and objects that offer NumPy an array."""
    if isinstance(values, str | bytes | Path):
        raise EstimationError(
            f"{name} is {str(values)[:60]!r}, not vectors; load the file and give its array"
        )
    if isinstance(values, Mapping):
        raise EstimationError(
            f"{name} is a mapping with {len(values)} entries; give its vectors in the order of the items, "
            "such as [vectors[key] for key in ids]"
        )
    if hasattr(values, "__array__"):
        return _plain_array(np.asarray(values), name)
    if hasattr(values, "get") and hasattr(values, "dtype"):  # an array of CuPy
        return _plain_array(np.asarray(values.get()), name)
    if isinstance(values, Iterable):
        return _from_rows(list(values), name)
    raise EstimationError(
        f"{name} is a {type(values).__name__}, not vectors; give one row of numbers per item"
    )


def _plain_array(array: np.ndarray, name: str) -> np.ndarray:
    """The array with a number type that NumPy calculates with, in the byte order of this machine."""
    if isinstance(array, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(array), np.nan, array.data)
    if array.dtype.kind in "OUST" and array.size:
        if array.ndim > 1 and array.dtype.kind != "O":
            return array  # a table of words, which `check_embedding` refuses
        return _from_rows(list(array), name)
    if array.dtype.name.startswith(("bfloat16", "float8")):
        return array.astype(np.float32)
    if not array.dtype.isnative:
        return array.astype(array.dtype.newbyteorder("="))
    return np.asarray(array)


def _from_rows(rows: list[Any], name: str) -> np.ndarray:
    """One array from a list of rows in any form."""
    if rows and all(isinstance(row, str) for row in rows):
        return parse_text_vectors(rows, name)
    arrays = [_row(row, name) for row in rows]
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise EstimationError(
            f"{name} has rows of different shapes, {shapes[0]} to {shapes[-1]}; give one vector per item, "
            "all of one length (join batches with numpy.concatenate)"
        )
    return np.stack(arrays) if arrays else np.empty((0, 0))


def _row(row: Any, name: str) -> np.ndarray:
    """One row; a matrix with one row, which encoders return for one text, counts as that row."""
    if isinstance(row, list | tuple) and not any(hasattr(value, "__len__") for value in row):
        array = np.asarray(row)
        return array.astype(np.float64) if array.dtype.kind == "O" else array
    if np.isscalar(row) or row is None:
        return np.asarray(row, dtype=None if row is not None else np.float64)
    array = _converted(row, name)
    return array[0] if array.ndim == 2 and len(array) == 1 else array


def _from_torch(tensor: Any) -> np.ndarray:
    """The array of a tensor of any type and layout, on any device, with or without gradient."""
    tensor = tensor.detach().cpu()
    tensor = tensor.dequantize() if tensor.is_quantized else tensor
    tensor = tensor if str(tensor.layout) == "torch.strided" else tensor.to_dense()
    tensor = tensor.resolve_conj().resolve_neg()
    if tensor.is_floating_point() and str(tensor.dtype) not in ("torch.float64", "torch.float16"):
        tensor = tensor.float()  # NumPy has no bfloat16 nor 8-bit floats
    return np.asarray(tensor.numpy())


def _from_pandas(values: Any, name: str) -> np.ndarray:
    if not hasattr(values, "columns"):
        return _from_rows(list(values), name)
    frame = values.copy(deep=False)
    if frame.columns.nlevels > 1:
        frame.columns = ["_".join(map(str, names)) for names in frame.columns]
    for name_of_column, kind in values.dtypes.items():
        if str(kind).startswith("Sparse"):
            frame[name_of_column] = values[name_of_column].sparse.to_dense()
    return matrix_of_table(pa.Table.from_pandas(frame, preserve_index=False), name)


def _from_polars(values: Any, name: str) -> np.ndarray:
    if hasattr(values, "collect"):
        values = values.collect()
    if not hasattr(values, "columns"):
        return _from_rows(values.to_list(), name)
    return matrix_of_table(values.to_arrow(), name)


def _from_arrow(values: Any, name: str) -> np.ndarray:
    if isinstance(values, pa.RecordBatch):
        values = pa.Table.from_batches([values])
    if not isinstance(values, pa.Table):
        return _from_rows(values.to_pylist(), name)
    return matrix_of_table(values, name)


TABLES = {"pandas": _from_pandas, "polars": _from_polars, "pyarrow": _from_arrow}
