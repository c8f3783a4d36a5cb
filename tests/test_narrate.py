"""What `suffice run` says of jobs: names of models, how many, and failures with reason, remedy and log."""

import json

import pytest

from suffice.narrate import Job, Narrator, Tail, describe_failure, past_tense
from suffice.run import _what_is_kept, _why_not_ended


@pytest.fixture
def narrator(tmp_path):
    return Narrator(tmp_path / "results" / "toy")


def tell(narrator, event, **facts):
    narrator.hear(json.dumps({"event": event, **facts}))


def begin(narrator, jobid, rule="embed_items", log=(), **names):
    tell(narrator, "job_info", jobid=jobid, rule_name=rule, wildcards={"study": "toy"} | names, log=list(log))


def begin_two(narrator):
    tell(narrator, "run_info", stats={"embed_items": 2, "write_page": 1, "all": 1, "total": 4})
    begin(narrator, 1, model="minilm", dataset="docs")
    begin(narrator, 2, model="words", dataset="docs")


def test_a_job_is_said_by_its_model_and_counted(narrator, capsys):
    begin_two(narrator)
    tell(narrator, "job_finished", job_id=2)
    begin(narrator, 3, "write_page")
    tell(narrator, "job_finished", job_id=3)
    tell(narrator, "job_finished", job_id=0)  # the target rule, which is no work
    assert capsys.readouterr().err.splitlines() == [
        "3 jobs to do: 2 embed items, 1 write page",
        "embedded words on docs (1 of 2), 0 s",
        "wrote page (1 of 1), 0 s",
    ]
    assert _what_is_kept(narrator).startswith("stopped: 2 of 3 jobs are done and kept")


@pytest.mark.parametrize(
    ("rule", "names", "said"),
    [
        ("embed_items_with_looks", {"dataset": "docs", "model": "a"}, "embedded a on docs"),
        ("rank_models", {"dataset": "docs", "estimator": "linear"}, "ranked models: linear on docs"),
        ("write_page", {}, "wrote page"),
    ],
)
def test_a_rule_is_said_in_words(rule, names, said):
    assert Job(rule, names, [], 0.0).what_was_done == said


def test_every_verb_of_a_rule_has_a_past_tense(project):
    rules = "\n".join(
        path.read_text() for folder in ("rules", "src") for path in (project / folder).rglob("*.smk")
    )
    verbs = {line.split()[1].partition("_")[0] for line in rules.splitlines() if line.startswith("rule ")}
    said = {past_tense(verb) for verb in verbs - {"ablations"}}
    irregular = {"built", "made", "read", "wrote"}
    assert {"embedded", "estimated", "plotted", "built"} <= said
    assert all(word.endswith("ed") for word in said - irregular)


def test_a_terminal_has_a_bar_of_all_jobs(narrator, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    begin_two(narrator)
    tell(narrator, "job_finished", job_id=1)
    assert (narrator.bar.n, narrator.bar.total) == (1, 3)
    narrator.end()
    shown = capsys.readouterr().err
    assert "all jobs:" in shown and "embedded minilm on docs (1 of 2)" in shown


def test_a_quiet_run_says_failures_alone(narrator, capsys, tmp_path):
    narrator.quiet = True
    begin_two(narrator)
    narrator.hear_log("computed again: table.csv since its settings changed")
    tell(narrator, "job_finished", job_id=1)
    assert not capsys.readouterr().err
    tell(narrator, "job_error", jobid=2, rule_name="embed_items", log=[])
    assert "FAILED embed words on docs" in capsys.readouterr().err


def test_a_failure_is_a_block_with_the_reason_that_was_recorded(narrator, capsys, tmp_path):
    record = narrator.results / "failed" / "docs" / "words.json"
    record.parent.mkdir(parents=True)
    record.write_text('{"model": "words", "dataset": "docs", "message": "no vocabulary"}')
    (record.parent / "words.b.json").write_text('{"message": "of another model"}')
    begin_two(narrator)
    tell(narrator, "job_error", jobid=2, rule_name="embed_items", log=["logs/words.log"])
    said = capsys.readouterr().err.splitlines()[1:]
    assert said[:2] == ["FAILED embed words on docs", "  reason: no vocabulary"]
    assert "correct or remove words" in said[2] and "skip_failed=true" in said[2]
    assert "logs/words.log" in said[3]
    why = _why_not_ended(narrator, tmp_path, tmp_path / "log")
    assert "these failed: embed words on docs" in why and str(tmp_path / "log") in why


def test_a_job_that_ends_since_the_run_was_asked_to_end_has_not_failed(narrator, capsys):
    begin_two(narrator)
    narrator.is_ending = True
    tell(narrator, "job_error", jobid=2, rule_name="embed_items", log=[])
    assert "FAILED" not in capsys.readouterr().err and not narrator.failed


def test_a_job_without_a_record_fails_for_what_its_log_says(narrator, tmp_path):
    log = tmp_path / "job.log"
    log.write_text("first\n\nerror: the disk is full\n")
    said = describe_failure(Job("rank_models", {}, [str(log)], 0.0), narrator.results)
    assert "the disk is full" in said and "finished results are kept" in said
    log.write_text("")
    assert "was killed" in describe_failure(Job("rank_models", {}, [str(log)], 0.0), narrator.results)


def test_what_snakemake_says_is_the_reason_if_no_job_failed(narrator, tmp_path):
    tell(narrator, "error", message='WorkflowError in file "/a/study.smk", line 27:\nno study of that name')
    assert _why_not_ended(narrator, tmp_path, tmp_path / "log").startswith("no study of that name\n")


def test_progress_of_jobs_in_the_log_is_passed_on_and_other_lines_are_not(narrator, capsys):
    narrator.hear_log("minilm: 10 of 90 items, 4 items per second, 20 s left")
    narrator.hear_log("Select jobs to execute...")
    assert capsys.readouterr().err == "minilm: 10 of 90 items, 4 items per second, 20 s left\n"


def test_a_line_is_told_once_and_whole(tmp_path):
    path = tmp_path / "log"
    path.write_text("old\n")
    tail = Tail(path)
    with path.open("a") as stream:
        stream.write("one\ntw")
        stream.flush()
        assert list(tail.lines()) == ["one"]
        stream.write("o\n")
        stream.flush()
        assert list(tail.lines()) == ["two"] and not list(tail.lines())
