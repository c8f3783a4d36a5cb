"""Functions for the Snakefile and its scripts. Only this module depends on Snakemake."""

import errno
import glob
import json
import logging
import os
import shlex
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from suffice.devices import own_gpu
from suffice.errors import (
    DataError,
    EstimationError,
    StudyError,
    SufficeError,
    is_out_of_memory,
    out_of_memory,
)
from suffice.progress import showing_progress
from suffice.secrets import WithoutSecrets, for_sharing
from suffice.storage.current import delete_results, outdated_results, refuse_other_study
from suffice.storage.files import read_json, remove_leftovers, user_path, whole_files, write_json
from suffice.storage.locks import try_lock
from suffice.storage.records import (
    FOLDER,
    check_result,
    is_result,
    sha256_of,
    write_records,
    write_run_record,
)

if TYPE_CHECKING:
    from suffice.study.model import Study


log = logging.getLogger("suffice")

DRY_RUN = {"-n", "--dry-run", "--dryrun"}  # options that ask Snakemake only for a plan
KILLED = "the job is still running or was killed, possibly because it ran out of memory"
FAILURE_FACTS = ("model", "dataset", "message")
WORKFLOW_KEYS = ("study", "skip_failed")
DEFAULT_STUDY = "api-docs"
RUN_LOCK, JOBS_LOCK = ".run.lock", ".jobs.lock"


def open_study(config: Mapping[str, Any], root: Path, check: bool) -> tuple["Study", list[dict[str, str]]]:
    """The study named in Snakemake's configuration, and the models that are left out of it.

    Args:
        config: `study` is a name in `config/` or a folder; `skip_failed` leaves out the models whose
            embedding failed in an earlier run; every other key replaces one of study.yaml.
        root: the folder of the Snakefile.
        check: also check that data can be read and models loaded, which takes seconds. A plan (a dry run)
            does not need checkpoints that are not fetched yet.

    Raises:
        StudyError: the study has an error.
    """
    from suffice.study.read import check_sources, load_study

    study = load_study(study_folder(config, root), overrides_in(config))
    failed = failed_models(Path("results") / study.name, study)
    missing = _with_dependents(failed, study) if config.get("skip_failed") else []
    study = study.without({failure["model"] for failure in missing})
    study.check_targets()
    if check:
        check_sources(study, plan=bool(DRY_RUN & set(sys.argv)))
    return study, missing


def study_folder(config: Mapping[str, Any], root: Path) -> Path:
    """The folder of the study named in Snakemake's configuration.

    Raises:
        StudyError: the folder does not exist.
    """
    name = str(config.get("study", DEFAULT_STUDY))
    try:
        path = user_path(name)
    except DataError as error:
        raise StudyError(f"study: {error}") from None
    places = (root / "config" / path, path, Path("config") / path)  # the last is where new-study writes
    folder = next(filter(Path.is_dir, places), None)
    if folder is None:
        known = ", ".join(sorted(path.parent.name for path in (root / "config").glob("*/study.yaml")))
        raise StudyError(
            f"no study {name!r}: neither config/{name} nor a folder of that name; existing studies: {known}"
        )
    return folder


def quote_interpreter() -> None:
    """Quote the path of the interpreter for shells: Snakemake calls it in shell commands as it is.

    Snakemake quotes every other path. A checkout in a folder with spaces has its interpreter in it, too.
    """
    sys.executable = shlex.quote(sys.executable)


def let_jobs_import_library(root: Path) -> None:
    """Make jobs import the library from this checkout, even in an environment that does not have it."""
    paths = [str(root / "src"), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))


def overrides_in(config: Mapping[str, Any]) -> dict[str, Any]:
    """The values in Snakemake's configuration that replace keys of study.yaml."""
    return {key: value for key, value in config.items() if key not in WORKFLOW_KEYS}


def stop_with_message(error: SufficeError) -> None:
    """End Snakemake with only the message, without a traceback."""
    from snakemake.exceptions import WorkflowError

    raise WorkflowError(str(error)) from None


def failed_models(results: Path, study: "Study") -> list[dict[str, str]]:
    """The models of a study that failed in earlier runs: model, data set and message.

    Records of models and data sets that the study no longer has are removed.
    """
    failures: dict[tuple[str, str], dict[str, str]] = {}
    for path in whole_files(results, "failed/*/*.json"):
        failure = read_failure(path)
        if failure["model"] in study.models and failure["dataset"] in study.datasets:
            failures.setdefault((failure["model"], failure["dataset"]), failure)
        else:
            path.unlink(missing_ok=True)
    return list(failures.values())


def read_failure(path: Path) -> dict[str, str]:
    """The record of a model that failed.

    Raises:
        DataError: it is damaged.
    """
    failure = read_json(path)
    facts = [failure.get(name) for name in FAILURE_FACTS] if isinstance(failure, dict) else [None]
    if not all(isinstance(fact, str) for fact in facts):
        raise DataError(f"{path} is not a record of a failed model; delete it and run again")
    return dict(failure)


def _with_dependents(failures: list[dict[str, str]], study: "Study") -> list[dict[str, str]]:
    """The failures, and one more for each model that is made from a failed model."""
    failed = {failure["model"]: failure for failure in failures}
    dependents = []
    for row in study.models.values():
        broken = [name for name in row.base_models if name in failed]
        if broken and row.name not in failed:
            dataset = failed[broken[0]]["dataset"]
            dependents.append({"model": row.name, "dataset": dataset, "message": f"made from {broken[0]}"})
    return [*failures, *dependents]


def complete_rules(rules: Iterable[Any], environment: Path) -> None:
    """Give each rule with a script an environment, a log and a file with its time.

    Both files are named by the rule and by the wildcards of its first output, in their order, such as
    `logs/{study}/embed_items/{dataset}/{model}.log`. A rule that names one of the three itself keeps it.

    Args:
        rules: Snakemake's rules, after all of them are read.
        environment: the file of the conda environment.
    """
    from snakemake.io import WILDCARD_REGEX

    for rule in rules:
        if not rule.script:
            continue
        found = (
            match["name"] for output in rule.output[:1] for match in WILDCARD_REGEX.finditer(str(output))
        )
        wildcards = list(dict.fromkeys(found))
        # A rule may also write out the path of its results, results/<study>.
        study = "{study}" if "study" in wildcards else Path(str(rule.output[0])).parts[1]
        job = "/".join((rule.name, *(f"{{{name}}}" for name in wildcards if name != "study")))
        rule.conda_env = rule.conda_env or str(environment)
        rule.log_modifier = rule.benchmark_modifier = rule.output_modifier
        if not rule.log:
            rule.set_log(f"logs/{study}/{job}.log")
        if not rule.benchmark:
            rule.benchmark = f"results/{study}/benchmarks/{job}.tsv"


def files_by_name(named: Any) -> dict[str, list[str]]:
    """The named inputs or outputs of a job, each as a list."""
    return {name: [found] if isinstance(found, str) else list(found) for name, found in named.items()}


@contextmanager
def running_job(snakemake: Any) -> Iterator[None]:
    """The frame of every job: check its inputs, compute, and record its outputs.

    Inputs that are results must be as their jobs wrote them. Messages go to the rule's log and to stderr. An
    error that a user can fix has no traceback.
    """
    _log_messages(snakemake)
    results = Path(*Path(snakemake.output[0]).parts[:2])  # results/<study>
    with job_at_work(results), own_gpu() if snakemake.resources.get("gpu") else nullcontext():
        inputs = _checked_inputs(results, map(Path, snakemake.input))
        started = time.perf_counter()
        with showing_progress(log.info):
            yield
        job = {
            "rule": snakemake.rule,
            "wildcards": dict(snakemake.wildcards),
            "parameters": stable(dict(snakemake.params)),
            "seconds": time.perf_counter() - started,
        }
        write_records(results, map(Path, snakemake.output), inputs, stable(job))


def _checked_inputs(results: Path, paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of each input, by its path in the results, or by its absolute path if it is not a result."""
    found = {}
    for path in paths:
        if is_result(results, path):
            found[str(path.relative_to(results))] = check_result(results, path)
        else:
            found[str(path.absolute())] = sha256_of(path)
    return found


@contextmanager
def job_at_work(results: Path) -> Iterator[None]:
    """Tell later runs, while the block lasts, that a job is using the results."""
    handle = try_lock(results / JOBS_LOCK, shared=True)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def begin_run(results: Path, folder: Path, overrides: Mapping[str, Any]) -> None:
    """Lock the results for this run, and record the study, code and versions beside them.

    Args:
        results: folder of the results.
        folder: folder of the study.
        overrides: values that replace keys of study.yaml.

    Raises:
        WorkflowError: another run is using them.
    """
    try:
        claim_results(results)
    except StudyError as error:
        stop_with_message(error)
    remove_leftovers(results)
    write_run_record(results, folder, stable(overrides))


def let_content_decide(results: Path, folder: Path, overrides: Mapping[str, Any]) -> None:
    """Before a run is planned, delete results that would differ now; a plan only lists them.

    Args:
        results: folder of the results.
        folder: folder of the study.
        overrides: values that replace keys of study.yaml.

    Raises:
        WorkflowError: the results belong to another study.
    """
    if not (results / FOLDER).is_dir():
        return
    try:
        lock = claim_results(results)
    except StudyError:
        return  # others are using them, and this run will be refused when it starts
    try:
        refuse_other_study(results, folder)
        outdated = outdated_results(results, folder, stable(overrides), Path(".snakemake/metadata"))
        if not DRY_RUN & set(sys.argv):
            delete_results(results, outdated)
    except SufficeError as error:
        stop_with_message(error)
    finally:
        os.close(lock)
    for why in dict.fromkeys(outdated.values()):
        names = [name for name in outdated if outdated[name] == why]
        more = f" and {len(names) - 1} more" if names[1:] else ""
        print(f"computed again: {names[0]}{more} {why}", file=sys.stderr)


def claim_results(results: Path) -> int:
    """Lock the results for this run until its process ends; returns the lock.

    Raises:
        StudyError: another run is using them, or jobs of a killed run are still running.
    """
    run = try_lock(results / RUN_LOCK)
    if run is None:
        raise StudyError(f"another run is using {results}; wait until it ends, or end it")
    jobs = try_lock(results / JOBS_LOCK)
    if jobs is None:
        os.close(run)
        raise StudyError(f"jobs of an earlier run are still using {results}; wait until they end")
    os.close(jobs)
    return run


def _log_messages(snakemake: Any) -> None:
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if snakemake.log:
        handlers.append(logging.FileHandler(str(snakemake.log[0]), mode="w", encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(WithoutSecrets("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.captureWarnings(True)
    for quiet in ("httpx", "matplotlib", "fontTools"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
    sys.excepthook = _log_uncaught


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, SufficeError):
        log.error("error: %s", error)
    elif is_out_of_memory(error):
        log.error("error: %s", out_of_memory(error))
    elif is_full_disk(error):
        log.error("error: no disk space left (%s); free some and run again, finished results are kept", error)
    else:
        log.error("%s", "".join(traceback.format_exception(kind, error, trace)))


def is_full_disk(error: BaseException) -> bool:
    """Whether an error, from Python or a library that writes files, means that a disk or quota is full."""
    number = getattr(error, "errno", None)
    return number in (errno.ENOSPC, errno.EDQUOT) or "No space left on device" in str(error)


@contextmanager
def recording_failure(path: str, model: str, dataset: str) -> Iterator[None]:
    """Keep a record of a model that fails, so a later run can continue without it.

    The record exists while the job runs, so a killed job leaves it behind. Success also removes the records
    of the model's shards, which a run with another number of shards may have left.
    """
    record, names = Path(path), {"model": model, "dataset": dataset}
    write_json(names | {"message": KILLED}, record)
    try:
        yield
    except Exception as error:
        message = for_sharing(str(error) or type(error).__name__)
        write_json(names | {"message": message}, record)
        raise
    record.unlink()
    for of_shard in record.parent.glob(f"{glob.escape(record.stem)}.shard-*.json"):
        of_shard.unlink(missing_ok=True)


class ModelsInOneJob:
    """Work on several models in one job, where a model that fails does not stop the others.

    Args:
        records: path of the record of each model, if it fails.
        dataset: the data set.
    """

    def __init__(self, records: Mapping[str, str], dataset: str) -> None:
        self.records = records
        self.dataset = dataset
        self.failed: set[str] = set()

    def work(self, function: Callable[[str], object], model: str) -> None:
        """Call a function with the name of a model; log and record an error."""
        try:
            with recording_failure(self.records[model], model, self.dataset):
                function(model)
        except Exception as error:  # noqa: BLE001  (recorded, and `check` raises)
            self.failed.add(model)
            log.error("the model %s failed:", model)
            _log_uncaught(type(error), error, error.__traceback__)

    def check(self) -> None:
        """Raise EstimationError if a model failed; remove what earlier jobs recorded of the others."""
        for model, path in self.records.items():
            if model not in self.failed:
                Path(path).unlink(missing_ok=True)
        if self.failed:
            names = ", ".join(model for model in self.records if model in self.failed)
            raise EstimationError(
                f"{len(self.failed)} of {len(self.records)} models failed: {names}; the reasons are above. "
                "The pairs of the others are in the store, and the next run uses them"
            )


def stable(value: Any) -> Any:
    """A JSON-compatible copy with sorted keys, which Snakemake compares to detect changed parameters."""
    return json.loads(json.dumps(value, sort_keys=True, default=str))
