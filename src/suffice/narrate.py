"""The messages of a workflow run: one line per job with the names of models, and failures with their reason.

Snakemake writes its events to a file (see `snakemake_logger_plugin_suffice`), and its own output and that of
its jobs to a log. Both are followed while it runs.
"""

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from suffice.errors import DataError
from suffice.progress import duration, say_on_stderr
from suffice.storage.files import read_json

PAST = {
    "build": "built",
    "make": "made",
    "plot": "plotted",
    "read": "read",
    "write": "wrote",
}
"""Irregular past tenses of the verbs in names of rules."""
TARGETS = ("all", "ablations", "total")
NOT_NAMES = ("study",)
OF_JOBS = re.compile(r"^computed again: | per second, .* left$")
"""Lines of the log that the user sees: results deleted before the run, and the progress of jobs."""
MESSAGE = re.compile(r"\A\w+ in (?:file|rule) .*\n")
N_REASON_LINES = 3


class Tail:
    """The lines added to a file, each as soon as it is complete."""

    def __init__(self, path: Path) -> None:
        self.path, self.place = path, path.stat().st_size if path.exists() else 0

    def lines(self) -> Iterator[str]:
        """The new lines, without line ends."""
        with self.path.open("rb") as stream:
            stream.seek(self.place)
            new = stream.read()
        whole = new[: new.rfind(b"\n") + 1]
        self.place += len(whole)
        yield from whole.decode("utf-8", "replace").splitlines()


def past_tense(verb: str) -> str:
    """Past tense of a rule's verb: embedded, tried, ranked, estimated."""
    if verb in PAST:
        return PAST[verb]
    if verb.endswith("y"):
        return f"{verb[:-1]}ied"
    if verb.endswith("e"):
        return f"{verb}d"
    return f"{verb}{'ded' if verb.endswith('bed') else 'ed'}"


@dataclass(frozen=True)
class Job:
    """A job that has started.

    Attributes:
        rule: its rule.
        names: its wildcards without the study.
        logs: paths of its logs, including those of a cluster after a failure.
        started: start time in seconds of a monotonic clock.
    """

    rule: str
    names: Mapping[str, str]
    logs: list[str]
    started: float

    @property
    def what(self) -> str:
        """Its task, such as `embed minilm on docs` or `rank models: linear on docs`."""
        return self._with_names(self.rule.partition("_")[0])

    @property
    def what_was_done(self) -> str:
        """The task in the past tense, such as `embedded minilm on docs`."""
        return self._with_names(past_tense(self.rule.partition("_")[0]))

    def _with_names(self, verb: str) -> str:
        what = self.rule.removesuffix("_with_looks").partition("_")[2].replace("_", " ")
        names = self._of_names()
        said = verb if what == "items" else f"{verb} {what}"
        return f"{said} {names}" if said == verb else ": ".join(filter(None, (said, names)))

    def _of_names(self) -> str:
        others = ", ".join(value for name, value in self.names.items() if name != "dataset")
        dataset = self.names.get("dataset")
        return " on ".join(filter(None, (others, dataset)))


@dataclass
class Narrator:
    """Prints the progress of a run.

    Attributes:
        results: folder of the results.
        quiet: whether only failures are printed.
        total: number of jobs of each rule.
        done: number of finished jobs.
        failed: tasks of the failed jobs, in order.
        errors: messages of Snakemake that do not belong to a job.
        running: the started jobs, by Snakemake's number.
        last_line: last line of the log.
        bar: the progress bar of all jobs, on a terminal.
        is_ending: whether the run was asked to end; jobs that then end early have not failed.
    """

    results: Path
    quiet: bool = False
    total: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    running: dict[str, Job] = field(default_factory=dict)
    last_line: str = ""
    bar: "tqdm[Any] | None" = None
    is_ending: bool = False

    @property
    def has_begun(self) -> bool:
        """Whether a job has started."""
        return bool(self.running or self.done or self.failed)

    def hear(self, line: str) -> None:
        """Process one event, given as a line of JSON."""
        event = json.loads(line)
        getattr(self, f"_{event.pop('event')}")(**event)

    def hear_log(self, line: str) -> None:
        """Process one line of the log; few lines are shown to the user."""
        self.last_line = line.strip() or self.last_line
        if OF_JOBS.search(line):
            self._say(line)

    def end(self) -> None:
        """Remove the progress bar."""
        if self.bar is not None:
            self.bar.close()

    def _say(self, line: str) -> None:
        if not self.quiet:
            say_on_stderr(line)

    def _run_info(self, stats: Mapping[str, int]) -> None:
        self.total = Counter({rule: n for rule, n in stats.items() if rule not in TARGETS})
        stages = ", ".join(f"{n} {rule.replace('_', ' ')}" for rule, n in self.total.items())
        total = self.total.total()
        self._say(f"{total} {'job' if total == 1 else 'jobs'} to do: {stages}")
        if not self.quiet and sys.stderr.isatty():
            self.bar = tqdm(total=total, desc="all jobs", unit=" jobs", leave=False)

    def _job_info(self, jobid: int, rule_name: str, wildcards: Mapping[str, str], log: list[str]) -> None:
        names = {name: value for name, value in wildcards.items() if name not in NOT_NAMES}
        if rule_name not in TARGETS:
            self.running[str(jobid)] = Job(rule_name, names, log, time.monotonic())

    def _job_finished(self, job_id: int) -> None:
        job = self.running.pop(str(job_id), None)
        if job is None:
            return
        self.done[job.rule] += 1
        of = f"{self.done[job.rule]} of {max(self.total[job.rule], self.done[job.rule])}"
        self._say(f"{job.what_was_done} ({of}), {duration(time.monotonic() - job.started)}")
        if self.bar is not None:
            self.bar.update(1)

    def _job_error(self, jobid: int, rule_name: str, log: list[str]) -> None:
        known = self.running.pop(str(jobid), None)
        if self.is_ending:
            return
        job = Job(rule_name, known.names if known else {}, log, time.monotonic())
        self.failed.append(job.what)
        say_on_stderr(describe_failure(job, self.results))

    def _error(self, message: str) -> None:
        self.errors.append(MESSAGE.sub("", message).strip())


def describe_failure(job: Job, results: Path) -> str:
    """A failed job as a block: its task, the reason, the remedy, and its log."""
    model, record = job.names.get("model"), _record_of(job, results)
    reason = _recorded_reason(record) if record else _logged_reason(job.logs)
    remedy = (
        f"correct or remove {model}, or rank the others: the same command with --config skip_failed=true "
        "(make: SKIP_FAILED=yes)"
        if record
        else "correct the reason and run the same command again; finished results are kept"
    )
    lines = [f"FAILED {job.what}", f"  reason: {reason}", f"  remedy: {remedy}"]
    return "\n".join([*lines, f"  log:    {', '.join(job.logs)}"] if job.logs else lines)


def _record_of(job: Job, results: Path) -> Path | None:
    """The record of a model's failed job; None if there is no record."""
    names, folder = job.names, results / "failed" / job.names.get("dataset", "")
    ends = (names.get("estimator", ""), f"shard-{names.get('shard', '')}", "")
    files = (folder / ".".join(filter(None, (names.get("model"), end, "json"))) for end in ends)
    return next((path for path in files if path.is_file()), None)


def _recorded_reason(path: Path) -> str:
    try:
        return str(read_json(path)["message"])
    except (DataError, KeyError, TypeError):
        return f"{path} gives no reason"


def _logged_reason(logs: list[str]) -> str:
    """The last lines of a job's log."""
    for path in map(Path, logs):
        if path.is_file():
            lines = [
                line
                for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
                if line.strip()
            ]
            if lines:
                return " / ".join(lines[-N_REASON_LINES:]).removeprefix("error: ")
    return "its log is empty; the job was killed, possibly because it ran out of memory"
