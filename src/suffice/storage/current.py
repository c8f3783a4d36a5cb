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
from suffice.storage.provenance import versions
from suffice.storage.records import (
    check_result,
    facts_of_study,
    last_run,
    made_otherwise,
    read_record,
    record_path,
    recorded_names,
    sha256_of,
    state_of,
)

SEEN_INPUTS = ".inputs.json"
"""Beside the results: size, times and hash of files from elsewhere when they were last read."""


def refuse_other_study(results: Path, folder: Path) -> None:
    """Raise StudyError if the results belong to another study, whose folder still exists."""
    then = last_run(results)
    if not then:
        return
    other = Path(os.path.expanduser(then["folder"]))
    is_other = (other / "study.yaml").is_file() and other.resolve() != folder.resolve()
    if is_other and then["files"] != facts_of_study(folder, {})["files"]:
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
    records, found = _records(results)
    inputs = _Inputs(results, {name: record["sha256"] for name, record in records.items()})
    is_noted, installed = _noted(notes, results), versions()
    has_changed = last_run(results) != facts_of_study(folder, overrides)
    for name, record in records.items():
        other = next((each for each, then in record["inputs"].items() if inputs.differs(each, then)), None)
        if other is not None:
            found[name] = f"was made from a different {other}"
        elif why := made_otherwise(record, installed):
            found[name] = f"was {why.partition(' (')[0]}"
        elif has_changed and name not in is_noted:
            found[name] = "was made with settings that are no longer known"
    inputs.keep()
    return found


def _records(results: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The records of unchanged results, and reasons why other results cannot be used."""
    records: dict[str, dict[str, Any]] = {}
    wrong: dict[str, str] = {}
    for name in recorded_names(results):
        if not (results / name).exists():
            continue
        why = "has a record that was edited or cut, or that another version wrote"
        try:
            record = read_record(results, results / name)
            why = "has changed since its job wrote it"
            check_result(results, results / name)
        except DataError:
            wrong[name] = why
        else:
            records[name] = record or {}
    return records, wrong


def delete_results(results: Path, names: Mapping[str, str]) -> None:
    """Delete results and their records."""
    for name in names:
        path = results / name
        record_path(results, path).unlink(missing_ok=True)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


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
        """Save the hashes that were read."""
        write_json(self.seen, self.path)
