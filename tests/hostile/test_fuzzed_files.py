"""Readers on arbitrary bytes and on sound files with some bytes changed: a message of ours, or a result."""

import gzip
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from hostile.vector_cases import npz
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save
from toy import DATASETS, MODELS, STUDY, TASKS, toy_texts

from suffice.data.build import check_storable, cleaned, without_nested_columns
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.readers import read_items
from suffice.embed.precomputed import Precomputed, PrecomputedSettings
from suffice.embed.word_vectors import read_word_vectors
from suffice.errors import SufficeError
from suffice.storage.files import open_array, read_json, read_table
from suffice.study.model import StudySettings
from suffice.study.names import NAME_PATTERN
from suffice.study.read import read_study_settings
from suffice.study.tables import read_rows
from suffice.tasks.public_scores import read_score_table

ITEMS = toy_texts(60)
GOOD = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)


def npy_bytes():
    stream = io.BytesIO()
    np.save(stream, GOOD)
    return stream.getvalue()


def parquet_bytes():
    return ITEMS.to_parquet(index=False)


def vector_parquet():
    return pd.DataFrame({"v": list(GOOD)}).to_parquet(index=False)


def csv_bytes():
    return ITEMS.to_csv(index=False).encode()


def items_of(path):
    settings = DatasetSettings(source="file", path=str(path), content="text", id="key", group="document")
    items, _ = without_nested_columns(read_items(settings))
    check_storable(items)
    items, _ = cleaned(items, settings)
    assert items["content"].map(type).eq(str).all()
    return items


def vectors_of(path):
    vectors = Precomputed(PrecomputedSettings(path=str(path))).read()
    assert vectors.ndim == 2 and vectors.dtype.kind in "fiu"
    return np.asarray(vectors)


def words_of(path):
    words, vectors = read_word_vectors(path)
    assert len(words) == len(vectors)


READERS = {
    "items.csv": (items_of, csv_bytes()),
    "items.tsv": (items_of, ITEMS.to_csv(index=False, sep="\t").encode()),
    "items.jsonl": (items_of, ITEMS.to_json(orient="records", lines=True).encode()),
    "items.txt": (items_of, "\n".join(ITEMS["text"]).encode()),
    "items.parquet": (items_of, parquet_bytes()),
    "items.csv.gz": (items_of, gzip.compress(csv_bytes())),
    "vectors.npy": (vectors_of, npy_bytes()),
    "vectors.npz": (vectors_of, npz({"vectors.npy": npy_bytes()})),
    "vectors.parquet": (vectors_of, vector_parquet()),
    "vectors.safetensors": (vectors_of, save({"v": GOOD})),
    "words.txt": (words_of, b"2 3\nsea 1 2 3\nsalt 4 5 6\n"),
    "array.npy": (open_array, npy_bytes()),
    "table.csv": (read_table, b"model,text,nats\na,'=1,-1.5\nb,,2\n"),
    "table.parquet": (read_table, parquet_bytes()),
    "facts.json": (read_json, json.dumps({"a": [1, 2.5, None, {"b": "c"}]}).encode()),
    "scores.csv": (read_score_table, b"model,task,value\nx/y,Banking,0.5\nx/z,Banking,0.25\n"),
    "study.yaml": (lambda path: read_study_settings(path, {}, StudySettings), STUDY.encode()),
    "models.tsv": (lambda path: read_rows(path, "model", ["loader"]), MODELS.encode()),
    "datasets.tsv": (lambda path: read_rows(path, "dataset", ["source"]), DATASETS.encode()),
    "tasks.tsv": (lambda path: read_rows(path, "task", ["kind", "dataset"]), TASKS.encode()),
}
SPECIAL = (
    b"\0",
    b"\xff",
    b"\n",
    b"\r",
    b'"',
    b"'",
    b"\t",
    b",",
    b"{",
    b"[",
    b"&a",
    b"*a",
    b"!!",
    b": ",
    b"-",
    b"9" * 40,
)


def read(folder, name, content):
    """Read bytes under some name; an error of ours must say something."""
    reader, _ = READERS[name]
    path = folder / name
    path.write_bytes(content)
    try:
        return reader(path)
    except SufficeError as error:
        assert str(error).strip()
        return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzzed")


@pytest.mark.parametrize("name", READERS)
def test_a_sound_file_can_be_read(folder, name):
    if name != "items.txt":  # has no column of ids
        assert read(folder, name, READERS[name][1]) is not None or name == "words.txt"


@pytest.mark.parametrize("name", READERS)
@given(content=st.binary(max_size=400))
def test_arbitrary_bytes(folder, name, content):
    read(folder, name, content)


@pytest.mark.parametrize("name", READERS)
@given(content=st.text(max_size=300))
def test_arbitrary_texts(folder, name, content):
    read(folder, name, content.encode("utf-8", "replace"))


edits = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.one_of(st.binary(max_size=8), st.sampled_from(SPECIAL)),
        st.integers(0, 8),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("name", READERS)
@given(edits=edits, share=st.one_of(st.just(1.0), st.floats(0, 1)))
def test_sound_files_with_other_bytes(folder, name, edits, share):
    content = READERS[name][1]
    for place, new, n_gone in edits:
        start = int(place * len(content))
        content = content[:start] + new + content[start + n_gone :]
    read(folder, name, content[: int(share * len(content))])


@given(name=st.text(max_size=120))
def test_a_name_that_is_accepted_is_a_file_s_name_and_nothing_else(folder, name):
    path = folder / "names.tsv"
    path.write_text(f"model\tloader\n{name}\tx\n", encoding="utf-8", errors="replace")
    try:
        (accepted,) = read_rows(path, "model", ["loader"])
    except (SufficeError, ValueError):
        return
    assert re.fullmatch(NAME_PATTERN, accepted)
    assert (folder / accepted).resolve().parent == folder.resolve()
    assert len(accepted) <= 100
