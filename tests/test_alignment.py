"""Rows that are joined by ids: tables, series, arrays, both looks, groups; and what cannot be joined."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from suffice import estimate, rank
from suffice.alignment import align, as_ids, ids_of
from suffice.errors import EstimationError

N, DIM = 240, 6
RNG = np.random.default_rng(0)
SHARED = RNG.normal(size=(N, DIM))
MODELS = {
    "full": np.hstack([SHARED, RNG.normal(size=(N, 2))]),
    "half": np.hstack([SHARED[:, :3], RNG.normal(size=(N, 3))]),
    "mixed": SHARED @ RNG.normal(size=(DIM, DIM)) + 0.3 * RNG.normal(size=(N, DIM)),
}
NAMES = [f"item-{i:03d}" for i in range(N)]


def frame(vectors, ids=NAMES, **columns):
    return pd.DataFrame(vectors, columns=[f"d{i}" for i in range(vectors.shape[1])]).assign(id=ids, **columns)


def with_index(vectors, ids=NAMES):
    return frame(vectors, ids).set_index("id").rename_axis(None)


def polars_frame(vectors, ids=NAMES):
    return pytest.importorskip("polars").from_pandas(frame(vectors, ids))


def lazy_frame(vectors, ids=NAMES):
    return polars_frame(vectors, ids).lazy()


def arrow_table(vectors, ids=NAMES):
    return pa.Table.from_pandas(frame(vectors, ids), preserve_index=False)


def arrow_table_with_index(vectors, ids=NAMES):
    return pa.Table.from_pandas(with_index(vectors, ids))


def list_column(vectors, ids=NAMES):
    return pd.DataFrame({"id": ids, "vector": list(vectors)})


def series_of_vectors(vectors, ids=NAMES):
    return pd.Series(list(vectors), index=ids)


TABLES = [
    frame,
    with_index,
    polars_frame,
    lazy_frame,
    arrow_table,
    arrow_table_with_index,
    list_column,
    series_of_vectors,
]


def shuffled(make, vectors, seed=1):
    order = np.random.default_rng(seed).permutation(N)
    return make(vectors[order], [NAMES[i] for i in order])


def scores(ranking):
    return ranking.table.set_index("model")["score"].sort_index()


def nats(ranking):
    return ranking.pairs.set_index(["source", "target"])["nats"].sort_index()


@pytest.mark.parametrize("make", TABLES)
def test_tables_in_another_order_are_joined(make):
    plain = rank(MODELS)
    given = {"full": make(MODELS["full"]), "half": shuffled(make, MODELS["half"])}
    given["mixed"] = shuffled(make, MODELS["mixed"], 2)
    joined = rank(given)
    pd.testing.assert_series_equal(nats(joined), nats(plain))
    assert "rows are joined by their ids; the order of 'half', 'mixed' differs" in joined.notes
    pair = estimate(given["full"], given["half"])
    assert pair.nats == pytest.approx(estimate(MODELS["full"], MODELS["half"]).nats, abs=1e-12)


@pytest.mark.parametrize("make", TABLES)
def test_equal_ids_change_nothing(make):
    found = rank({name: make(vectors) for name, vectors in MODELS.items()})
    pd.testing.assert_series_equal(nats(found), nats(rank(MODELS)))
    assert not any("ids" in note for note in found.notes)


def test_items_that_a_model_lacks_are_left_out_and_counted():
    kept = np.arange(N) % 4 != 0
    part = frame(MODELS["half"][kept], np.array(NAMES)[kept])
    more = frame(np.vstack([MODELS["mixed"], SHARED[:5]]), [*NAMES, *(f"new-{i}" for i in range(5))])
    found = rank({"full": frame(MODELS["full"]), "half": part, "mixed": more})
    expected = rank({name: vectors[kept] for name, vectors in MODELS.items()})
    pd.testing.assert_series_equal(nats(found), nats(expected))
    assert "65 of 245 items are not in all inputs and are left out" in found.notes[0]


def test_a_filtered_frame_is_joined_by_its_index():
    whole = pd.DataFrame(MODELS["full"]).iloc[5:]
    part = pd.DataFrame(MODELS["half"])[np.arange(N) % 3 > 0]
    kept = (np.arange(N) % 3 > 0) & (np.arange(N) >= 5)
    expected = estimate(MODELS["full"][kept], MODELS["half"][kept]).nats
    assert estimate(whole, part).nats == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("second", ["ids", "arrays"])
def test_second_looks_are_joined_too(second):
    looks = {name: vectors + 0.5 * RNG.normal(size=vectors.shape) for name, vectors in MODELS.items()}
    expected = rank(MODELS, looks, estimator="linear")
    order = np.random.default_rng(3).permutation(N)
    first = {name: frame(vectors) for name, vectors in MODELS.items()}
    ids = [NAMES[i] for i in order]
    if second == "ids":
        later = {name: frame(vectors[order], ids) for name, vectors in looks.items()}
        found = rank(first, later, estimator="linear")
    else:
        later = {name: vectors[order] for name, vectors in looks.items()}
        found = rank(first, later, estimator="linear", ids=ids)
    pd.testing.assert_series_equal(nats(found), nats(expected))
    assert "'full (second look)'" in found.notes[0]


@pytest.mark.parametrize("as_numbers", [int, float, np.int32, str])
def test_ids_are_compared_as_text(as_numbers):
    ids = [as_numbers(i) for i in range(N)]
    order = np.random.default_rng(4).permutation(N)
    other = frame(MODELS["half"][order], [str(i) for i in order])
    expected = estimate(MODELS["full"], MODELS["half"]).nats
    assert estimate(frame(MODELS["full"], ids), other).nats == pytest.approx(expected, abs=1e-12)


def test_ids_of_arrays_are_given():
    order = np.random.default_rng(5).permutation(N)
    given = MODELS | {"half": MODELS["half"][order]}
    ids = {"full": NAMES, "mixed": NAMES, "half": [NAMES[i] for i in order]}
    pd.testing.assert_series_equal(nats(rank(given, ids=ids)), nats(rank(MODELS)))
    mixed = given | {"half": frame(given["half"], ids["half"])}
    pd.testing.assert_series_equal(nats(rank(mixed, ids=NAMES)), nats(rank(MODELS)))


def test_what_carries_no_ids_is_not_checked():
    found = rank(MODELS | {"full": frame(MODELS["full"])})
    said = (
        "there are ids for 'full' but not for 'half', 'mixed'; the order of rows without ids was not checked"
    )
    assert found.notes == (said,)
    assert "not checked" in " ".join(estimate(frame(MODELS["full"]), MODELS["half"]).warnings)
    assert rank(MODELS).notes == ()
    assert "not checked" not in " ".join(estimate(MODELS["full"], MODELS["half"]).warnings)


def test_order_that_cannot_be_told_is_an_error():
    given = {
        "full": frame(MODELS["full"]),
        "half": shuffled(frame, MODELS["half"]),
        "mixed": MODELS["mixed"],
    }
    with pytest.raises(EstimationError, match="full and half have different ids.*'mixed' without ids"):
        rank(given)


@pytest.mark.parametrize("how", [list, np.array, pd.Series, "series with ids", "numbered series"])
def test_groups_follow_the_items(how):
    groups = np.repeat(np.arange(60), 4)
    expected = rank(MODELS, groups=groups, looks="same")
    order = np.random.default_rng(6).permutation(N)
    ids = [NAMES[i] for i in order]
    given = {name: frame(vectors) for name, vectors in MODELS.items()}
    given["full"] = frame(MODELS["full"][order], ids)
    if how == "series with ids":
        theirs = pd.Series(groups, index=NAMES)
    elif how == "numbered series":  # of a frame whose index has nothing to do with ids
        theirs = pd.Series(groups[order], index=np.arange(N) + 1000)
    else:
        theirs = how(groups[order])
    found = rank(given, groups=theirs, looks="same")
    assert scores(found).round(2).tolist() == pytest.approx(scores(expected).round(2).tolist(), abs=0.03)
    joined = align({"full": N, "half": N}, {"full": ids, "half": NAMES})
    assert list(joined.groups(theirs)) == groups[order].tolist()
    reordered = align({"half": N, "full": N}, {"full": ids, "half": NAMES})
    if how == "series with ids":
        assert list(reordered.groups(theirs)) == groups.tolist()


def test_groups_that_lack_an_item_are_an_error():
    series = pd.Series(np.arange(N) // 4, index=NAMES)
    given = {name: frame(vectors) for name, vectors in MODELS.items()}
    with pytest.raises(EstimationError, match="groups has no entry for 1 of 240 items: 'item-007'"):
        rank(given, groups=series.drop("item-007"))
    with pytest.raises(
        EstimationError, match="groups: the id 'item-007' occurs 2 times, first in rows 7 and 240"
    ):
        rank(given, groups=pd.concat([series, series[["item-007"]]]))


BAD = {
    "twice": ([*NAMES[:-1], "item-003"], "half: the id 'item-003' occurs 2 times, first in rows 3 and 239"),
    "missing": ([*NAMES[:-1], None], "half: the id of row 239 is missing"),
    "nan": ([*NAMES[:-1], np.nan], "half: the id of row 239 is missing"),
    "others": ([f"x{i}" for i in range(N)], "no id of full .'item-000', .* is in all inputs; half has 'x0'"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("make", [frame, with_index, list_column])
def test_bad_ids_are_named(kind, make):
    ids, message = BAD[kind]
    with pytest.raises(EstimationError, match=message):
        rank({"full": make(MODELS["full"]), "half": make(MODELS["half"], ids)})


def test_ids_that_do_not_fit_are_named():
    with pytest.raises(EstimationError, match="full has 240 rows but 239 ids; give one id per row"):
        rank(MODELS, ids=NAMES[:-1])
    with pytest.raises(EstimationError, match="ids are given for 'nobody', which is not one of the models"):
        rank(MODELS, ids={"nobody": NAMES})


def test_plain_tables_carry_no_ids():
    plain = pd.DataFrame(MODELS["full"])
    assert ids_of(plain) == range(len(plain))
    assert ids_of(pd.Series(range(3))) == range(3)
    assert ids_of(pa.Table.from_pandas(frame(SHARED).drop(columns="id"))) is None
    assert ids_of(MODELS["full"]) is None
    assert ids_of(plain.iloc[1:])[0] == 1
    assert ids_of(plain[::2])[1] == 2


@pytest.mark.parametrize("name", ["ids", "doc_id", "ID", "_id", "uuid", "key", "index"])
@pytest.mark.parametrize("kind", ["frame", "arrow"])
def test_a_column_that_is_named_as_ids_joins(name, kind):
    keys = [f"key {row}" for row in range(len(MODELS["full"]))]
    table = pd.DataFrame(MODELS["full"]).add_prefix("d").assign(**{name: keys})
    shuffled = table.iloc[::-1].reset_index(drop=True)
    convert = pa.Table.from_pandas if kind == "arrow" else lambda frame: frame
    assert list(ids_of(convert(shuffled))) == keys[::-1]


def test_columns_that_repeat_or_number_rows_are_not_ids():
    table = pd.DataFrame(MODELS["full"]).add_prefix("d")
    for values in (range(len(table)), [1] * len(table), np.linspace(0, 1, len(table))):
        assert ids_of(table.assign(doc_id=values)) == range(len(table))


def test_a_shuffled_frame_is_joined_with_one_that_keeps_its_row_numbers():
    frame = pd.DataFrame(MODELS["full"])
    shuffled = frame.iloc[::-1]
    n_rows = {"a": len(frame), "b": len(frame)}
    joined = align(n_rows, {"a": ids_of(frame), "b": ids_of(shuffled)})
    np.testing.assert_array_equal(joined.take({"b": shuffled.to_numpy()})["b"], frame.to_numpy())
    other = {"a": ids_of(frame), "b": [f"x{row}" for row in range(len(frame))]}
    assert align(n_rows, other).ids is None


def test_texts_of_ids():
    assert as_ids([1, 2.0, "e\u0301", b"x", np.int8(3)], "x") == ["1", "2", "\u00e9", "x", "3"]
