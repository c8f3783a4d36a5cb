"""Pairs of looks at the items of a corpus: which there are, which are left out, what too few of them do."""

import numpy as np
import pandas as pd
import pytest

from suffice.data.corpus import Corpus
from suffice.data.look_pairs import build_looks
from suffice.data.look_settings import LookSettings
from suffice.data.looks import LookContents, LookTable, read_looks
from suffice.errors import DataError
from suffice.storage.files import read_json, write_json

N_ITEMS = 400


@pytest.fixture
def build(tmp_path):
    """A function that makes looks at texts in groups, and reads them and their manifest."""

    def make(contents, views, groups=None, seed=0, max_pairs=None, is_wish=False):
        ids = [f"i{row}" for row in range(len(contents))]
        columns = {"id": ids, "content": contents, "group": ids if groups is None else groups}
        pd.DataFrame(columns).assign(split="train").to_parquet(tmp_path / "corpus.parquet")
        write_json({"dataset": "toys", "content_sha256": "0" * 64}, tmp_path / "corpus.json")
        path = tmp_path / "looks" / "toys.parquet"
        corpus = Corpus(tmp_path / "corpus.parquet")
        build_looks(corpus, views, seed, path, max_pairs=max_pairs, is_wish=is_wish)
        return read_looks(path), read_json(path.with_suffix(".json"))

    return make


def texts(n_items=N_ITEMS, n_words=9):
    return [" ".join(f"w{row}.{word}" for word in range(n_words)) for row in range(n_items)]


def contents_of(looks):
    (window,) = LookContents(looks).windows()
    return np.split(np.array(window.contents, dtype=object), 2)


def test_both_halves_make_the_text_and_short_texts_are_counted(build):
    given = texts()
    given[3], given[7] = "only a few words here", "one two three four five six seven eight"
    looks, manifest = build(given, "halves")
    first, second = contents_of(looks)
    assert [f"{one} {other}" for one, other in zip(first, second, strict=True)] == given[:3] + given[4:]
    assert {(len(one.split()), len(other.split())) for one, other in zip(first, second, strict=True)} == {
        (4, 5),
        (4, 4),
    }
    assert looks.kind == manifest["looks"] == "halves"
    assert manifest["left_out"] == {"texts with fewer than 8 words": 1}
    assert list(looks.group) == [f"i{row}" for row in range(N_ITEMS) if row != 3]
    assert (looks.rows[0] == np.arange(399)).all() and (looks.rows[1] == 399 + np.arange(399)).all()


def test_words_are_dealt_in_their_order_by_the_item_alone(build):
    given = texts()
    looks, _ = build(given, "words")
    first, second = contents_of(looks)
    for text, one, other in zip(given, first, second, strict=True):
        words = text.split()
        assert sorted([*one.split(), *other.split()], key=words.index) == words
        assert [sorted(part.split(), key=words.index) for part in (one, other)] == [
            one.split(),
            other.split(),
        ]
        assert len(one.split()) == 4
    positions = {tuple(word.split(".")[1] for word in one.split()) for one in first}
    assert len(positions) > 50  # each text is dealt anew
    fewer, _ = build(given[:300], "words")
    assert (contents_of(fewer)[0] == first[:300]).all()


def test_items_of_a_group_are_partners_and_those_alone_or_with_an_equal_one_are_counted(build):
    given, groups = texts(), [f"g{row // 3}" for row in range(N_ITEMS)]  # the last item is alone
    given[1] = given[2] = given[0]
    looks, manifest = build(given, "group", groups)
    first, second = looks.rows
    assert (first // 3 == second // 3).all() and (first != second).all()
    assert list(looks.group) == [f"g{row // 3}" for row in first]
    assert manifest["left_out"] == {
        "items that are alone in their group": 1,
        "items whose partner is equal": 3,
    }
    assert manifest["n_pairs"] == looks.n_pairs == 396 and manifest["n_groups"] == 132


def test_looks_that_are_equal_are_left_out(build):
    given = texts(399) + ["la la la la la la la la"]
    looks, manifest = build(given, "halves")
    assert looks.n_pairs == 399
    assert manifest["left_out"] == {"texts whose looks are equal": 1}


def test_rows_of_files_are_the_items(build):
    looks, _ = build(texts(), "files")
    items, second = np.eye(N_ITEMS, 2), np.ones((N_ITEMS, 2))
    found = looks.vectors(items, second)
    assert (found[0] == items).all() and (found[1] == second).all()
    assert np.shares_memory(found[0], items)  # no copy of what may not fit in memory


def test_rows_are_taken_from_where_the_looks_are():
    items, beside = np.arange(8.0).reshape(4, 2), 10 + np.arange(8.0).reshape(4, 2)
    group = LookTable("group", "", pd.DataFrame({"first": [0, 2], "second": [3, 1], "group": ["a", "b"]}))
    first, second = group.vectors(items, None)
    assert (first == items[[0, 2]]).all() and (second == items[[3, 1]]).all()
    halves = LookTable("halves", "", pd.DataFrame({"first": [0, 1], "second": [2, 3], "group": ["a", "b"]}))
    first, second = halves.vectors(items, beside)
    assert (first == beside[:2]).all() and (second == beside[2:]).all()


def test_a_sample_is_seeded_in_order_and_counted(build):
    drawn = [build(texts(), "halves", seed=seed, max_pairs=250)[0] for seed in (0, 0, 1)]
    groups = [list(looks.group) for looks in drawn]
    assert groups[0] == groups[1] != groups[2]
    assert groups[0] == sorted(groups[0], key=lambda name: int(name[1:])) and len(groups[0]) == 250
    assert drawn[0].sha256 == drawn[1].sha256 != drawn[2].sha256
    _, manifest = build(texts(), "halves", max_pairs=250)
    assert manifest["left_out"] == {"not sampled": 150}


@pytest.mark.parametrize(
    ("contents", "views", "groups", "message"),
    [
        (texts(250, n_words=5), "halves", None, "0 pairs of looks in 0 groups .250 texts with fewer than 8"),
        (texts(300), "group", [f"g{row}" for row in range(300)], "views group give 0 pairs.*300 items that"),
        (texts(300), "group", [f"g{row % 49}" for row in range(300)], "300 pairs of looks in 49 groups"),
        (texts(199), "words", None, "199 pairs of looks in 199 groups, but 200 in 50 are needed"),
    ],
)
def test_too_few_pairs_are_an_error_if_they_were_asked_for_and_else_a_note(
    build, contents, views, groups, message
):
    with pytest.raises(DataError, match=message):
        build(contents, views, groups)
    looks, manifest = build(contents, views, groups, is_wish=True)
    assert (looks.kind, looks.n_pairs, manifest["looks"], manifest["n_pairs"]) == ("same", 0, "same", 0)
    assert "set views to" in manifest["note"]
    assert LookContents(looks).n_items == 0


def test_a_limit_without_looks_is_refused():
    with pytest.raises(ValueError, match="max_look_pairs has no effect with views none"):
        LookSettings(views="none", max_look_pairs=500)
