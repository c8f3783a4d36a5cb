"""Copies of items: found whatever their marks and a word or two, and on one side of every split."""

import numpy as np
import pandas as pd
import pytest

from suffice.data.build import build_corpus
from suffice.data.copies import copies_among, keep_copies_together
from suffice.data.corpus import Corpus
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.look_pairs import build_looks
from suffice.errors import AssumptionWarning
from suffice.storage.files import read_table

WORDS = [f"{first}{second}" for first in "bcdfghklmnprst" for second in ("a", "ene", "ist", "o", "und", "yr")]


def texts(n, n_words=60, seed=0):
    """Texts of random words."""
    generator = np.random.default_rng(seed)
    return [" ".join(generator.choice(WORDS, size=n_words)) for _ in range(n)]


def changed_word(text, n=1):
    words = text.split()
    return " ".join([*words[:-n], *["else"] * n])


def spread(text):
    """The same text with one word changed in the middle."""
    words = text.split()
    return " ".join([*words[:30], "else", *words[31:]])


NEAR = {
    "capitals and marks": lambda text: text.upper().replace(" ", ", ") + "!",
    "white space": lambda text: text.replace(" ", "  \n"),
    "full-width letters": lambda text: "".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in text),
    "a word changed": spread,
    "words appended": lambda text: f"{text} and some more words",
    "a word left out": lambda text: text.partition(" ")[2],
}
APART = {
    "half of the words changed": lambda text: changed_word(text, 30),
    "other order": lambda text: " ".join(reversed(text.split())),
    "a fifth of the words changed": lambda text: changed_word(text, 12),
    "doubled": lambda text: f"{text} {' '.join(texts(1, seed=9))}",
}


@pytest.mark.parametrize("name", NEAR)
def test_near_copies_have_one_number(name):
    own = texts(300)
    codes = copies_among([*own, *map(NEAR[name], own)])
    assert len(np.unique(codes)) == 300
    np.testing.assert_array_equal(codes[:300], codes[300:])


@pytest.mark.parametrize("name", APART)
def test_other_texts_have_numbers_of_their_own(name):
    own = texts(300)
    assert len(np.unique(copies_among([*own, *map(APART[name], own)]))) == 600


def test_short_texts_are_copies_only_if_all_words_are_equal():
    codes = copies_among(["flight 12 to rome", "flight 13 to rome", "Flight 12, to Rome!", "!!", "??", ""])
    assert codes[0] == codes[2]
    assert len(np.unique(codes)) == 5


def test_forms_that_are_filled_in_are_no_copies():
    form = " ".join(WORDS[:60])
    codes = copies_among([f"{form} {number}" for number in range(50)] + texts(50))
    assert len(np.unique(codes)) == 100


def test_chains_of_copies_are_joined():
    own = texts(100)
    second = spread(own[0])
    third = second.replace("else", "other") + " more"
    codes = copies_among([*own, second, third])
    assert codes[0] == codes[100] == codes[101]


def test_groups_keep_their_names_and_are_joined_by_copies():
    own = texts(20)
    items = pd.DataFrame(
        {"content": [*own, own[3].upper(), spread(own[7])], "group": [f"g{n // 2}" for n in range(22)]}
    )
    found, notes = keep_copies_together(items, are_texts=True)
    assert found["kept_together"][[2, 3, 6, 7, 20, 21]].tolist() == ["g1"] * 6
    assert found["group"].equals(items["group"])
    assert notes == ["2 of 22 items are exact or near-exact copies of others: they stay together"]


def test_copies_within_their_group_change_nothing():
    own = texts(10)
    items = pd.DataFrame({"content": [*own, *own], "group": [*range(10), *range(10)]}).astype({"group": str})
    found, notes = keep_copies_together(items, are_texts=True)
    assert found is items
    assert notes == []


def test_molecules_are_copies_only_if_equal():
    items = pd.DataFrame({"content": ["c1ccccc1", "C1CCCCC1", "CCO", "CCO"], "group": list("abcd")})
    found, _ = keep_copies_together(items, are_texts=False)
    assert found["kept_together"].tolist() == ["a", "b", "c", "c"]


def test_a_split_that_is_given_is_kept_and_what_crosses_it_is_named():
    own = texts(12)
    items = pd.DataFrame(
        {"content": [*own, own[0].upper(), own[1].upper()], "group": [str(n) for n in range(14)]}
    )
    items["split"] = ["train"] * 12 + ["test", "train"]
    found, notes = keep_copies_together(items, are_texts=True)
    assert found["kept_together"].tolist()[-2:] == ["12", "1"]
    assert "1 texts are on both sides of the data set's own split" in notes[0]


@pytest.fixture
def corpus_of(tmp_path):
    def make(table, **settings):
        table.to_csv(tmp_path / "own.csv", index=False)
        path = tmp_path / "own.parquet"
        with pytest.warns(AssumptionWarning, match="copies of others"):
            build_corpus(DatasetSettings(source="file", path=str(tmp_path / "own.csv"), **settings), 0, path)
        return Corpus(path)

    return make


def test_no_split_of_a_corpus_separates_copies(corpus_of):
    own = texts(400)
    corpus = corpus_of(pd.DataFrame({"content": [*own, *map(spread, own)]}))
    table = corpus.table()
    assert (table["split"][:400].to_numpy() == table["split"][400:].to_numpy()).all()
    assert table["split"].nunique() == 2
    assert len(np.unique(corpus.together)) == 400
    assert any("copies of others" in said for said in corpus.manifest["assumed"])
    assert "kept_together" not in corpus.manifest["labels"]


def test_looks_at_copies_are_divided_together(corpus_of, tmp_path):
    own = texts(400)
    corpus = corpus_of(pd.DataFrame({"content": [*own, *map(spread, own)]}))
    build_looks(corpus, "halves", 0, tmp_path / "looks.parquet", max_pairs=None, is_wish=False)
    looks = read_table(tmp_path / "looks.parquet")
    assert looks["group"].nunique() == 400
