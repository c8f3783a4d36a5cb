"""What `suffice run` takes for a study, and what it asks of Snakemake."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toy import toy_texts

from suffice.cli import main
from suffice.errors import StudyError
from suffice.narrate import Narrator
from suffice.run import (
    Effort,
    Stopped,
    _command,
    _follow,
    _what_is_kept,
    _why_not_ended,
    jobs_in_plan,
    run_study,
    study_of,
    workflow_root,
)
from suffice.workflow import study_folder


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "My Docs.csv"
    toy_texts().to_csv(path, index=False)
    return path


def test_a_file_of_texts_becomes_a_study_beside_it(texts):
    folder = study_of(str(texts), ["tfidf-64", "chars-256"], "text")
    assert folder == texts.parent / "my-docs-study" and (folder / "models.tsv").is_file()
    assert study_of(str(folder), [], None) == folder
    assert study_of(str(texts), ["tfidf-64", "chars-256"], "text") == folder  # the same command continues
    with pytest.raises(StudyError, match="my-docs-study exists, and its models.tsv differs from what"):
        study_of(str(texts), ["tfidf-64", "tfidf-256"], "text")
    assert [each.name for each in texts.parent.iterdir() if each.is_dir()] == ["my-docs-study"]


@pytest.mark.parametrize("models", [[], ["tfidf-64"]])
def test_a_new_study_needs_two_models(texts, models):
    with pytest.raises(StudyError, match="name at least two models"):
        study_of(str(texts), models, "text")
    assert not (texts.parent / "my-docs-study").exists()


def test_what_is_no_study_is_named(tmp_path, toy_study):
    with pytest.raises(StudyError, match="'nothing' is neither a study.*the package has: .*api-docs"):
        study_of("nothing", [], None)
    with pytest.raises(StudyError, match="is a study whose tables name models"):
        study_of(str(toy_study), ["minilm"], None)
    assert study_of("api-docs", [], None) == workflow_root() / "config" / "api-docs"


def test_a_study_of_new_study_is_found_by_its_name(tmp_path, toy_study, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(toy_study, tmp_path / "config" / "mine")
    assert study_of("mine", [], None) == Path("config") / "mine"
    assert study_folder({"study": "mine"}, workflow_root()) == Path("config") / "mine"
    assert study_folder({"study": "api-docs"}, workflow_root()) == workflow_root() / "config" / "api-docs"


def test_the_command_has_the_profile_and_the_settings(toy_study, tmp_path):
    command = _command(toy_study, Effort(cores=3, settings=["seed=2"]))
    assert command[command.index("--cores") + 1] == "3"
    assert command[-2:] == [f"study={toy_study}", "seed=2"] and "--dry-run" not in command
    assert any(part.startswith("mem_mb=") for part in command)
    on_slurm = _command(toy_study, Effort(profile="slurm", plan=True))
    assert "--dry-run" in on_slurm and "--cores" not in on_slurm
    assert str(workflow_root() / "profiles" / "slurm") in on_slurm
    with pytest.raises(StudyError, match="unknown profile 'slrum'; use one of default, slurm"):
        _command(toy_study, Effort(profile="slrum"))


def test_a_plan_is_a_table_of_jobs():
    jobs = "job            count\n-----------  -------\nembed_items        5\nall                1\n"
    printed = f"Building DAG of jobs...\nJob stats:\n{jobs}total              6\n\nJob stats:\n{jobs}\n"
    assert jobs_in_plan(printed).split() == ["job", "count", "embed_items", "5"]
    assert jobs_in_plan("Building DAG of jobs...\nNothing to be done.\n") == ""


def test_a_study_that_cannot_be_planned_is_named_without_lines_of_snakemake(tmp_path, toy_study, capfd):
    (toy_study / "models.tsv").write_text("model\tloader\na\tbag_of_word\n")
    with pytest.raises(StudyError, match="unknown loader 'bag_of_word' .*") as raised:
        run_study(toy_study, Effort(plan=True))
    said = str(raised.value)
    assert "workflow" not in said.lower().replace(str(tmp_path), "") and "File" not in said
    assert capfd.readouterr() == ("", "")


def test_limits_are_those_of_the_computer_or_those_that_are_given(toy_study):
    here = _command(toy_study, Effort(memory_mb=500, gpus=3, targets=["ablations"], more=["--forceall"]))
    assert here[here.index("--cores") + 1] == "all"
    limits = here.index("--resources")
    assert here[limits + 1 : limits + 3] == ["mem_mb=500", "gpu=3"]
    assert here[-3:] == ["--forceall", "--", "ablations"]
    there = _command(toy_study, Effort(profile="slurm", memory_mb=500))
    assert there[there.index("--resources") + 1] == "mem_mb=500" and "gpu=0" not in there


def test_bad_texts_leave_nothing_behind(tmp_path, capsys):
    (tmp_path / "texts.csv").write_text("body\none\n")
    assert (
        main(["run", str(tmp_path / "texts.csv"), "--content", "bdoy", "--models", "tfidf-64,chars-256"]) == 1
    )
    assert "bdoy" in capsys.readouterr().err and not (tmp_path / "texts-study").exists()


FAKE = """import os, sys, time, json
events = open(sys.argv[4], "a")
def write(**event): print(json.dumps(event), file=events, flush=True)
write(event="run_info", stats={"embed_items": 2, "total": 2})
for jobid in (1, 2):
    write(event="job_info", jobid=jobid, rule_name="embed_items", wildcards={"model": f"m{jobid}"}, log=[])
write(event="job_finished", job_id=1)
print("a line of Snakemake", flush=True)
assert sys.argv[1:4] == ["--logger", "suffice", "--logger-suffice-events"]
assert sys.argv[5:7] == ["--logger-suffice-listener", str(os.getppid())]
time.sleep(float(sys.argv[7]))
sys.exit(int(sys.argv[8]))
"""
"""A program that writes events as Snakemake does."""


def follow(tmp_path, seconds, status, during=lambda: None):
    narrator = Narrator(Path("results") / "toy")
    narrator.hear_log = lambda line: during()
    _follow([sys.executable, "-c", FAKE, str(seconds), str(status)], os.environ, narrator, tmp_path)
    return narrator


def test_lines_of_snakemake_go_to_a_log_and_jobs_to_the_user(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert follow(tmp_path, 0, 0).done.total() == 1
    assert "embedded m1 (1 of 2), 0 s" in capsys.readouterr().err
    log = tmp_path / "logs" / "toy" / "snakemake.log"
    assert log.read_text() == "a line of Snakemake\n"
    with pytest.raises(StudyError, match="a line of Snakemake|without a message"):
        follow(tmp_path, 0, 1)


def test_a_run_that_cannot_be_planned_says_why_without_lines_of_python():
    lines = ("WorkflowError in file /x/a, line 3:", "models.tsv: no such loader", '  File "/x/a", line 1')
    narrator = Narrator(Path("results") / "toy")
    narrator.hear(json.dumps({"event": "error", "message": "\n".join(lines)}))
    said = _why_not_ended(narrator, Path("toy"), Path("a.log"))
    assert said == "models.tsv: no such loader\nthe study toy did not end; all lines are in a.log"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_end_ends_and_says_what_is_kept(tmp_path, monkeypatch, number):
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(number)

    def during():
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # such as Ctrl-C once more by someone in a hurry

    with pytest.raises(Stopped) as stopped:
        follow(tmp_path, 60, 0, during)
    said = "stopped: 1 of 2 jobs are done and kept; to go on, run the same command again"
    assert str(stopped.value) == said and signal.getsignal(number) is before


def test_a_run_that_is_stopped_before_its_first_job_counts_none(tmp_path):
    assert _what_is_kept(Narrator(tmp_path)).startswith("stopped: no job had begun; to go on,")


def test_no_run_goes_on_without_its_listener(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: made.append(popen(*a, **k)) or made[0])

    def during():
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        follow(tmp_path, 60, 0, during)
    assert made[0].poll() is not None


LISTENED_TO = """import os, time
from snakemake_logger_plugin_suffice import LogHandler, LogHandlerSettings
LogHandler(None, LogHandlerSettings(events="events", listener=os.getppid()))
print(os.getpid(), flush=True)
time.sleep(20)
print("went on")
"""


@pytest.mark.skipif(os.name != "posix", reason="other systems do not say that a parent has ended")
def test_no_run_goes_on_after_its_listener_was_killed(tmp_path):
    listener = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {LISTENED_TO!r}])"
    command = [sys.executable, "-c", listener]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    run = int(process.stdout.readline())
    time.sleep(1)
    os.kill(run, 0)  # it runs as long as its listener
    process.kill()
    assert process.stdout.read() == "" and process.wait() == -signal.SIGKILL  # read to the end of the run
