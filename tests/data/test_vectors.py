"""Vectors as items: read from arrays and tables, in single precision, with what is left out."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from suffice.data.build import DatasetSettings, build_corpus
from suffice.data.check import check_dataset
from suffice.data.corpus import Corpus
from suffice.data.number_lists import canonical, numbers_in, text_of
from suffice.errors import DataError


def built(path, tmp_path, **settings):
    settings = DatasetSettings(
        source="file", path=str(path), content_type="vector", content="state", min_items=2, **settings
    )
    check_dataset(settings, "states", False)
    build_corpus(settings, 0, tmp_path / "states.parquet")
    return Corpus(tmp_path / "states.parquet")


def test_every_number_in_single_precision_survives_as_text():
    numbers = np.random.default_rng(0).normal(size=1000) * 10.0 ** np.random.default_rng(1).integers(
        -30, 30, 1000
    )
    wanted = numbers.astype(np.float32)
    np.testing.assert_array_equal(numbers_in(text_of(numbers)), wanted)
    assert canonical(text_of(numbers)) == text_of(numbers)
    assert canonical("[1,2.50]") == "[1.0, 2.5]"


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "[1, true]", "[1, NaN]", "[1e99]", "[[1], [2]]", "a", "[" * 9999]
)
def test_what_is_not_a_vector_of_numbers_has_no_text(text):
    assert canonical(text) == ""


@pytest.mark.parametrize("kind", ["npz", "parquet", "csv"])
def test_vectors_are_read_from_arrays_lists_and_texts(tmp_path, kind):
    states = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    episode = np.repeat([f"e{number}" for number in range(10)], 3)
    path = tmp_path / f"given.{kind}"
    if kind == "npz":
        np.savez(path, state=states, episode=episode)
    else:
        rows = [row.tolist() for row in states]
        table = pd.DataFrame({"state": rows if kind == "parquet" else map(str, rows), "episode": episode})
        table.to_parquet(path) if kind == "parquet" else table.to_csv(path, index=False)
    corpus = built(path, tmp_path, group="episode")
    read = np.stack([numbers_in(text) for text in corpus.column("content")])
    np.testing.assert_array_equal(read, states)
    assert corpus.column("group").tolist() == episode.tolist()


def test_equal_vectors_other_widths_and_other_texts_are_left_out(tmp_path):
    texts = ["[1, 2]", "[1.0, 2.0]", "[3, 4]", "[5, 6]", "[1, 2, 3]", "no", "[1, null]"]
    pd.DataFrame({"state": texts}).to_csv(tmp_path / "given.csv", index=False)
    corpus = built(tmp_path / "given.csv", tmp_path)
    assert corpus.column("content").tolist() == ["[1.0, 2.0]", "[3.0, 4.0]", "[5.0, 6.0]"]
    dropped = {"not a vector of numbers": 2, "of another width": 1, "duplicate": 1}
    assert corpus.manifest["dropped"] == dropped


def test_arrays_of_different_lengths_and_other_files_are_refused(tmp_path):
    np.savez(tmp_path / "given.npz", state=np.ones((3, 2)), label=np.ones(4))
    with pytest.raises(DataError, match="different lengths: state 3, label 4"):
        built(tmp_path / "given.npz", tmp_path)
    (tmp_path / "bad.npz").write_bytes(b"no")
    with pytest.raises(DataError, match="cannot be read"):
        built(tmp_path / "bad.npz", tmp_path)


@pytest.mark.parametrize("settings", [{"max_chars": 9}, {"content": "a,b"}, {"views": "halves"}])
def test_settings_of_texts_are_refused(settings):
    with pytest.raises(ValidationError):
        DatasetSettings(source="file", path="given.npz", content_type="vector", **settings)
