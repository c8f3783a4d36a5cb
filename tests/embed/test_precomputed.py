"""Vectors from files: all formats, by order and by id, and every way in which they can be wrong."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from suffice.data.corpus import Corpus
from suffice.embed.precomputed import Precomputed, PrecomputedSettings
from suffice.embed.write import write_embedding
from suffice.errors import ModelError

N, WIDTH = 16, 5


@pytest.fixture
def vectors(rng):
    return rng.standard_normal((N, WIDTH))


def loader_of(path, **settings):
    return Precomputed(PrecomputedSettings(path=str(path), **settings))


def embed(corpus, path, **settings):
    encoder = loader_of(path, **settings).open(corpus)
    return np.concatenate([encoder.encode(window) for window in corpus.windows(7)])


def save(folder, form, vectors, ids=None):
    """Write vectors in one format, with ids inside where the format can hold them; returns the settings."""
    ids = [f"item-{i}" for i in range(len(vectors))] if ids is None else ids
    path = folder / f"vectors.{form.split()[0]}"
    match form:
        case "npy":
            np.save(path, vectors)
        case "npz":
            np.savez(path, id=np.array(ids), vectors=vectors)
        case "safetensors":
            save_file({"vectors": np.ascontiguousarray(vectors)}, path)
        case "parquet":
            pd.DataFrame({"id": ids, "vector": list(vectors)}).to_parquet(path)
        case "parquet columns":
            columns = {f"d{i}": column for i, column in enumerate(vectors.T)}
            pd.DataFrame({"id": ids, **columns}).to_parquet(path)
    if form in ("npy", "safetensors"):
        (folder / "ids.txt").write_text("\n".join(ids) + "\n")
        return path, {"ids": str(folder / "ids.txt")}
    return path, {}


FORMS = ["npy", "npz", "safetensors", "parquet", "parquet columns"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int32"])
def test_by_order(form, dtype, corpus, vectors, tmp_path):
    vectors = (vectors * 10).astype(dtype)
    path, _ = save(tmp_path, form, vectors)
    result = embed(corpus, path)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, vectors.astype(np.float32))


@pytest.mark.parametrize("form", FORMS)
def test_by_id(form, corpus, vectors, tmp_path, rng):
    order = rng.permutation(N)
    more = np.vstack([vectors[order], np.ones((3, WIDTH))])  # rows of other items are left out
    ids = [f"item-{i}" for i in order] + ["x", "y", "z"]
    path, settings = save(tmp_path, form, more, ids)
    result = embed(corpus, path, match="id", **settings)
    np.testing.assert_array_equal(result, vectors.astype(np.float32))


def test_numeric_ids_in_a_column_of_their_own(make_corpus, vectors, tmp_path):
    corpus = make_corpus([f"text {i}" for i in range(N)])
    table = pd.DataFrame({f"d{i}": column for i, column in enumerate(vectors.T)})
    table["key"] = [f"item-{i}" for i in range(N)]
    table.iloc[::-1].to_parquet(tmp_path / "v.parquet")
    result = embed(corpus, tmp_path / "v.parquet", match="id", ids="key")
    np.testing.assert_array_equal(result, vectors.astype(np.float32))


def test_one_of_several_arrays(corpus, vectors, tmp_path):
    np.savez(tmp_path / "v.npz", small=vectors[:, :2], large=vectors)
    np.testing.assert_array_equal(
        embed(corpus, tmp_path / "v.npz", array="small"), vectors[:, :2].astype(np.float32)
    )
    with pytest.raises(ModelError, match="has large, small; name one"):
        embed(corpus, tmp_path / "v.npz")
    with pytest.raises(ModelError, match="has no 'medium'; it has large, small"):
        embed(corpus, tmp_path / "v.npz", array="medium")


@pytest.mark.parametrize("form", FORMS)
def test_wrong_number_of_rows(form, make_corpus, vectors, tmp_path):
    path, _ = save(tmp_path, form, vectors)
    corpus = make_corpus([f"text {i}" for i in range(N + 1)], name="letters")
    with pytest.raises(ModelError, match=rf"{path.name} has 16 rows but data set letters has 17 items"):
        embed(corpus, path, match="order")


@pytest.mark.parametrize("form", FORMS)
def test_missing_ids_are_named_and_counted(form, make_corpus, vectors, tmp_path):
    path, settings = save(tmp_path, form, vectors)
    corpus = make_corpus([f"text {i}" for i in range(N + 5)])
    message = "no vector for 5 of 21 items: 'item-16', 'item-17', 'item-18', ..."
    with pytest.raises(ModelError, match=message):
        embed(corpus, path, match="id", **settings)


@pytest.mark.parametrize("form", FORMS)
def test_repeated_ids(form, corpus, vectors, tmp_path):
    ids = [f"item-{i}" for i in range(N)]
    ids[3] = "item-2"
    path, settings = save(tmp_path, form, vectors, ids)
    with pytest.raises(ModelError, match="1 ids of .* occur twice: 'item-2'"):
        embed(corpus, path, match="id", **settings)


def test_ids_that_are_not_one_a_row(corpus, vectors, tmp_path):
    path, settings = save(tmp_path, "npy", vectors)
    (tmp_path / "ids.txt").write_text("item-0\nitem-1\n")
    with pytest.raises(ModelError, match="has 16 rows but 2 ids"):
        embed(corpus, path, match="id", **settings)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_not_finite(form, value, corpus, vectors, tmp_path):
    vectors[4, 2] = vectors[9, 0] = value  # 1e300 is more than float32 holds
    path, _ = save(tmp_path, form, vectors)
    out = tmp_path / "out" / "m.npy"
    with pytest.raises(ModelError, match="NaN or infinite values in 2 of 16 rows, first in row 4"):
        write_embedding(loader_of(path), corpus, out, model="m", dataset="toy")
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("form", FORMS)
def test_truncated_file(form, corpus, vectors, tmp_path):
    path, _ = save(tmp_path, form, vectors)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ModelError, match="cannot be read .*truncated"):
        embed(corpus, path)


@pytest.mark.parametrize("form", FORMS)
def test_file_of_something_else(form, corpus, vectors, tmp_path):
    path, _ = save(tmp_path, form, vectors)
    path.write_text("id,vector\n1,2\n")
    with pytest.raises(ModelError, match="cannot be read"):
        embed(corpus, path)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(N),
        np.zeros((N, 2, 2)),
        np.zeros((N, 2), complex),
        np.full((N, 2), "a"),
        np.zeros((N, 2), bool),
    ],
    ids=["vector", "cube", "complex", "text", "boolean"],
)
def test_array_that_is_no_matrix_of_numbers(array, corpus, tmp_path):
    np.save(tmp_path / "v.npy", array)
    with pytest.raises(ModelError, match="must be a numeric matrix"):
        embed(corpus, tmp_path / "v.npy")


def test_pickled_objects_are_refused(corpus, tmp_path):
    np.save(tmp_path / "v.npy", np.array([[{}]] * N, dtype=object), allow_pickle=True)
    with pytest.raises(ModelError, match="cannot be read"):
        embed(corpus, tmp_path / "v.npy")


def test_parquet_that_holds_no_matrix(corpus, vectors, tmp_path):
    path = tmp_path / "v.parquet"
    rows = list(vectors)
    pd.DataFrame({"vector": [*rows[:-1], rows[-1][:2]]}).to_parquet(path)
    with pytest.raises(ModelError, match="vectors of different lengths, 2 to 5"):
        embed(corpus, path)
    pd.DataFrame({"vector": [*rows[:-1], None]}).to_parquet(path)
    with pytest.raises(ModelError, match="1 rows without a vector"):
        embed(corpus, path)
    pd.DataFrame({"id": [f"item-{i}" for i in range(N)]}).to_parquet(path)
    with pytest.raises(ModelError, match="no list column and no numeric columns"):
        embed(corpus, path)


@pytest.mark.parametrize(
    "name, settings, message",
    [
        ("v.pkl", {}, "does not end in one of .npy, .npz"),
        ("missing.npy", {}, "does not exist"),
        ("v.npy", {"match": "id"}, "has no ids"),
        ("v.npy", {"match": "id", "ids": "nowhere.txt"}, "has no ids"),
        ("v.npy", {"array": "a"}, "remove the setting array"),
    ],
)
def test_check(name, settings, message, tmp_path):
    np.save(tmp_path / "v.npy", np.zeros((2, 2)))
    (tmp_path / "v.pkl").write_bytes(b"x")
    with pytest.raises(ModelError, match=message):
        loader_of(tmp_path / name, **settings).check()


def test_ids_without_match():
    with pytest.raises(ValueError, match="match is order"):
        PrecomputedSettings(path="v.npy", ids="ids.txt", match="order")


def test_npy_is_mapped_and_identity_follows_contents(corpus, vectors, tmp_path):
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", vectors)
    assert isinstance(loader_of(tmp_path / "a.npy").open(corpus).vectors, np.memmap)
    assert loader_of(tmp_path / "a.npy").identity() == loader_of(tmp_path / "b.npy").identity()
    np.save(tmp_path / "b.npy", vectors + 1)
    assert loader_of(tmp_path / "a.npy").identity() != loader_of(tmp_path / "b.npy").identity()


@pytest.mark.parametrize("form", ["npz", "parquet", "parquet columns"])
def test_a_file_with_ids_is_joined_without_being_asked(form, corpus, vectors, tmp_path, rng):
    order = rng.permutation(N)
    ids = [f"item-{i}" for i in order] + ["more"]
    path, _ = save(tmp_path, form, np.vstack([vectors[order], vectors[:1]]), ids)
    np.testing.assert_array_equal(embed(corpus, path), vectors.astype(np.float32))
    with pytest.raises(ModelError, match="has 17 rows but data set toy has 16 items"):
        embed(corpus, path, match="order")
    by_order, _ = save(tmp_path, form, vectors[order], ids[:-1])
    np.testing.assert_array_equal(embed(corpus, by_order, match="order"), vectors[order].astype(np.float32))


def test_an_array_named_ids_joins_too(corpus, vectors, tmp_path):
    ids = np.array([f"item-{i}" for i in range(N)])
    np.savez(tmp_path / "v.npz", ids=ids[::-1], vectors=vectors[::-1])
    for match in ("auto", "id"):
        found = embed(corpus, tmp_path / "v.npz", match=match)
        np.testing.assert_array_equal(found, vectors.astype(np.float32))


@pytest.mark.parametrize("form", ["npz", "parquet", "parquet columns"])
def test_ids_of_something_else_leave_the_order(form, corpus, vectors, tmp_path):
    for ids in ([f"row-{i}" for i in range(N)], ["same"] * N):
        path, _ = save(tmp_path, form, vectors, ids)
        np.testing.assert_array_equal(embed(corpus, path), vectors.astype(np.float32))


def test_ids_of_some_items_are_an_error_unless_the_data_set_has_none(make_corpus, vectors, tmp_path):
    corpus = make_corpus([f"text {i}" for i in range(N)])
    ids = [f"item-{i}" for i in range(1, N + 1)]
    path, _ = save(tmp_path, "parquet", vectors, ids)
    with pytest.raises(ModelError, match="no vector for 1 of 16 items: 'item-0'.*set match to order"):
        embed(corpus, path)
    table = pd.read_parquet(corpus.path).assign(id=[str(i) for i in range(N)])
    table.to_parquet(corpus.path)  # ids as items get them where the data set has none
    path, _ = save(tmp_path, "parquet", vectors, [str(i) for i in range(1, N + 1)])
    np.testing.assert_array_equal(embed(Corpus(corpus.path), path), vectors.astype(np.float32))


def test_second_looks_with_ids_are_joined(corpus, vectors, tmp_path, rng):
    order = rng.permutation(N)
    ids = [f"item-{i}" for i in range(N)]
    first, _ = save(tmp_path, "parquet", vectors, ids)
    (tmp_path / "second").mkdir()
    second, _ = save(tmp_path / "second", "parquet", 2 * vectors[order], [ids[i] for i in order])
    looks = loader_of(first, second_path=str(second)).open(corpus).for_looks([])
    found = np.concatenate([looks.encode(window) for window in corpus.windows(7)])
    np.testing.assert_array_equal(found, (2 * vectors).astype(np.float32))
    save(tmp_path / "second", "parquet", vectors, [*ids[:-1], "other"])
    with pytest.raises(ModelError, match="have different items"):
        loader_of(first, second_path=str(second)).open(corpus)
