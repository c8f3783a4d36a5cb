"""Run a study with one command, from a checkout or from the installed package."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from suffice.devices import visible_gpus
from suffice.errors import StudyError
from suffice.memory import memory_limit
from suffice.narrate import Narrator, Tail

HERE = Path(__file__).resolve().parent
LISTEN_SECONDS = 0.2
NOT_FOR_USERS = re.compile(r"Using workflow specific profile|WorkflowError in file|  File |\s*$")
"""Lines of Snakemake that say nothing about a study."""


@dataclass(frozen=True)
class Effort:
    """How a study is run.

    Attributes:
        cores: jobs at once; None: the number of processors.
        profile: name of a profile of the package, or a folder with a profile.
        settings: `key=value` each; they replace keys of study.yaml or are keys of the workflow itself.
        plan: only print which jobs would run.
        quiet: report only failures.
        memory_mb: total memory of all jobs, in megabytes; None: that of the computer.
        gpus: total GPUs of all jobs; None: all visible GPUs.
        targets: rules or files to make; empty: the whole study.
        more: further options of Snakemake.
    """

    cores: int | None = None
    profile: str = "default"
    settings: Sequence[str] = ()
    plan: bool = False
    quiet: bool = False
    memory_mb: int | None = None
    gpus: int | None = None
    targets: Sequence[str] = ()
    more: Sequence[str] = ()


class Stopped(KeyboardInterrupt):
    """The user stopped a run; the message says what is kept."""


def workflow_root() -> Path:
    """The folder of the Snakefile: the checkout of the library, or a folder in the installed package.

    Raises:
        StudyError: the package has no workflow.
    """
    for root in (HERE.parent.parent, HERE / "_workflow"):
        if (root / "Snakefile").is_file():
            return root
    raise StudyError(f"{HERE} has no workflow beside it; install suffice from a wheel or a checkout")


def study_of(given: str, models: Sequence[str], content: str | None, content_type: str | None = None) -> Path:
    """The folder of a study: the given one, or a new one beside a file of items.

    Args:
        given: a folder, the name of a study in `config` or of the package, or a file of texts; with a
            content type, a file or folder of such items.
        models: models of a new study, as `write_new_study` accepts them; at least two for texts.
        content: column of the file with the items.
        content_type: modality of the items of a new study; None: texts in a file.

    Raises:
        StudyError: nothing has that name, or models are given although the study has its own.
    """
    path = Path(given).expanduser()
    of_package = workflow_root() / "config" / given
    named = of_package if of_package.is_dir() else Path("config") / given  # where `suffice new-study` writes
    is_own = (path / "study.yaml").is_file() or (content_type is not None and path.exists())
    folder = path if is_own else named
    if (folder / "study.yaml").is_file():
        if models or content or content_type:
            raise StudyError(f"{folder} is a study whose tables name models and columns; edit these tables")
        return folder
    if not (path.exists() if content_type else path.is_file()):
        known = ", ".join(sorted(each.parent.name for each in workflow_root().glob("config/*/study.yaml")))
        raise StudyError(
            f"{given!r} is neither a study (a folder with study.yaml) nor a file of texts; the package has: "
            f"{known}"
        )
    from suffice.study.new import name_of, write_new_study  # the import takes a second

    if len(models) < 2 and content_type is None:
        raise StudyError("name at least two models, such as --models minilm,tfidf-256,owner/name-on-the-hub")
    made = path.absolute().parent / f"{name_of(path.name.split('.')[0])}-study"
    asked = made.with_name(f"{made.name}-again") if made.exists() else made
    write_new_study(asked, path, models or None, content, content_type or "text")
    if asked != made:
        _refuse_other(made, asked)
    return made


def _refuse_other(made: Path, asked: Path) -> None:
    """Remove the study that a command asks for, and raise StudyError if the existing one differs from it."""
    differ = [each.name for each in sorted(asked.iterdir()) if not _is_same(each, made / each.name)]
    shutil.rmtree(asked)
    if differ:
        raise StudyError(
            f"{made} exists, and its {differ[0]} differs from what this command asks for; run the study as "
            f"it is (suffice run {made}), or move it away"
        )


def _is_same(file: Path, other: Path) -> bool:
    return other.is_file() and other.read_bytes() == file.read_bytes()


def results_of(folder: Path, settings: Sequence[str] = ()) -> Path:
    """The folder of a study's results, below the working folder."""
    has_standins = "offline_standins=true" in settings
    return Path("results") / f"{folder.resolve().name}{'-standins' if has_standins else ''}"


def run_study(folder: Path, effort: Effort) -> None:
    """Run a study's workflow and write its results to the working folder.

    Progress of jobs is shown on stderr. Lines from Snakemake itself and from its jobs go to
    `logs/NAME/snakemake.log`.

    Raises:
        StudyError: Snakemake is not installed, the profile is unknown, or the study did not end.
        Stopped: the user interrupted the run.
    """
    if importlib.util.find_spec("snakemake") is None:
        raise StudyError("running a study needs Snakemake: pip install 'suffice[workflow]'")
    command = _command(folder.absolute(), effort)
    paths = [str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    if effort.plan:
        _plan(command, environment, folder)
        return
    results = results_of(folder, effort.settings)
    _follow(command, environment, Narrator(results, effort.quiet), folder)


def _plan(command: list[str], environment: Mapping[str, str], folder: Path) -> None:
    """Have Snakemake plan, and print how many jobs of each kind there are."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        why = _for_users(done.stderr + done.stdout)
        raise StudyError("\n".join([*why, f"the study {folder} could not be planned"]))
    print("".join(f"{line}\n" for line in _for_users(done.stderr)), end="", file=sys.stderr)
    print(jobs_in_plan(done.stdout) or "nothing to do: all results are up to date")


def _for_users(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if not NOT_FOR_USERS.match(line)]


def jobs_in_plan(printed: str) -> str:
    """The table of jobs in what Snakemake prints as a plan; empty if there are no jobs."""
    table = printed.partition("Job stats:\n")[2].partition("\n\n")[0]
    return "\n".join(line for line in table.splitlines() if not line.startswith(("all ", "total ", "---")))


def _follow(command: list[str], environment: Mapping[str, str], narrator: Narrator, folder: Path) -> None:
    """Run Snakemake to its end, and print its progress."""
    log = Path("logs") / narrator.results.name / "snakemake.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix="suffice-events-") as events, log.open("ab") as lines:
        tails = Tail(Path(events.name)), Tail(log)
        logger = ["--logger", "suffice", "--logger-suffice-events", events.name]
        logger += ["--logger-suffice-listener", str(os.getpid())]
        streams = {"stdin": subprocess.DEVNULL, "stdout": lines, "stderr": subprocess.STDOUT}
        whole = [*command[:3], *logger, *command[3:]]  # after: python -m snakemake
        process = subprocess.Popen(whole, env=environment, **streams)  # type: ignore[call-overload]
        with _ended_with_us(process, narrator):
            _listen(process, narrator, *tails)
    if process.returncode:
        raise StudyError(_why_not_ended(narrator, folder, log))
    if not narrator.has_begun and not narrator.quiet:
        print("nothing to do: all results are up to date", file=sys.stderr)


@contextmanager
def _ended_with_us(process: "subprocess.Popen[bytes]", narrator: Narrator) -> Iterator[None]:
    """Have Snakemake end when this process is interrupted, asked to end, or fails.

    Raises:
        Stopped: it was interrupted or asked to end.
    """

    def pass_on(number: int, frame: object) -> None:
        narrator.is_ending = True
        process.terminate()  # Ctrl-C reaches Snakemake as well, but a signal to this process alone does not

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        narrator.end()
        for number, handler in before.items():
            signal.signal(number, handler)
    if process.returncode and narrator.is_ending:
        raise Stopped(_what_is_kept(narrator))


def _listen(process: "subprocess.Popen[bytes]", narrator: Narrator, heard: Tail, logged: Tail) -> None:
    """Print the progress until the process has ended."""
    is_running = True
    while is_running:
        try:
            process.wait(LISTEN_SECONDS)
            is_running = False
        except subprocess.TimeoutExpired:
            pass
        for line in logged.lines():
            narrator.hear_log(line)
        for line in heard.lines():
            narrator.hear(line)


def _what_is_kept(narrator: Narrator) -> str:
    done, total = narrator.done.total(), narrator.total.total()
    kept = f"{done} of {total} jobs are done and kept" if total else "no job had begun"
    return f"stopped: {kept}; to go on, run the same command again"


def _why_not_ended(narrator: Narrator, folder: Path, log: Path) -> str:
    """One message on a failed run: Snakemake's message, or the jobs that failed, and the path of the log."""
    if narrator.failed:
        n_done, failed = narrator.done.total(), "; ".join(dict.fromkeys(narrator.failed))
        why = f"{n_done} jobs are done and kept, and these failed: {failed}"
    else:
        told = "\n".join(_for_users("\n".join(narrator.errors)))
        why = told or narrator.last_line or "Snakemake ended without a message"
    return f"{why}\nthe study {folder} did not end; all lines are in {log}"


def _command(folder: Path, effort: Effort) -> list[str]:
    root = workflow_root()
    profile = root / "profiles" / effort.profile
    if not profile.is_dir():
        profile = Path(effort.profile).expanduser()
    if not (profile / "config.yaml").is_file():
        known = ", ".join(sorted(path.name for path in (root / "profiles").iterdir()))
        said = f"unknown profile {effort.profile!r}; use one of {known}, or give a folder with config.yaml"
        raise StudyError(said)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile")]
    command += ["--workflow-profile", str(profile)]
    command += _limits(effort, has_all=profile == root / "profiles" / "default")
    command += ["--dry-run", "--quiet", "rules", "host"] if effort.plan else []
    command += ["--config", f"study={folder}", *effort.settings, *effort.more]
    return [*command, *(["--", *effort.targets] if effort.targets else [])]


def _limits(effort: Effort, has_all: bool) -> list[str]:
    """Limits of the resources of jobs: the given ones, and on one computer everything it has.

    Args:
        effort: the given limits.
        has_all: whether missing limits come from this computer and not from the profile.
    """
    cores, memory_mb, gpus = str(effort.cores or ""), effort.memory_mb, effort.gpus
    if has_all:
        cores = cores or "all"
        memory_mb = memory_mb or memory_limit() // 10**6
        gpus = len(visible_gpus()) if gpus is None else gpus
    given = {"mem_mb": memory_mb, "gpu": gpus}
    resources = [f"{name}={amount}" for name, amount in given.items() if amount is not None]
    return [
        *(["--cores", cores] if cores else []),
        *(["--resources", *resources] if resources else []),
    ]
