import gzip
import json

import pandas as pd
import pytest

from suffice.data.dataset_settings import DatasetSettings
from suffice.data.readers import read_items
from suffice.errors import DataError

ROWS = pd.DataFrame(
    {
        "key": ["a", "b", "c"],
        "text": ["one cat", "two, dogs", "drei Käse"],
        "score": [1.5, 2.0, 3.0],
        "topic": ["x", None, "y"],
    }
)


def read(path, **settings):
    return read_items(DatasetSettings(source="file", path=str(path), **settings))


def write(folder, name):
    path = folder / name
    plain = name.removesuffix(".gz")
    if plain.endswith(".parquet"):
        ROWS.to_parquet(path, index=False)
        return path
    if plain.endswith(".jsonl"):
        text = "".join(
            json.dumps({k: v for k, v in row.items() if v == v}) + "\n" for row in ROWS.to_dict("records")
        )
    else:
        text = ROWS.to_csv(index=False, sep="\t" if ".tsv" in plain else ",")
    content = text.encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize(
    "name",
    ["t.csv", "t.tsv", "t.jsonl", "t.parquet", "t.csv.gz", "t.tsv.gz", "t.jsonl.gz"],
)
def test_every_table_format_gives_the_same_items(tmp_path, name):
    items = read(write(tmp_path, name), content="text", id="key")
    assert list(items.columns) == ["id", "content", "score", "topic"]
    assert items["id"].tolist() == ["a", "b", "c"]
    assert items["content"].tolist() == ["one cat", "two, dogs", "drei Käse"]
    assert items["score"].tolist() == [1.5, 2.0, 3.0]
    assert items["topic"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("text", "contents"),
    [
        ("one\ntwo\n", ["one", "two"]),
        ("one\r\ntwo", ["one", "two"]),
        ("one\n\ntwo\n", ["one", "", "two"]),
        ("\ufeffone\n", ["one"]),
        ("a\u2028b\x0cc\n", ["a\u2028b\x0cc"]),  # only line feeds end an item
    ],
)
def test_a_text_file_has_one_item_a_line(tmp_path, text, contents):
    path = tmp_path / "t.txt"
    path.write_bytes(text.encode())
    items = read(path)
    assert items["content"].tolist() == contents
    assert items["id"].tolist() == [str(i) for i in range(len(contents))]


def test_pairs_are_stacked_with_pair_and_side(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("n,left,right,similarity\nq7,a cat,a dog,0.5\nq9,a car,a bus,0.75\n")
    items = read(path, content="left, right", id="n")
    assert items["id"].tolist() == ["q7/left", "q7/right", "q9/left", "q9/right"]
    assert items["content"].tolist() == ["a cat", "a dog", "a car", "a bus"]
    assert items["pair"].tolist() == ["0", "0", "1", "1"]
    assert items["side"].tolist() == ["left", "right", "left", "right"]
    assert items["group"].tolist() == items["pair"].tolist()
    assert items["similarity"].tolist() == [0.5, 0.5, 0.75, 0.75]


def test_a_given_group_is_the_group_of_pairs(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("l,r,film\na,b,7\nc,d,7\n")
    items = read(path, content="l,r", group="film")
    assert items["group"].tolist() == ["7"] * 4


def test_quoted_cells_may_hold_delimiters_line_ends_and_quotes(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('content,label\n"a, ""b""\nc",1\nplain,2\n')
    items = read(path)
    assert items["content"].tolist() == ['a, "b"\nc', "plain"]
    assert items["label"].tolist() == [1, 2]


def test_ids_that_look_like_numbers_keep_their_zeros(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("content,id\nx,007\ny,7\n")
    assert read(path, id="id")["id"].tolist() == ["007", "7"]


BAD = {
    "missing file": ("none.csv", None, {}, "does not exist"),
    "unknown suffix": ("t.xlsx", b"x", {}, r"unknown suffix '.xlsx'; known are .txt"),
    "missing column": ("t.csv", b"text,label\na,b\n", {}, r"no column 'content'; it has 'text', 'label'"),
    "closest match": ("t.csv", b"text,label\na,b\n", {"content": "texts"}, "did you mean 'text'"),
    "missing id column": ("t.csv", b"content\na\n", {"id": "key"}, "no column 'key'"),
    "not UTF-8": ("t.txt", b"abc\x8f\n", {}, "byte 0x8f at position 3.*not Windows-1252 either"),
    "empty text": ("t.txt", b"", {}, "has no items"),
    "empty table": ("t.csv", b"content,label\n", {}, "has no items"),
    "nothing at all": ("t.csv", b"", {}, "has no items"),
    "empty jsonl": ("t.jsonl", b"\n", {}, "has no items"),
    "not gzip": ("t.csv.gz", b"content\na\n", {}, "cannot be read"),
    "cut gzip": ("t.txt.gz", gzip.compress(b"abc\n" * 100)[:-9], {}, "may be truncated"),
    "spoilt gzip": ("t.txt.gz", gzip.compress(b"abcdefgh\n")[:10] + b"\xff" * 20, {}, "cannot be read"),
    "not parquet": ("t.parquet", b"PAR1 no", {}, "not a readable Parquet file"),
    "duplicate ids": ("t.csv", b"content,k\na,1\nb,1\n", {"id": "k"}, "id '1' occurs more than once"),
    "missing id": ("t.csv", b"content,k\na,1\nb,\n", {"id": "k"}, "data row 2 has no id"),
    "missing group": ("t.csv", b"content,g\na,\n", {"group": "g"}, "data row 1 has no group"),
    "ragged": ("t.csv", b"content,g\na,b\nc\n", {}, "data row 2 has 1 cells but the header has 2"),
    "too many cells": ("t.csv", b"content\na,b\n", {}, "quote cells that contain the delimiter ','"),
    "open quote": ("t.csv", b'content\n"a\n', {}, "not a table with the delimiter"),
    "repeated column": ("t.csv", b"content,a,a\nx,1,2\n", {}, "more than one column named 'a'"),
    "reserved name": ("t.csv", b"content,split\nx,train\n", {}, "'split', whose names are reserved"),
    "reserved side": ("t.csv", b"content,side\nx,l\n", {}, "'side', whose names are reserved"),
    "not JSON": ("t.jsonl", b'{"content": "a"}\n{"content"\n', {}, "line 2 is not JSON"),
    "JSON list": ("t.jsonl", b"[1]\n", {}, "line 1 is a JSON value of type list, not an object"),
    "number as content": (
        "t.jsonl",
        b'{"content": 5}\n',
        {},
        r"row 1 of the content column 'content' is of type int \('5'\)",
    ),
}


@pytest.mark.parametrize(("name", "content", "settings", "message"), BAD.values(), ids=BAD.keys())
def test_bad_sources_are_named_with_the_remedy(tmp_path, name, content, settings, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(path, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": "file"}, "needs a path"),
        ({"source": "hub"}, "needs a path"),
        ({"source": "api-docs", "path": "x.csv"}, "path: only for source file or hub"),
        ({"source": "api-docs", "content": "text"}, "content: only for source file or hub"),
        ({"source": "file", "path": "x.csv", "revision": "abc"}, "revision: only for source hub"),
        ({"source": "file", "path": "x.csv", "max_chars": 3, "min_chars": 4}, "max_chars .3. is smaller"),
        ({"source": "file", "path": "x.csv", "max_items": 100}, "max_items .100. is smaller than min_items"),
        ({"source": "file", "path": "x.csv", "split": "s", "test_share": 0.2}, "test_share has no effect"),
        ({"source": "file", "path": "x.csv", "test_share": 1.0}, "less than 1"),
        ({"source": "web"}, "api-docs"),
        ({"source": "file", "path": "x.csv", "max_item": 3}, "Extra inputs"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DatasetSettings(**settings)


def test_a_hub_data_set_is_read_by_its_loader_and_class_numbers_become_names(tmp_path):
    datasets = pytest.importorskip("datasets", reason="needs the hub extra")
    features = datasets.Features(
        {"text": datasets.Value("string"), "mood": datasets.ClassLabel(names=["bad", "good"])}
    )
    data = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "mood": [1, 0, -1]}, features=features)
    folder = tmp_path / "local"
    folder.mkdir()
    data.to_parquet(str(folder / "train.parquet"))
    items = read_items(DatasetSettings(source="hub", path=str(folder), content="text"))
    assert items["content"].tolist() == ["a", "b", "c"]
    assert items["mood"].tolist()[:2] == ["good", "bad"]
    assert items["mood"].isna().tolist() == [False, False, True]


def test_a_hub_data_set_that_cannot_be_reached_is_explained(monkeypatch):
    datasets = pytest.importorskip("datasets", reason="needs the hub extra")

    def offline(*args, **kwargs):
        raise ConnectionError("Couldn't reach 'owner/none' on the Hub")

    monkeypatch.setattr(datasets, "load_dataset", offline)
    with pytest.raises(DataError, match=r"'owner/none'.*split 'train'.*Couldn't reach.*HF_HOME"):
        read_items(DatasetSettings(source="hub", path="owner/none"))


def test_splits_of_the_hub_are_the_items_split(tmp_path):
    datasets = pytest.importorskip("datasets", reason="needs the hub extra")
    for name, texts in {"train": ["a", "b"], "test": ["c"]}.items():
        datasets.Dataset.from_dict({"text": texts}).to_parquet(str(tmp_path / f"{name}.parquet"))
    settings = {"source": "hub", "path": str(tmp_path), "content": "text", "hub_split": "train,test"}
    items = read_items(DatasetSettings(**settings))
    assert items["split"].tolist() == ["train", "train", "test"]
    assert items["id"].tolist() == ["0", "1", "2"]
    with pytest.raises(ValueError, match="already define the split; leave the column split out"):
        DatasetSettings(**settings, split="part")


def test_columns_are_joined_to_one_text(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        '{"a": "one", "b": "two", "c+d": "whole"}\n{"a": "three", "b": null, "c+d": "name"}\n',
        encoding="utf-8",
    )
    items = read_items(DatasetSettings(source="file", path=str(path), content="a+b"))
    assert items["content"].tolist()[0] == "one\n\ntwo"
    assert items["content"].isna().tolist() == [False, True]
    assert list(items.columns) == ["id", "content", "c+d"]
    items = read_items(DatasetSettings(source="file", path=str(path), content="c+d"))
    assert items["content"].tolist() == ["whole", "name"]
    with pytest.raises(DataError, match="has no column 'd'"):
        read_items(DatasetSettings(source="file", path=str(path), content="a+d"))
