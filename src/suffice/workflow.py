"""What the Snakefile and its scripts need: the only module that knows Snakemake."""

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from suffice.errors import StudyError, SufficeError
from suffice.files import read_json, write_json
from suffice.provenance import code_digest

if TYPE_CHECKING:
    from suffice.calibration.study import CalibrationStudy
    from suffice.published.study import PublishedSettings
    from suffice.saturation.study import SaturationStudy
    from suffice.study.model import ModelRow, Study

__all__ = ["code_digest", "failed_models", "open_study", "recording_failure", "start_job"]

log = logging.getLogger("suffice")

KILLED = "its job did not end: it runs still, or was killed, perhaps for want of memory"
FILE_SETTINGS = ("path", "vocabulary", "ids")
WORKFLOW_KEYS = ("study", "skip_failed")
DEFAULT_STUDY = "api-docs"


def open_study(config: Mapping[str, Any], root: Path, check: bool) -> tuple["Study", list[dict[str, str]]]:
    """The study that Snakemake's configuration names, and the models that are left out of it.

    Args:
        config: `study` is a name in `config/` or a folder; `skip_failed` leaves out the models whose
            embedding failed in an earlier run; every other key replaces one of study.yaml.
        root: the folder of the Snakefile.
        check: also check that data can be read and models loaded, which takes seconds.

    Raises:
        StudyError: something in the study is wrong.
    """
    from suffice.study.read import check_sources, load_study

    study = load_study(study_folder(config, root), overrides_in(config))
    failed = failed_models(Path("results") / study.name, study)
    missing = _with_dependents(failed, study) if config.get("skip_failed") else []
    study = study.without({failure["model"] for failure in missing})
    study.check_targets()
    if check:
        check_sources(study)
    return study, missing


def open_calibration(config: Mapping[str, Any], root: Path) -> "CalibrationStudy":
    """The calibration study that Snakemake's configuration names; arguments and errors as `open_study`."""
    from suffice.calibration.study import load_calibration

    return load_calibration(study_folder(config, root), overrides_in(config))


def open_published(config: Mapping[str, Any], root: Path) -> "PublishedSettings":
    """The settings of the study of published numbers that Snakemake's configuration names."""
    from suffice.published.study import load_published

    return load_published(study_folder(config, root), overrides_in(config))


def open_saturation(config: Mapping[str, Any], root: Path) -> "SaturationStudy":
    """The study of equal test loss that Snakemake's configuration names."""
    from suffice.saturation.study import load_saturation

    return load_saturation(study_folder(config, root), overrides_in(config))


def calibration_memory_mb(settings: Sequence[Mapping[str, Any]]) -> int:
    """Megabytes for the largest of some settings: eight copies of both sides, and ten square matrices."""
    largest = max(each["n_items"] * each["dim"] * 16 + each["dim"] ** 2 * 20 for each in settings)
    return 1000 + largest * 4 // 10**6


def study_folder(config: Mapping[str, Any], root: Path) -> Path:
    """The folder of the study that Snakemake's configuration names.

    Raises:
        StudyError: there is no such folder.
    """
    name = str(config.get("study", DEFAULT_STUDY))
    named = root / "config" / name
    folder = named if named.is_dir() else Path(name)
    if not folder.is_dir():
        known = ", ".join(sorted(path.parent.name for path in (root / "config").glob("*/study.yaml")))
        raise StudyError(
            f"no study {name!r}: neither config/{name} nor a folder of that name; there is: {known}"
        )
    return folder


def let_jobs_import_library(root: Path) -> None:
    """Have jobs import the library from this checkout, also in an environment that does not have it."""
    paths = [str(root / "src"), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))


def overrides_in(config: Mapping[str, Any]) -> dict[str, Any]:
    """The values of Snakemake's configuration that replace keys of study.yaml."""
    return {key: value for key, value in config.items() if key not in WORKFLOW_KEYS}


def stop_with_message(error: SufficeError) -> None:
    """End Snakemake with the message alone, without a traceback."""
    from snakemake.exceptions import WorkflowError

    raise WorkflowError(str(error)) from None


def failed_models(results: Path, study: "Study") -> list[dict[str, str]]:
    """The models of a study that failed in earlier runs: model, data set and message of each.

    Records of models and data sets that the study no longer has are removed.
    """
    failures: dict[tuple[str, str], dict[str, str]] = {}
    for path in sorted(results.glob("failed/*/*.json")):
        failure = read_json(path)
        if failure["model"] in study.models and failure["dataset"] in study.datasets:
            failures.setdefault((failure["model"], failure["dataset"]), failure)
        else:
            path.unlink(missing_ok=True)
    return list(failures.values())


def _with_dependents(failures: list[dict[str, str]], study: "Study") -> list[dict[str, str]]:
    """The failures, and one for each model that is made from a model that failed."""
    failed = {failure["model"]: failure for failure in failures}
    dependents = []
    for row in study.models.values():
        broken = [name for name in row.base_models if name in failed]
        if broken and row.name not in failed:
            dataset = failed[broken[0]]["dataset"]
            dependents.append({"model": row.name, "dataset": dataset, "message": f"made from {broken[0]}"})
    return [*failures, *dependents]


def loader_settings(model: "ModelRow", dataset: str, results: str) -> dict[str, Any]:
    """The settings of a model's loader for one data set, with the files that the workflow makes for it."""
    from suffice.study.standins import place_of_checkpoint

    made = {}
    if model.training:
        made["checkpoint"] = f"{results}/checkpoints/{model.training[0]}/step-{model.training[1]}"
    if model.is_standin:
        made["checkpoint"] = place_of_checkpoint(results, model.name)
    if model.base_models:
        made["path"] = ",".join(f"{results}/embeddings/{dataset}/{name}.npy" for name in model.base_models)
    return model.settings_for(dataset) | made


def files_of_settings(settings: Mapping[str, Any]) -> list[str]:
    """All local files that a model's settings name; those in the folder, for one that names a folder."""
    paths = [Path(str(settings[key])) for key in (*FILE_SETTINGS, "checkpoint") if key in settings]
    inside = [sorted(path.rglob("*")) if path.is_dir() else [path] for path in paths]
    return [str(path) for files in inside for path in files if path.is_file()]


def start_job(snakemake: Any) -> None:
    """Send records to the rule's log and to stderr; an error that a user can mend has no traceback."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if snakemake.log:
        handlers.append(logging.FileHandler(str(snakemake.log[0]), mode="w", encoding="utf-8"))
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=handlers, force=True)
    logging.captureWarnings(True)
    for quiet in ("httpx", "matplotlib", "fontTools"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
    sys.excepthook = _log_uncaught


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, SufficeError):
        log.error("error: %s", error)
    else:
        log.error("%s", "".join(traceback.format_exception(kind, error, trace)))


@contextmanager
def recording_failure(path: str, model: str, dataset: str) -> Iterator[None]:
    """Keep a record of a model that fails, so that a later run can go on without it.

    The record is there while the job runs, so that one that is killed leaves it behind.
    """
    record, names = Path(path), {"model": model, "dataset": dataset}
    write_json(names | {"message": KILLED}, record)
    try:
        yield
    except Exception as error:
        write_json(names | {"message": str(error) or type(error).__name__}, record)
        raise
    record.unlink()


def stable(value: Any) -> Any:
    """A JSON-compatible copy with sorted keys: what Snakemake compares to see whether a parameter changed."""
    return json.loads(json.dumps(value, sort_keys=True, default=str))
