"""Results of a study that would differ now are deleted when a run starts.

Snakemake plans by modification times and by its own notes, `.snakemake/metadata`. Times do not show that a
file was replaced by an older one. Notes may be lost, or belong to another checkout. Each result's record is
therefore compared with the present: the bytes of the result, those of its inputs, the code, and the versions
of the numerical libraries that its job imported. Results that do not match are deleted, and computed again.
"""

import os
import shutil
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from suffice.errors import DataError, StudyError
from suffice.storage.files import read_json, write_json
from suffice.storage.provenance import is_current, versions
from suffice.storage.records import (
    FOLDER,
    RUN_RECORD,
    check_result,
    read_record,
    record_path,
    run_record,
    sha256_of,
    state_of,
)

SEEN_INPUTS = ".inputs.json"
"""Beside the results: size, times and hash of files from elsewhere when they were last read."""


def refuse_other_study(results: Path, folder: Path) -> None:
    """Raise StudyError if the results belong to another study, whose folder still exists."""
    then = _last_run(results).get("folder")
    if not isinstance(then, str):
        return
    other = Path(os.path.expanduser(then))
    is_other = (other / "study.yaml").is_file() and other.resolve() != folder.resolve()
    if is_other and _last_run(results).get("files") != run_record(folder, {})["study"]["files"]:
        raise StudyError(
            f"{results} has the results of the study in {other}, but this study is in {folder}; rename one "
            f"of the folders, or delete {results}"
        )


def outdated_results(
    results: Path, folder: Path, overrides: Mapping[str, Any], notes: Path
) -> dict[str, str]:
    """Reasons why results would differ now, by result.

    Args:
        results: folder of the results.
        folder: folder of the study.
        overrides: values that replace keys of study.yaml.
        notes: Snakemake's folder of notes on parameters.
    """
    found: dict[str, str] = {}
    records: dict[str, dict[str, Any]] = {}
    for path in sorted((results / FOLDER).rglob("*.json")):
        name = str(path.relative_to(results / FOLDER).with_suffix(""))
        if not (results / name).exists():
            continue
        try:
            check_result(results, results / name)
            records[name] = read_record(results, results / name) or {}
        except DataError:
            found[name] = "has changed since its job wrote it"
    inputs = _Inputs(results, {name: record["sha256"] for name, record in records.items()})
    is_noted, installed = _noted(notes, results), versions()
    has_changed = _last_run(results) != run_record(folder, overrides)["study"]
    for name, record in records.items():
        other = next((each for each, then in record["inputs"].items() if inputs.differs(each, then)), None)
        if other is not None:
            found[name] = f"was made from a different {other}"
        elif maker := _other_maker(record, installed):
            found[name] = maker
        elif has_changed and name not in is_noted:
            found[name] = "was made with settings that are no longer known"
    inputs.keep()
    return found


def delete_results(results: Path, names: Mapping[str, str]) -> None:
    """Delete results and their records."""
    for name in names:
        path = results / name
        record_path(results, path).unlink(missing_ok=True)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _code_of(record: Mapping[str, Any]) -> str:
    """The version of the code that made a result; empty if its job has no version."""
    parameters = record["job"].get("parameters")
    return str(parameters.get("code") or "") if isinstance(parameters, dict) else ""


def _other_maker(record: Mapping[str, Any], installed: Mapping[str, str]) -> str:
    """Whether the code or a numerical library that the job imported is different now; empty if not."""
    code = _code_of(record)
    if code and not is_current(code):
        return "was made by different code"
    for name, then in record["made"].get("loaded", {}).items():
        if installed.get(name) != then:
            return f"was made with {name} {then}, but {name} is {installed.get(name, 'not installed')} now"
    return ""


def _last_run(results: Path) -> dict[str, Any]:
    """The study of the last run; empty if there was no run."""
    if not (results / RUN_RECORD).is_file():
        return {}
    record = read_json(results / RUN_RECORD)
    study = record.get("study") if isinstance(record, dict) else None
    return study if isinstance(study, dict) else {}


def _noted(notes: Path, results: Path) -> set[str]:
    """The results whose parameters Snakemake knows, relative to their folder."""
    return {
        str(Path(output).relative_to(results))
        for output in _decoded(notes)
        if Path(output).is_relative_to(results)
    }


def _decoded(notes: Path) -> Iterator[str]:
    """The outputs that have notes. Names of notes are encoded, and long ones are several folders deep."""
    for path in notes.rglob("*"):
        if path.is_file():
            coded = "".join(part.removeprefix("@") for part in path.relative_to(notes).parts)
            try:
                yield urlsafe_b64decode(coded).decode()
            except ValueError:
                continue


class _Inputs:
    """Current hashes of inputs. Files from elsewhere are read again only if they seem to have changed."""

    def __init__(self, results: Path, made: Mapping[str, str]) -> None:
        self.results, self.made = results, made
        self.path = results / SEEN_INPUTS
        self.seen: dict[str, list[Any]] = read_json(self.path) if self.path.is_file() else {}
        self.now: dict[str, str | None] = {}

    def differs(self, name: str, then: str) -> bool:
        """Whether an input exists with different bytes."""
        if not Path(os.path.expanduser(name)).is_absolute():
            return self.made.get(name, then) != then
        if name not in self.now:
            self.now[name] = self._sha256(name)
        return self.now[name] not in (None, then)

    def _sha256(self, name: str) -> str | None:
        path = Path(os.path.expanduser(name))
        if not path.exists():
            return None
        state = state_of(path)
        looks = [state.n_bytes, state.mtime_ns, state.changed_ns]
        known = self.seen.get(name)
        if known is None or known[:-1] != looks:
            self.seen[name] = [*looks, sha256_of(path)]
        return str(self.seen[name][-1])

    def keep(self) -> None:
        """Save what was read."""
        write_json(self.seen, self.path)
