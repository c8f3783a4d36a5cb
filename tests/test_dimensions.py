"""Which columns of a table are a vector: by their names alone, and everything else is named or left out."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from suffice.dimensions import matrix_of_table
from suffice.errors import ModelError
from suffice.text_vectors import is_text_vector, parse_text_vectors

N = 7
VECTORS = np.random.default_rng(0).normal(size=(N, 3))


def table_of(frame, index=False):
    return pa.Table.from_pandas(frame, preserve_index=index)


def frame(names=("d0", "d1", "d2"), **more):
    return pd.DataFrame(dict(zip(names, VECTORS.T, strict=True))).assign(**more)


def read(frame, choice=None, index=False):
    return matrix_of_table(table_of(frame, index), "v", choice)


@pytest.mark.parametrize(
    "names",
    [
        ("d0", "d1", "d2"),
        ("0", "1", "2"),
        ("dim_1", "dim_2", "dim_3"),
        ("emb 01", "emb 02", "emb 03"),
        ("text-3-0", "text-3-1", "text-3-2"),
        (0, 1, 2),
        (0.0, 1.0, 2.0),
        ("d2", "d0", "d1"),  # in any order, without a gap
    ],
)
def test_one_family_of_names_is_the_vector(names):
    np.testing.assert_array_equal(read(frame(names)), VECTORS)


@pytest.mark.parametrize(
    "more",
    [
        {"label": np.arange(N) % 2},
        {"n_tokens": np.arange(N)},
        {"score": np.linspace(0, 1, N)},
        {"year": [2020] * N},
        {"user_id": [1] * N},  # named as an id, but not one of each row
    ],
)
def test_a_number_outside_the_family_is_named(more):
    (name,) = more
    with pytest.raises(ModelError, match=f"'{name}' are not part of the vector d0..d2.*array: d"):
        read(frame(**more))
    np.testing.assert_array_equal(read(frame(**more), choice="d"), VECTORS)


@pytest.mark.parametrize("name", ["doc_id", "id", "key", "Unnamed: 0", "", "row-index", "UUID"])
def test_ids_are_no_dimension(name):
    np.testing.assert_array_equal(read(frame(**{name: np.arange(100, 100 + N)})), VECTORS)


@pytest.mark.parametrize("index", [[3, 1, 4, 15, 9, 2, 6], list("abcdefg")])
@pytest.mark.parametrize("name", [None, "d3", "number"])
def test_the_index_that_pandas_stored_is_no_dimension(index, name):
    stored = frame().set_axis(pd.Index(index, name=name))
    np.testing.assert_array_equal(read(stored, index=True), VECTORS)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1.0], "b": [2.0]}, "'a', 'b' do not have a common name"),
        ({"n_tokens": [3]}, "'n_tokens' do not have a common name"),
        ({"pca0": [1.0], "pca1": [1.0], "umap0": [1.0]}, "pca0..pca1 and umap0"),
        ({"d0": [1.0], "d2": [1.0]}, "number 1 is missing"),
        ({"0": [1.0], "1": [1.0], "2024": [5]}, "number 2 is missing"),
        ({"text": ["x"]}, "no list column and no numeric"),
        ({"u": [[1.0, 2.0]], "v": [[1.0, 2.0]]}, "has u, v; name one"),
    ],
)
def test_what_cannot_be_told_is_refused(columns, message):
    with pytest.raises(ModelError, match=message):
        matrix_of_table(pa.table(columns), "v")


@pytest.mark.parametrize("numbers", [[0, 1], [2020, 2021], [0.0, 1.0], [1, 0, 0, 5]])
@pytest.mark.parametrize("place", [0, 2, 3])
def test_a_label_that_was_joined_without_a_name_is_refused(numbers, place):
    columns = np.insert(VECTORS, place, np.resize(numbers, N), axis=1)
    with pytest.raises(ModelError, match=f"the column '{place}' has whole numbers, unlike the other"):
        read(pd.DataFrame(columns))
    choice = ",".join(str(j) for j in range(4) if j != place)
    np.testing.assert_array_equal(read(pd.DataFrame(columns), choice=choice), VECTORS)


@pytest.mark.parametrize(
    "columns",
    [
        np.arange(3 * N).reshape(N, 3),  # all are whole numbers
        np.hstack([VECTORS, np.zeros((N, 1))]),  # one is constant
        np.hstack([VECTORS, np.arange(2 * N).reshape(N, 2)]),  # several are whole numbers
        np.hstack(
            [VECTORS[:, :1], np.arange(N)[:, None], VECTORS]
        ),  # one in the middle, without repeated values
        np.hstack([VECTORS[:, :1], np.arange(N)[:, None]]),  # too few to tell
    ],
)
def test_whole_numbers_that_are_not_the_only_ones_are_dimensions(columns):
    np.testing.assert_array_equal(read(pd.DataFrame(columns)), columns)


UNREAD = {
    "base64": ["bL8APn9GB7698iM/39XWPaEhCb8="] * N,
    "bytes": [row.tobytes() for row in VECTORS],
    "numbers without brackets": ["0.1 0.2 0.3"] * N,
    "lists of texts": [["0.1", "0.2"]] * N,
    "nested lists": [[[0.1], [0.2]]] * N,
    "mappings": [{"values": [0.1, 0.2]}] * N,
}


@pytest.mark.parametrize("kind", UNREAD)
@pytest.mark.parametrize("name", ["vector", "text_embedding", "EMB"])
def test_vectors_in_a_form_that_is_not_read_are_not_passed_over(kind, name):
    for table in (pa.table({name: UNREAD[kind]}), pa.table({name: UNREAD[kind], "n0": [3] * N})):
        with pytest.raises(ModelError, match=f"the column '{name}' holds .* which is not read as a vector"):
            matrix_of_table(table, "v")


def test_one_numbered_column_beside_others_is_not_a_vector():
    columns = {"score1": VECTORS[:, 0], "text": ["x"] * N}
    with pytest.raises(ModelError, match="'score1' is the only numbered column, beside 'text'"):
        matrix_of_table(pa.table(columns), "v")
    assert matrix_of_table(pa.table(columns), "v", "score1").shape == (N, 1)


@pytest.mark.parametrize("name", ["token_ids", "attention_mask", "spans"])
def test_lists_of_tokens_are_not_vectors(name):
    lists = [[1, 2]] * N
    np.testing.assert_array_equal(read(frame(**{name: lists})), VECTORS)
    with_vector = pa.table({name: lists, "vector": VECTORS.tolist()})
    np.testing.assert_array_equal(matrix_of_table(with_vector, "v"), VECTORS)


def test_a_vector_in_one_column_and_others_in_many_are_told_apart_by_the_user():
    both = frame(vector=VECTORS[:, ::-1].tolist())
    with pytest.raises(ModelError, match="has vector, d0..d2; name one of them"):
        read(both)
    np.testing.assert_array_equal(read(both, choice="vector"), VECTORS[:, ::-1])
    np.testing.assert_array_equal(read(both, choice="d"), VECTORS)


ARROW = {
    "truth values": pa.array((VECTORS > 0).tolist()),
    "views": pa.array((VECTORS > 0).astype(float).tolist(), pa.list_view(pa.float64())),
    "tensors": pa.FixedShapeTensorArray.from_numpy_ndarray((VECTORS > 0).astype(float)),
}


@pytest.mark.parametrize("kind", ARROW)
def test_other_lists_of_arrow_are_vectors(kind):
    np.testing.assert_array_equal(matrix_of_table(pa.table({"v": ARROW[kind]}), "v"), VECTORS > 0)


def test_columns_of_truth_values_are_a_vector_if_there_are_no_numbers():
    bits = pd.DataFrame(VECTORS > 0).add_prefix("b")
    np.testing.assert_array_equal(read(bits), VECTORS > 0)
    np.testing.assert_array_equal(read(frame(flag=True)), VECTORS)


def test_a_table_without_a_line_of_names_is_told():
    with pytest.raises(ModelError, match="the names of the columns are numbers .*add a first line"):
        matrix_of_table(pa.table({"0.25": [1.0], "-1.5": [2.0], "3.125": [0.5]}), "v")


def test_columns_can_be_named():
    odd = pd.DataFrame({"weight": VECTORS[:, 0], "rings": VECTORS[:, 1], "label": 1})
    np.testing.assert_array_equal(read(odd, choice="weight, rings"), VECTORS[:, :2])
    two = frame(("pca0", "pca1", "umap0"))
    np.testing.assert_array_equal(read(two, choice="pca"), VECTORS[:, :2])
    with pytest.raises(ModelError, match="has no 'tsne'; it has pca0"):
        read(two, choice="tsne")


FORMS = {
    "JSON": lambda row: str(row.tolist()),
    "pgvector": lambda row: "[" + ",".join(map(repr, row.tolist())) + "]",
    "PostgreSQL array": lambda row: "{" + ",".join(map(repr, row.tolist())) + "}",
    "tuple": lambda row: repr(tuple(row.tolist())),
    "NumPy print": lambda row: np.array2string(row, floatmode="unique", max_line_width=30),
    "NumPy repr": lambda row: np.array_repr(row, precision=17),
    "NumPy 2 numbers": lambda row: repr(list(row)),
    "tensor": lambda row: f"tensor({row.tolist()}, dtype=torch.float64)",
}


@pytest.mark.parametrize("form", FORMS)
def test_vectors_written_as_text_are_read(form):
    texts = list(map(FORMS[form], VECTORS))
    table = pd.DataFrame({"text": "no vector", "vector": texts, "n_tokens": np.arange(N)})
    np.testing.assert_allclose(read(table), VECTORS, rtol=1e-15)


@pytest.mark.parametrize(
    "text", ["hello", "[note]", "[1]", "(see 3)", "", "1 2 3", "[a, b]", "[1, 2] and more"]
)
def test_other_texts_are_no_vectors(text):
    assert not is_text_vector(text)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["[1, 2]", "[1, 2, 3]"], "different lengths, 2 to 3"),
        (["[0,12; 0,5]"], "row 1 .*a comma may be a decimal point"),
        (["[0,12 0,5]"], "row 1 .*a comma may be a decimal point"),
        (["[1, 2]", "[1, x]"], "row 2 has '.1, x.', which is not a vector"),
        (["[0.1 0.2 ... 0.9]"], "row 1 .* shortened when it was printed"),
    ],
)
def test_texts_that_are_not_whole_vectors_are_named(texts, message):
    with pytest.raises(ModelError, match=message):
        parse_text_vectors(texts, "v")


def test_a_column_of_shortened_vectors_is_not_passed_over():
    with pytest.raises(ModelError, match="shortened"):
        matrix_of_table(pa.table({"vector": ["[0.1 0.2 ... 0.9]"], "n": [3]}), "v")


@pytest.mark.parametrize(
    "text", ["[1" + " " * 10**5 + "x]", "[" + "1" * 10**5 + "x]", "[1" + ", " * 10**5 + "x]"]
)
def test_no_text_takes_long(text):
    assert not is_text_vector(text)  # a pattern that tries every division would not end
