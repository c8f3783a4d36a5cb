"""Arrays as people have them: everything that holds one vector per item becomes the same matrix."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

from suffice.arrays import as_matrix
from suffice.errors import AssumptionWarning, EstimationError

VECTORS = np.random.default_rng(0).integers(-3, 3, (6, 4)).astype(np.float32) / 4  # exact in every type


def torch_forms():
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(VECTORS)
    return {
        "bfloat16": tensor.bfloat16(),
        "half": tensor.half(),
        "double": tensor.double(),
        "float8": (tensor * 4).to(torch.float8_e4m3fn),
        "with gradient": tensor.clone().requires_grad_(),
        "result of a graph": tensor.clone().requires_grad_() * 1,
        "sparse": tensor.to_sparse(),
        "sparse rows": tensor.to_sparse_csr(),
        "transposed": tensor.T.contiguous().T,
        "list of tensors": list(tensor.clone().requires_grad_()),
        "generator of rows of one": (row[None] for row in tensor.bfloat16()),
        "parameter": torch.nn.Parameter(tensor.clone()),
    }


@pytest.mark.parametrize("form", list(torch_forms()))
def test_tensors_of_any_type(form):
    expected = VECTORS * 4 if form == "float8" else VECTORS
    np.testing.assert_array_equal(as_matrix(torch_forms()[form]), expected)


FORMS = {
    "array": lambda: VECTORS,
    "other order of bytes": lambda: VECTORS.astype(">f4"),
    "list of lists": lambda: VECTORS.tolist(),
    "tuple of arrays": lambda: tuple(VECTORS),
    "generator": lambda: (row for row in VECTORS),
    "map": lambda: map(list, VECTORS.tolist()),
    "values of a dict": lambda: {key: row for key, row in enumerate(VECTORS)}.values(),
    "array of objects": lambda: np.array([*VECTORS, None], dtype=object)[:-1],
    "numbers as objects": lambda: VECTORS.astype(object),
    "fractions": lambda: [list(map(Fraction, row)) for row in VECTORS.tolist()],
    "csr": lambda: sparse.csr_matrix(VECTORS),
    "coo array": lambda: sparse.coo_array(VECTORS),
    "list of sparse rows": lambda: list(sparse.csr_matrix(VECTORS)),
    "frame": lambda: pd.DataFrame(VECTORS),
    "frame with ids as index": lambda: pd.DataFrame(VECTORS, index=list("abcdef")).add_prefix("d"),
    "frame with an id column": lambda: pd.DataFrame(VECTORS).add_prefix("d").assign(doc_id=range(6)),
    "frame with a list column": lambda: pd.DataFrame({"text": "x", "vector": list(VECTORS), "n": 3}),
    "sparse frame": lambda: pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(VECTORS)),
    "series of arrays": lambda: pd.Series(list(VECTORS)),
    "series of texts": lambda: pd.Series([str(row) for row in VECTORS.tolist()]),
    "texts": lambda: [str(row) for row in VECTORS.tolist()],
    "arrow table": lambda: pa.table({f"d{j}": VECTORS[:, j] for j in range(4)}),
    "arrow lists": lambda: pa.array(VECTORS.tolist()),
    "matrix": lambda: np.asmatrix(VECTORS),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_container_gives_the_same_matrix(form):
    array = as_matrix(FORMS[form]())
    assert type(array) is np.ndarray and array.dtype.isnative and array.dtype.kind == "f"
    np.testing.assert_array_equal(array, VECTORS)


def test_an_array_is_not_copied():
    assert as_matrix(VECTORS) is VECTORS


def test_masked_values_are_missing():
    masked = np.ma.masked_equal(VECTORS, VECTORS[0, 0])
    np.testing.assert_array_equal(np.isnan(as_matrix(masked)), masked.mask)


def test_frames_of_polars_are_taken_by_their_arrow_table():
    class Frame:
        __module__ = "polars.dataframe.frame"
        columns = ("d0",)

        def to_arrow(self):
            return pa.table({f"d{j}": VECTORS[:, j] for j in range(4)})

    np.testing.assert_array_equal(as_matrix(Frame()), VECTORS)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("vectors.npy", "'vectors.npy', not vectors; load the file"),
        (Path("v.npy"), "load the file"),
        ({"a": [1, 2]}, "a mapping with 1 entries.*in the order of the items"),
        (5, "a int, not vectors"),
        (None, "a NoneType, not vectors"),
        ([[1, 2], [3]], r"rows of different shapes, \(1,\) to \(2,\)"),
        ([np.ones((3, 2)), np.ones((2, 2))], "join batches with numpy.concatenate"),
        ([[1, "x"], [2, "y"]], "cannot be converted to an array|of type"),
        (pd.DataFrame({"d0": [1.0], "label": [1]}), "'label' are not part of the vector"),
        (pd.DataFrame({"x": [1.0]}), "'x' do not have a common name"),
        (["no", "vectors"], "row 1 has 'no', which is not a vector"),
    ],
)
def test_what_is_no_matrix_is_said(values, message):
    with pytest.raises(EstimationError, match=message):
        array = as_matrix(values, "m")
        raise EstimationError(f"of type {array.dtype}")


@pytest.mark.parametrize(("kind", "remedy"), [("uint8", "unpackbits.codes, axis=1"), ("int8", "int16")])
def test_codes_of_8_bits_are_numbers_with_a_doubt(kind, remedy):
    codes = np.random.default_rng(0).integers(0, 100, (6, 4)).astype(kind)
    with pytest.warns(AssumptionWarning, match=f"holds {kind} codes.*packed bits.*{remedy}"):
        assert as_matrix(codes, "m") is codes


def test_bits_that_are_unpacked_are_beyond_doubt(recwarn):
    as_matrix(np.unpackbits(np.arange(6, dtype=np.uint8)[:, None], axis=1))
    assert not recwarn
