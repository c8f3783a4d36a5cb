"""The command line, as a user meets it."""

import shutil
import subprocess
import sys
import types

import numpy as np
import pandas as pd
import pytest

from suffice import __version__
from suffice.cli import main


@pytest.fixture
def vectors(tmp_path):
    full = np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)
    np.save(tmp_path / "all.npy", full)
    np.savez(tmp_path / "half.npz", vectors=full[:, :3])
    pd.DataFrame(full[:, :1], columns=["x0"]).to_parquet(tmp_path / "one.parquet")
    return [str(tmp_path / name) for name in ("all.npy", "half.npz", "one.parquet")]


def test_rank_writes_and_prints_the_ranking(vectors, tmp_path, capsys):
    out = tmp_path / "ranking"
    assert main(["rank", *vectors, "--out", str(out)]) == 0
    table = pd.read_csv(out / "ranking.csv")
    assert table["model"].tolist() == ["all", "half", "one"]
    assert set(pd.read_parquet(out / "pairs.parquet")["source"]) == {"all", "half", "one"}
    assert "all" in capsys.readouterr().out


def test_rank_is_the_same_on_a_second_run(vectors, tmp_path):
    for out in ("a", "b"):
        assert main(["rank", *vectors, "--out", str(tmp_path / out), "--seed", "3"]) == 0
    assert (tmp_path / "a" / "ranking.csv").read_bytes() == (tmp_path / "b" / "ranking.csv").read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda files: files[:1], "at least 2 models; given: all"),
        (lambda files: [*files, "nowhere.npy"], "nowhere.npy does not exist"),
        (lambda files: [*files, files[0]], "two files give the model name 'all'"),
        (
            lambda files: [*files, "--estimator", "lineer"],
            "unknown estimator 'lineer'; did you mean 'linear'",
        ),
        (lambda files: [*files, "--aggregate", "sum"], "unknown aggregate 'sum'"),
    ],
)
def test_bad_input_gets_a_message_and_a_status(vectors, capsys, change, message):
    assert main(["rank", *change(vectors)]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_truncated_file_is_named(vectors, tmp_path, capsys):
    content = (tmp_path / "all.npy").read_bytes()
    (tmp_path / "all.npy").write_bytes(content[: len(content) // 2])
    assert main(["rank", *vectors]) == 1
    assert "all.npy cannot be read" in capsys.readouterr().err


def test_estimators_lists_them(capsys):
    assert main(["estimators"]) == 0
    out = capsys.readouterr().out
    assert "linear" in out and "knife" in out


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.strip() == f"suffice {__version__}"


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "suffice rank vectors/*.npy" in capsys.readouterr().out


def test_show_needs_results(tmp_path, capsys):
    assert main(["show", str(tmp_path)]) == 1
    assert "holds no ranking" in capsys.readouterr().err


def test_failures_say_how_to_go_on(tmp_path, capsys):
    record = tmp_path / "failed" / "toys" / "own.json"
    record.parent.mkdir(parents=True)
    record.write_text('{"model": "own", "dataset": "toys", "message": "it is broken"}')
    assert main(["show", "--failures", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "failed: model own on data set toys: it is broken" in out
    assert "skip_failed=true" in out and "SKIP_FAILED=yes" in out


@pytest.mark.parametrize(
    ("arguments", "targets"),
    [
        (["--targets", "all"], {"all", "half", "one"}),
        (["--targets", "half,one"], {"half", "one"}),
        (["--targets", "2"], None),
        (["--budget", "8"], None),
    ],
)
def test_rank_with_some_targets(vectors, tmp_path, capsys, arguments, targets):
    assert main(["rank", *vectors, "--out", str(tmp_path / "out"), *arguments]) == 0
    pairs = pd.read_parquet(tmp_path / "out" / "pairs.parquet")
    assert set(pairs["source"]) == {"all", "half", "one"}
    assert len(set(pairs["target"])) == 2 if targets is None else set(pairs["target"]) == targets
    out = capsys.readouterr().out
    assert "adjacent pairs in the ranking" in out
    assert ("All 3 models are targets" in out) == (targets == {"all", "half", "one"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--targets", "half,ones"], "target 'ones' is not a model; did you mean 'one'"),
        (["--targets", "9"], "9 targets are requested, but only 3 models"),
        (["--budget", "4"], "a budget of 4 pairs is too small for 3 models"),
    ],
)
def test_targets_that_cannot_be_had_get_a_message(vectors, capsys, arguments, message):
    assert main(["rank", *vectors, *arguments]) == 1
    assert message in capsys.readouterr().err


def test_explain_prints_directions_and_items(vectors, tmp_path, capsys):
    texts = tmp_path / "texts.txt"
    texts.write_text("".join(f"text {row}\n" for row in range(200)))
    assert main(["explain", vectors[1], vectors[0], "--items", str(texts), "--directions", "2"]) == 0
    printed = capsys.readouterr().out
    assert "what half misses about all" in printed
    assert "lost_share" in printed
    assert "text 1" in printed


@pytest.mark.parametrize(
    ("text", "message"),
    [("one\ntwo\n", "items has 2 entries but there are 200"), (None, "texts.txt cannot be read")],
)
def test_explain_names_bad_items(vectors, tmp_path, capsys, text, message):
    texts = tmp_path / "texts.txt"
    if text is not None:
        texts.write_text(text)
    assert main(["explain", vectors[1], vectors[0], "--items", str(texts)]) == 1
    assert message in capsys.readouterr().err


def test_labels_update_the_ranking(vectors, tmp_path, capsys):
    full = np.load(vectors[0])
    labels = pd.DataFrame({"row": range(100), "label": np.where(full[:100, 5] > 0, "yes", "no")})
    labels.loc[60:, "label"] = None  # these take no part
    labels.to_csv(tmp_path / "labels.csv", index=False)
    out = tmp_path / "ranking"
    assert main(["rank", *vectors, "--out", str(out), "--labels", str(tmp_path / "labels.csv")]) == 0
    table = pd.read_csv(out / "ranking.csv").set_index("model")
    assert table["probe"].idxmax() == "all"  # alone has the sixth dimension
    assert table.loc["all", "updated_rank"] == 1 and "logme" not in table
    said = capsys.readouterr().out
    assert "updated_rank" in said and "With your labels, all is first" in said
    way = ["--label-way", "logme", "--labels", str(tmp_path / "labels.csv")]
    assert main(["rank", *vectors, "--out", str(tmp_path / "other"), *way]) == 0
    assert {"logme"} == {"logme", "probe"} & set(pd.read_csv(tmp_path / "other" / "ranking.csv"))


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("item,label\n0,a\n", "classification", "it needs row and label"),
        ("row,label\n0,a\n0,b\n", "classification", "row 0 is given twice"),
        ("row,label\n200,a\n", "classification", "row 200 is given twice or is not"),
        ("row,label\n1,a\n", "regression", "label 'a' is not a number"),
        ("row,label\n1,a\n2,b\n", "classification", "2 labels are too few"),
        ("", "classification", "labels.csv cannot be read"),
    ],
)
def test_bad_labels_are_named(vectors, tmp_path, capsys, text, kind, message):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    options = ["--out", str(tmp_path / "r"), "--labels", str(path), "--label-kind", kind]
    assert main(["rank", *vectors, *options]) == 1
    assert message in capsys.readouterr().err


def test_a_ranking_says_what_it_was_made_from(vectors, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["rank", *vectors, "--out", str(out)]) == 0
    assert main(["verify", str(out)]) == 0
    assert "3 results" in capsys.readouterr().out
    array = np.load(vectors[0])
    np.save(vectors[0], array + 1)
    assert main(["verify", str(out)]) == 1
    assert f"made from a different {vectors[0]}" in capsys.readouterr().out


COMPLETE = """source ./script
COMP_WORDS=(suffice $1 "$2"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_shtab_suffice
echo "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
@pytest.mark.parametrize(
    ("before", "begun", "offered"),
    [
        ("", "new", "new-study"),
        ("rank", "--estim", "--estimator"),
        ("run", "do", "docs.csv"),
        ("run docs.csv --profile", "do", "docs.csv"),
        ("show", "do", "docs.csv"),
        ("completion", "z", "zsh"),
    ],
)
def test_bash_completes_commands_options_and_files(tmp_path, capsys, before, begun, offered):
    pytest.importorskip("shtab")
    assert main(["completion", "bash"]) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out)
    (tmp_path / "docs.csv").touch()
    command = ["bash", "-c", COMPLETE, "bash", before, begun]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == [offered] and not done.stderr


def test_completion_without_its_package_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "zsh"]) == 1
    assert "pip install 'suffice[completion]'" in capsys.readouterr().err


def test_a_quiet_ranking_says_nothing_of_progress(vectors, tmp_path, capsys, monkeypatch):
    clock = types.SimpleNamespace(
        monotonic=lambda: 0.0
    )  # the real one depends on what else the computer does
    monkeypatch.setattr("suffice.progress.time", clock)
    out = str(tmp_path / "out")
    assert main(["rank", *vectors, "--out", out]) == 0
    said = capsys.readouterr().err.splitlines()
    progress = ["reading 3 files", "linear: 3 models (all, half, one)", "linear: 9 pairs in 0 s"]
    assert said[:3] == progress
    assert main(["rank", *vectors, "--out", out, "--quiet"]) == 0
    assert capsys.readouterr().err.splitlines() == said[3:]


def test_a_reader_that_has_read_enough_is_not_an_error(vectors, tmp_path):
    command = [
        sys.executable,
        "-m",
        "suffice.cli",
        "rank",
        *vectors,
        "--quiet",
        "--out",
        str(tmp_path / "out"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == 1
    assert (tmp_path / "out" / "ranking.csv").is_file()


def test_an_interrupted_ranking_says_so_and_ends_like_a_shell(vectors, tmp_path, capsys, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("suffice.embed.inputs.read_inputs", interrupted)
    assert main(["rank", *vectors, "--out", str(tmp_path / "out")]) == 130
    said = capsys.readouterr().err
    assert said.endswith("\nsuffice: stopped; to go on, run the same command again\n")
    assert not (tmp_path / "out").exists()
