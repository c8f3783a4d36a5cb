"""Files that would fill the memory, locks of other users, and what is said where memory is short."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from suffice.cli import main
from suffice.data import readers
from suffice.data.readers import read_file
from suffice.embed.vector_files import read_vectors
from suffice.embed.word_vectors import read_word_vectors
from suffice.errors import DataError, SufficeError, is_out_of_memory, out_of_memory
from suffice.groups import read_groups
from suffice.storage import files, untrusted
from suffice.storage.files import read_json
from suffice.storage.locks import try_lock
from suffice.storage.untrusted import read_parquet_table


@pytest.fixture(autouse=True)
def low_limit(monkeypatch):
    """A limit of a megabyte, so that bombs need not be large."""
    monkeypatch.setattr(untrusted, "MAX_UNPACKED_BYTES", 1 << 20)


BOMBS = {
    "one line": lambda stream: [stream.write(b"0" * (1 << 20)) for _ in range(30)],
    "lines": lambda stream: [stream.write(b"word 0 0\n" * (1 << 16)) for _ in range(30)],
    "zeros": lambda stream: [stream.write(b"\0" * (1 << 20)) for _ in range(30)],
}


@pytest.mark.parametrize("name", BOMBS)
def test_word_vectors_that_unpack_without_end_are_refused(name, tmp_path):
    with gzip.open(tmp_path / "w.vec.gz", "wb") as stream:
        BOMBS[name](stream)
    with pytest.raises(SufficeError, match="unpacks to more than 200 times as much"):
        read_word_vectors(tmp_path / "w.vec.gz")


def test_packed_word_vectors_that_are_sound_are_read(tmp_path):
    with gzip.open(tmp_path / "w.vec.gz", "wt") as stream:
        stream.write("\n".join(f"word{k} {k} 0.5" for k in range(1000)))
    words, vectors = read_word_vectors(tmp_path / "w.vec.gz")
    assert len(words) == 1000
    assert vectors[7, 0] == 7


PARQUET = {
    "a long text many times": pa.table({"content": pa.array(["x" * 100_000] * 300).dictionary_encode()}),
    "one number many times": pa.table({"content": pa.array(np.zeros(3_000_000))}),
    "lists": pa.table(
        {
            "content": pa.ListArray.from_arrays(
                pa.array(np.arange(0, 3_000_001, 10_000), pa.int32()), np.zeros(3_000_000)
            )
        }
    ),
}


@pytest.mark.parametrize("name", PARQUET)
def test_parquet_that_unpacks_without_end_is_refused(name, tmp_path):
    path = tmp_path / "bomb.parquet"
    pq.write_table(PARQUET[name], path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 100_000
    for read in (read_parquet_table, read_file, read_vectors, lambda path: read_groups(path, 3)):
        with pytest.raises(ValueError, match="unpacks to more"):
            read(path)


def test_sound_parquet_is_read_as_before(tmp_path):
    table = pd.DataFrame(
        {"content": ["a", None, "c"], "label": pd.Categorical(["x", "y", "x"])}, index=[3, 4, 5]
    )
    table.to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(read_parquet_table(tmp_path / "t.parquet").to_pandas(), table)
    table.head(0).to_parquet(tmp_path / "e.parquet")
    assert read_parquet_table(tmp_path / "e.parquet", ["label"]).num_rows == 0


def test_json_has_a_largest_size(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_JSON_BYTES", 100)
    (tmp_path / "a.json").write_text(json.dumps(list(range(200))))
    with pytest.raises(DataError, match="JSON is read up to 100"):
        read_json(tmp_path / "a.json")
    (tmp_path / "b.json").write_text("[" * 90)
    with pytest.raises(DataError, match="not valid JSON"):
        read_json(tmp_path / "b.json")


def test_rows_that_each_name_other_columns_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "MAX_CELLS", 100)
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps({f"k{row}": 1}) for row in range(11)))
    with pytest.raises(DataError, match="a table of 121 cells"):
        readers.read_file(tmp_path / "t.jsonl")
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps({"k": row}) for row in range(100)))
    assert len(readers.read_file(tmp_path / "t.jsonl")) == 100


@pytest.mark.parametrize("mask", [0o002, 0o022, 0o007])
def test_a_lock_file_follows_the_umask(mask, tmp_path):
    before = os.umask(mask)
    try:
        os.close(try_lock(tmp_path / "x.lock"))
    finally:
        os.umask(before)
    assert (tmp_path / "x.lock").stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_meets_the_lock_and_may_have_it():
    code = (
        "import fcntl, os, sys; from pathlib import Path; from suffice.storage.locks import try_lock; "
        "os.setgid(65534); os.setuid(65534); print(try_lock(Path(sys.argv[1])) is not None)"
    )
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = Path(folder) / "x.lock"
        held = try_lock(path)
        path.chmod(0o644)
        said = []
        for _ in range(2):
            run = [sys.executable, "-c", code, str(path)]
            said.append(subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip())
            if len(said) == 1:
                os.close(held)
    assert said == ["False", "True"]


SHORT = [
    MemoryError("Unable to allocate 7.28 TiB for an array"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"),
]


@pytest.mark.parametrize("error", SHORT)
def test_short_memory_is_a_sentence_in_every_command(error, monkeypatch, capsys, tmp_path):
    def fail(*_):
        raise error

    assert is_out_of_memory(error)
    for name, arguments in {
        "rank": ["rank", "x.npy"],
        "explain": ["explain", "a.npy", "b.npy"],
        "verify": ["verify", "x"],
        "show": ["show", "x"],
        "fetch": ["fetch", "x"],
        "run": ["run", "x"],
        "new_study": ["new-study", "x", "--texts", "t.txt"],
    }.items():
        monkeypatch.setattr(f"suffice.commands.{name}.run", fail)
        assert main(arguments) == 1
        said = capsys.readouterr().err
        assert said.startswith("suffice: there is not enough memory (")
        assert "give fewer items" in said


def test_other_errors_are_not_taken_for_short_memory():
    assert not is_out_of_memory(RuntimeError("the model remembers"))
    assert not is_out_of_memory(ValueError("out of memory"))
    assert "MemoryError" in out_of_memory(MemoryError())
