"""Files are whole or not there, and names stay text."""

import json
import os

import numpy as np
import pandas as pd
import pytest

from suffice.errors import DataError
from suffice.storage.files import (
    open_array,
    read_json,
    read_table,
    remove_leftovers,
    unsealed,
    whole_file,
    whole_folder,
    write_json,
    write_sealed,
    write_table,
)


def test_names_that_look_like_numbers_or_nothing_stay_text(tmp_path):
    table = pd.DataFrame({"model": ["16", "nan", "null", "007"], "value": [1.0, np.nan, 2.0, 3.0]})
    write_table(table, tmp_path / "table.csv")
    read = read_table(tmp_path / "table.csv")
    assert read["model"].tolist() == ["16", "nan", "null", "007"]
    assert read["value"].isna().tolist() == [False, True, False, False]


def test_an_error_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a.json"
    write_json({"old": 1}, path)
    with pytest.raises(RuntimeError, match="half way"), whole_file(path) as temporary:
        temporary.write_text("{")
        raise RuntimeError("half way")
    assert read_json(path) == {"old": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
def test_bytes_are_on_the_disk_before_they_have_their_name(tmp_path, monkeypatch, whole):
    place, seen = tmp_path / "result", []

    def fsync(handle):
        seen.append((os.fstat(handle).st_ino, os.fstat(handle).st_size, place.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    with whole(place) as temporary:
        written = temporary / "part" if temporary.is_dir() else temporary
        written.write_text("all of it")
        assert not seen
        inode = written.stat().st_ino
    assert seen == [(inode, len("all of it"), False)]
    assert place.exists()


def test_content_that_was_edited_or_cut_is_refused(tmp_path):
    path = tmp_path / "a.json"
    content = {"nats": 1.5, "names": ["a", "b"], "of": {"2": None, "10": 1}}
    write_sealed(content | {"names": ("a", "b"), "of": {2: None, 10: 1}}, path)
    assert unsealed(read_json(path), path) == content
    sealed = json.loads(path.read_text())
    for other in ({"nats": 1.6}, {"nats": float("nan")}, {"more": 1}, {"of": {}}, {"content_sha256": None}):
        with pytest.raises(DataError, match=r"a\.json was edited or cut after it was written; delete it"):
            unsealed(sealed | other, path)
    for other in (content, {}, [], None, 5):
        with pytest.raises(DataError, match="edited or cut"):
            unsealed(other, path)


def test_nan_is_no_json(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json({"value": float("nan")}, tmp_path / "a.json")


def test_damaged_files_are_named(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DataError, match=r"a\.json is not valid JSON"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.parquet").write_text("no")
    with pytest.raises(DataError, match=r"a\.parquet cannot be read"):
        read_table(tmp_path / "a.parquet")
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object))
    with pytest.raises(DataError, match=r"a\.npy is not a readable \.npy array"):
        open_array(tmp_path / "a.npy")


def test_leftovers_of_killed_writers_are_removed_and_nothing_else(tmp_path):
    (tmp_path / "a" / ".model.12.part").mkdir(parents=True)
    (tmp_path / "a" / ".model.12.part" / "weights").write_text("half")
    (tmp_path / ".table.7.part.csv").write_text("half")
    (tmp_path / "a" / "parts.csv").write_text("whole")
    remove_leftovers(tmp_path)
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["a", "parts.csv"]
