"""Folders of texts, of parts of a table, and of a saved data set."""

import gzip
import json

import pandas as pd
import pytest

from suffice.data.build import build_corpus
from suffice.data.corpus import Corpus
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.readers import read_items
from suffice.errors import DataError


def read(folder, **settings):
    return read_items(DatasetSettings(source="file", path=str(folder), **settings))


def test_a_folder_of_texts_has_one_item_a_file(tmp_path):
    (tmp_path / "deep").mkdir()
    for name, text in {
        "a-10.txt": "ten",
        "a-9.txt": "nine\nlines",
        "deep/b.md": "x",
        ".hidden.txt": "no",
    }.items():
        (tmp_path / name).write_text(text)
    items = read(tmp_path)
    assert items["id"].tolist() == ["a-9.txt", "a-10.txt", "deep/b.md"]
    assert items["content"].tolist() == ["nine\nlines", "ten", "x"]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".csv.gz"])
def test_parts_of_a_table_are_joined_in_the_order_of_their_numbers(tmp_path, suffix):
    for part in (1, 2, 10):
        table = pd.DataFrame({"content": [f"{part}-{row}" for row in range(2)], "score": [part, part]})
        path = tmp_path / f"part-{part}{suffix}"
        if suffix == ".parquet":
            table.to_parquet(path)
        elif suffix == ".jsonl":
            table.to_json(path, orient="records", lines=True)
        else:
            table.to_csv(path, index=False)
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".part-3.abc.part.csv").write_text("cut off")
    items = read(tmp_path)
    assert items["content"].tolist() == ["1-0", "1-1", "2-0", "2-1", "10-0", "10-1"]
    assert items["score"].tolist() == [1, 1, 2, 2, 10, 10]


def test_a_saved_data_set_keeps_its_splits_and_the_names_of_its_classes(tmp_path):
    datasets = pytest.importorskip("datasets", reason="needs the hub extra")
    features = datasets.Features(
        {"content": datasets.Value("string"), "mood": datasets.ClassLabel(names=["bad", "good"])}
    )

    def part(texts):
        return datasets.Dataset.from_dict({"content": texts, "mood": [1] * len(texts)}, features=features)

    both = datasets.DatasetDict({"train": part(["a", "b"]), "test": part(["c"])})
    both.save_to_disk(str(tmp_path / "both"))
    items = read(tmp_path / "both")
    assert items[["content", "mood", "split"]].values.tolist() == [
        ["a", "good", "train"],
        ["b", "good", "train"],
        ["c", "good", "test"],
    ]
    part(["x", "y"]).save_to_disk(str(tmp_path / "one"), num_shards=2)
    assert read(tmp_path / "one")["content"].tolist() == ["x", "y"]
    state = tmp_path / "one" / "state.json"  # older versions kept a selection of rows as indices
    state.write_text(
        json.dumps(json.loads(state.read_text()) | {"_indices_data_files": [{"filename": "i.arrow"}]})
    )
    with pytest.raises(DataError, match="flatten_indices"):
        read(tmp_path / "one")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no file of a known kind"),
        ({"a.csv": "content\nx\n", "b.jsonl": '{"content": "x"}\n'}, r"several kinds \(.csv, .jsonl\)"),
        ({"a.csv": "content\nx\n", "b.csv": "content,label\nx,1\n"}, "b.csv and a.csv do not have.*'label'"),
    ],
)
def test_folders_that_are_no_data_set(tmp_path, files, message):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def test_a_corpus_of_a_folder_has_its_hash_and_what_was_assumed(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.txt").write_bytes(f"caf\u00e9 {number}".encode("cp1252"))
    settings = DatasetSettings(source="file", path=str(folder), min_items=2, test_share=0.5)
    with pytest.warns(match="Windows-1252"):
        build_corpus(settings, 0, tmp_path / "c.parquet")
    manifest = Corpus(tmp_path / "c.parquet").manifest
    assert len(manifest["source_sha256"]) == 64 and len(manifest["assumed"]) == 4
    before = manifest["source_sha256"]
    (folder / "0.txt").write_text("other")
    build_corpus(settings, 0, tmp_path / "c.parquet")
    assert Corpus(tmp_path / "c.parquet").manifest["source_sha256"] != before


@pytest.mark.parametrize("name", ["T.CSV", "t.Csv.GZ", "t.parquet.gz"])
def test_suffixes_in_any_case_and_gzip_of_everything(tmp_path, name):
    path, table = tmp_path / name, pd.DataFrame({"content": ["a", "b"]})
    content = table.to_parquet() if "parquet" in name else table.to_csv(index=False).encode()
    path.write_bytes(gzip.compress(content) if name.lower().endswith(".gz") else content)
    assert read(path)["content"].tolist() == ["a", "b"]


def test_unicode_twins_of_a_column_are_one_name(tmp_path):
    (tmp_path / "t.csv").write_text("cafe\u0301,n\nx,1\n")
    assert read(tmp_path / "t.csv", content="caf\u00e9")["content"].tolist() == ["x"]
    (tmp_path / "t.csv").write_text("cafe\u0301,caf\u00e9\nx,1\n")
    with pytest.raises(DataError, match="more than one column named 'caf\u00e9'"):
        read(tmp_path / "t.csv", content="caf\u00e9")


@pytest.mark.parametrize("name", ["../other/data-00000-of-00001.arrow", "{other}/data-00000-of-00001.arrow"])
def test_a_saved_data_set_reads_nothing_outside_of_its_folder(name, tmp_path):
    datasets = pytest.importorskip("datasets")
    for each in ("own", "other"):
        datasets.Dataset.from_dict({"text": [each] * 3}).save_to_disk(str(tmp_path / each))
    state = tmp_path / "own" / "state.json"
    files = [{"filename": name.format(other=tmp_path / "other")}]
    state.write_text(json.dumps(json.loads(state.read_text()) | {"_data_files": files}))
    with pytest.raises(DataError, match="which is not inside it"):
        read(tmp_path / "own", content="text")
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "dataset_dict.json").write_text(json.dumps({"splits": ["../other"]}))
    with pytest.raises(DataError, match="which is not inside it"):
        read(tmp_path / "all", content="text")
