"""The command line on bad arguments, files and results: status 1 and a message, or a usage error."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from suffice.cli import main

LONG = "x" * 5000
RANK = ("rank", "a.npy", "b.npy")
EXPLAIN = ("explain", "a.npy", "b.npy")
NEW = ("new-study", "--texts", "t.csv")
BAD_NAMES = ("../x", "a/b", "/tmp/x", "..", "A", "=1", "<script>", "a b", "", LONG)
ARGUMENTS: dict[str, list[tuple[tuple[str, ...], str]]] = {
    "seed": [((*RANK, "--seed", value), f"seed {value} is not a whole number") for value in ("-1", "9" * 30)],
    "targets": [
        ((*RANK, "--targets", ""), "0 targets are too few"),
        ((*RANK, "--targets", "9" * 5000), "is not a model"),
        ((*RANK, "--targets", "\u00b2"), "target '\u00b2' is not a model"),
        ((*RANK, "--targets", "../a"), "target '../a' is not a model"),
        ((*RANK, "--budget", "-5"), "a budget of -5 pairs is too small"),
        ((*RANK, "--targets", "a,a"), "a name occurs twice in a, a"),
    ],
    "choice": [
        ((*RANK, "--estimator", ""), "unknown estimator ''"),
        ((*RANK, "--estimator", "os.system"), "unknown estimator 'os.system'"),
        ((*RANK, "--aggregate", "sum"), "unknown aggregate 'sum'"),
        ((*RANK, "--estimator", "mixture", "--device", "boom"), "boom"),
    ],
    "place": [
        ((*RANK, "--out", "text"), "text"),
        ((*RANK, "--out", "text/x"), "text/x"),
        ((*RANK, "--out", "/proc/x"), "/proc/x"),
        ((*RANK, "--out", LONG), "too long"),
        ((*NEW, "ok", "--folder", "text"), "text/ok"),
    ],
    "file": [
        (("rank", "a.npy", name), message)
        for name, message in {
            "none.npy": "none.npy does not exist",
            "folder.npy": "folder.npy has no file of vectors",
            "short.npy": "short has 50 rows but a has 200",
            "text": "text does not end in one of .npy",
            "text.npy": "text.npy cannot be read",
            "nan.npy": "nan: the embedding has 6 NaN",
            "sub/a.npy": "two files give the model name 'a'",
            f"{LONG}.npy": "cannot be the name of a file",
            "~nobody-of-that-name/b.npy": "unknown home folder",
            "https://127.0.0.1/b.npy": "b.npy does not exist",
            "\n.npy": "cannot be shown on one line",
            os.fsdecode(b"\xff.npy"): "cannot be shown on one line",
        }.items()
    ],
    "labels": [
        ((*RANK, "--labels", "text"), "it needs row and label"),
        ((*RANK, "--labels", "folder.npy"), "folder.npy cannot be read"),
        ((*RANK, "--labels", "a.npy"), "a.npy cannot be read"),
        ((*RANK, "--labels", "none.csv"), "none.csv cannot be read"),
    ],
    "explain": [
        (("explain", "a.npy", "short.npy"), "source has 200 items but target has 50"),
        ((*EXPLAIN, "--directions", "0"), "n_directions is 0"),
        ((*EXPLAIN, "--items", "folder.npy"), "folder.npy cannot be read"),
        ((*EXPLAIN, "--items", "a.npy"), "a.npy is an array of NumPy, not text"),
        ((*EXPLAIN, "--items", "text"), "items has 1 entries but there are 200"),
    ],
    "new study": [
        *(((*NEW, name), "is not a name") for name in BAD_NAMES),
        (("new-study", "ok", "--texts", "none.csv"), "none.csv does not exist"),
        (("new-study", "ok", "--texts", "folder.npy"), "folder.npy has no file of a known kind"),
        (("new-study", "ok", "--texts", LONG), "too long"),
        ((*NEW, "ok", "--models", ""), "there is 0 model"),
        ((*NEW, "ok", "--models", "$(id)"), "model '$(id)' is not a preset"),
        ((*NEW, "ok", "--content", "no"), "t.csv has no column 'no'"),
    ],
    "results": [
        (("show", "none"), "none holds no ranking"),
        (("show", "text"), "text holds no ranking"),
        (("verify", "none"), "none has no records"),
        (("verify", "text"), "text has no records"),
    ],
}
CASES = [(kind, *case) for kind, cases in ARGUMENTS.items() for case in cases]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with two sound files and some bad ones, which is the working folder."""
    full = np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)
    with_nan = np.where(np.arange(200)[:, None] == 3, np.nan, full)
    for name, array in {"a": full, "b": full[:, :3], "short": full[:50], "nan": with_nan}.items():
        np.save(tmp_path / f"{name}.npy", array)
    (tmp_path / "sub").mkdir()
    np.save(tmp_path / "sub" / "a.npy", full)
    (tmp_path / "folder.npy").mkdir()
    (tmp_path / "text").write_text("x")
    (tmp_path / "text.npy").write_text("x")
    pd.DataFrame({"content": [f"text {row}" for row in range(300)]}).to_csv(tmp_path / "t.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("kind", "arguments", "message"), CASES)
def test_bad_arguments_get_a_message_and_write_nothing(files, capsys, kind, arguments, message):
    before = sorted(files.rglob("*"))
    assert main(arguments) == 1
    *_, error = capsys.readouterr().err.partition("suffice: ")  # after lines on progress
    assert message in error
    assert sorted(files.rglob("*")) == before


RANKING_HEAD = (
    "rank,model,win_rate,score,score_low,score_high,rank_low,rank_high,rank_low_pools,rank_high_pools,tie_group,"
    "warnings\n"
)
TABLES = {
    "empty": b"",
    "text": b"hello",
    "other columns": b"a,b\n1,2\n",
    "no UTF-8": b"\xff\xfe\x00",
    "open quote": b'a,"b\n',
    "no rows": RANKING_HEAD.encode(),
    "words": RANKING_HEAD.encode() + b"x,y,z,w,v,u,t,s,r,q,p,o\n",
    "a cell too many": RANKING_HEAD.encode() + b"1,a,1,1,1,1,1,1,1,1,1,,,,,,,,\n",
}
JSONS = {
    "empty": "",
    "list": "[]",
    "number": "5",
    "nothing": "{}",
    "deep": "[" * 100_000,
    "no UTF-8": "\udcff",
    "only a version": '{"schema_version": 2}',
    "a later version": '{"schema_version": 99}',
    "another type": json.dumps(
        {
            "schema_version": 2, "n_bytes": "x", "sha256": 5, "seen_mtime_ns": "z", "inputs": [], "job": 1,
            "made": 2,
        }
    ),
    "path": json.dumps(
        {
            "schema_version": 2, "n_bytes": 1, "sha256": "a", "seen_mtime_ns": 1, "made": {"versions": {}},
            "inputs": {"../../../../etc/passwd": "x"}, "job": {"parameters": {"code": 5}},
        }
    ),
}  # fmt: skip


@pytest.mark.parametrize("content", TABLES.values(), ids=TABLES.keys())
def test_a_damaged_ranking_is_named(tmp_path, capsys, content):
    path = tmp_path / "ranking" / "toys" / "linear.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert main(["show", str(tmp_path)]) == 1
    assert "linear.csv" in capsys.readouterr().err


def damaged_json(folder: Path, place: str, content: str) -> None:
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, errors="surrogateescape")


@pytest.mark.parametrize("content", JSONS.values(), ids=JSONS.keys())
@pytest.mark.parametrize(
    ("place", "command"),
    [
        ("failed/toys/own.json", ("show", "--failures")),
        ("records/a.csv.json", ("verify",)),
        ("run.json", ("verify",)),
        ("store/ab/cd.json", ("verify",)),
    ],
)
def test_a_damaged_record_is_named(tmp_path, capsys, place, command, content):
    (tmp_path / "records").mkdir()
    (tmp_path / "a.csv").write_text("xy")
    damaged_json(tmp_path, place, content)
    assert main([*command, str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("suffice: ")
    name = {"failed": "failed", "records": "a.csv", "run.json": "run.json", "store": "cd.json"}
    assert name[place.split("/")[0]] in captured.out + captured.err
