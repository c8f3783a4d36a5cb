"""A record of every result: its expected bytes, its inputs, and the code and versions that made it.

A result is a file or folder below the results of a study. Its record is at the same place below the folder
`records`, and has a checksum of itself. Results can therefore be checked on their own, even after they are
copied elsewhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from suffice.errors import DataError
from suffice.secrets import for_sharing
from suffice.storage.files import (
    read_json,
    sha256_of_file,
    sha256_of_json,
    unsealed,
    whole_files,
    write_sealed,
)
from suffice.storage.provenance import git_state, is_current, loaded_versions, machine, versions

SCHEMA_VERSION = 2
FOLDER = "records"
RUN_RECORD = "run.json"
STUDY_FILES = ("*.yaml", "*.tsv", "*.csv")


@dataclass(frozen=True)
class State:
    """Properties of a file or folder that are known without reading it.

    Attributes:
        n_bytes: size; for a folder, the total size of its files.
        mtime_ns: time of the last change of the bytes; for a folder, the latest of its files.
        changed_ns: time of the last change of anything, such as the name. It cannot be set. For a folder, the
            latest of its files.
    """

    n_bytes: int
    mtime_ns: int
    changed_ns: int


def files_of(path: Path) -> list[Path]:
    """The file itself, or the visible files of a folder and below."""
    if not path.is_dir():
        return [path]
    files = (file for file in path.rglob("*") if file.is_file())
    return sorted(file for file in files if not _is_hidden(file.relative_to(path)))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def state_of(path: Path) -> State:
    """Size and time of change of a file or folder."""
    stats = [file.stat() for file in files_of(path)]
    return State(
        sum(stat.st_size for stat in stats),
        max((stat.st_mtime_ns for stat in stats), default=0),
        max((stat.st_ctime_ns for stat in stats), default=0),
    )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, or of the names and hashes of a folder's files."""
    if not path.is_dir():
        return sha256_of_file(path)
    return sha256_of_json({str(file.relative_to(path)): sha256_of_file(file) for file in files_of(path)})


def record_path(results: Path, path: Path) -> Path:
    """The path of a result's record."""
    inside = path.relative_to(results)
    return results / FOLDER / inside.with_name(f"{inside.name}.json")


def recorded_names(results: Path) -> list[str]:
    """The paths of all results with a record, relative to the results, sorted."""
    records = results / FOLDER
    return [str(path.relative_to(records).with_suffix("")) for path in whole_files(records, "**/*.json")]


def is_result(results: Path, path: Path) -> bool:
    """Whether a path is below the results."""
    return path.is_relative_to(results)


def write_records(
    results: Path, outputs: Iterable[Path], inputs: Mapping[str, str], job: Mapping[str, Any]
) -> None:
    """Write the records of a job's outputs.

    Args:
        results: folder of the results.
        outputs: the outputs, below that folder.
        inputs: SHA-256 of the inputs by path, relative to the results or absolute. Paths in the user's home
            folder are written with `~`.
        job: name and parameters of the job, JSON-compatible.
    """
    origin = {"job": for_sharing(dict(job)), "inputs": for_sharing(dict(inputs)), "made": made_with()}
    for path in outputs:
        state = state_of(path)
        seen = {"sha256": sha256_of(path), "n_bytes": state.n_bytes, **_seen(state)}
        record = {"schema_version": SCHEMA_VERSION, "file": str(path.relative_to(results)), **seen, **origin}
        write_sealed(record, record_path(results, path))


def _seen(state: State) -> dict[str, int]:
    """The times of a result when it was last found to be correct."""
    return {"seen_mtime_ns": state.mtime_ns, "seen_changed_ns": state.changed_ns}


def made_with() -> dict[str, Any]:
    """The circumstances of a result: time, versions, machine, state of the code's repository.

    `loaded` names the versions of the numerical libraries that the job imported: only these can change it.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    code = git_state(Path(__file__).parent)
    return {
        "at": now,
        "versions": versions(),
        "loaded": loaded_versions(),
        "machine": machine(),
        "git": code,
    }


def write_run_record(results: Path, study: Path, overrides: Mapping[str, Any]) -> None:
    """Record the study of a run, and the code and versions it uses; arguments as for `facts_of_study`."""
    about = {"study": facts_of_study(study, overrides), "made": made_with()}
    write_sealed({"schema_version": SCHEMA_VERSION, **about}, results / RUN_RECORD)


def facts_of_study(study: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The folder of a study, the hashes of its files, and the settings that replace some of theirs.

    Args:
        study: the folder of the study's files.
        overrides: values that replace keys of study.yaml, JSON-compatible.
    """
    files = {path.name: sha256_of_file(path) for path in study_files(study)}
    return dict(for_sharing({"folder": str(study.absolute()), "files": files, "overrides": dict(overrides)}))


def last_run(results: Path) -> dict[str, Any]:
    """The study of the last run, as from `facts_of_study`; empty if there was no run.

    Raises:
        DataError: as for `read_record`.
    """
    place = results / RUN_RECORD
    return dict(_read(place)["study"]) if place.is_file() else {}


def study_files(study: Path) -> list[Path]:
    """The files that define a study."""
    return sorted(path for pattern in STUDY_FILES for path in study.glob(pattern))


def read_record(results: Path, path: Path) -> dict[str, Any] | None:
    """The record of a result; None if it has no record.

    Raises:
        DataError: it was edited or cut, or has another version than this code writes.
    """
    place = record_path(results, path)
    return _read(place) if place.is_file() else None


def _read(place: Path) -> dict[str, Any]:
    record = read_json(place)
    found = record.get("schema_version") if isinstance(record, dict) else None
    if found != SCHEMA_VERSION:
        raise DataError(
            f"{place} has schema version {found}, but this version of suffice reads {SCHEMA_VERSION}; "
            "use the version that wrote it, or delete the results and run again"
        )
    return unsealed(record, place)


def made_otherwise(record: Mapping[str, Any], installed: Mapping[str, str]) -> str:
    """How the code, or a numerical library that the job imported, differs now; empty if it does not.

    Args:
        record: the record of a result.
        installed: versions of packages, from `suffice.storage.provenance.versions`.
    """
    code = dict(record["job"].get("parameters") or {}).get("code")
    if code and not is_current(code):
        return f"made by different code ({', '.join(code.split()[1:])})"
    for name, then in record["made"]["loaded"].items():
        if then != installed.get(name):
            return f"made with {name} {then}, but {name} is {installed.get(name, 'not installed')} now"
    return ""


def damage(path: Path, record: Mapping[str, Any], sha256: str | None = None) -> str | None:
    """A description of damage to a result's bytes; None if it is as its job wrote it.

    Args:
        path: the result.
        record: its record.
        sha256: hash of its bytes, if it is already known.
    """
    if not path.exists():
        return "is missing"
    n_bytes, wanted = state_of(path).n_bytes, record["n_bytes"]
    if n_bytes < wanted:
        return f"is truncated: it has {n_bytes:,} of the {wanted:,} bytes that its job wrote"
    if n_bytes > wanted:
        return f"was altered: it has {n_bytes:,} bytes, but its job wrote {wanted:,}"
    found = sha256 or sha256_of(path)
    if found != record["sha256"]:
        return f"was altered: its SHA-256 is {found[:12]}…, but its job wrote {record['sha256'][:12]}…"
    return None


def check_result(results: Path, path: Path) -> str:
    """The SHA-256 of a result, after a check that it is as its job wrote it.

    Its bytes are read only if its times changed since it was last found to be correct.

    Raises:
        DataError: the result is missing, truncated or altered; or its record is damaged.
    """
    record = read_record(results, path)
    if record is None:
        return sha256_of(path)
    seen = State(record["n_bytes"], record["seen_mtime_ns"], record.get("seen_changed_ns", 0))
    if path.exists() and state_of(path) == seen:
        return str(record["sha256"])
    wrong = damage(path, record)
    if wrong:
        raise DataError(f"{path} {wrong}; delete it and run again")
    write_sealed(record | _seen(state_of(path)), record_path(results, path))
    return str(record["sha256"])
