"""Checking results: whether each file is as its job wrote it, and whether it would be the same today."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from suffice.errors import DataError
from suffice.storage.files import read_json, sha256_of_file, unsealed
from suffice.storage.provenance import versions
from suffice.storage.records import (
    FOLDER,
    RUN_RECORD,
    damage,
    last_run,
    made_otherwise,
    read_record,
    recorded_names,
    sha256_of,
    study_files,
)

STORE = "store"
NOT_RESULTS = (FOLDER, STORE, "benchmarks", "failed")
TEMPORARY = "shards/"  # results that are deleted after they are joined
N_SHOWN = 5


@dataclass(frozen=True)
class Verification:
    """The findings of a check of results.

    Attributes:
        n_files: results with a record.
        n_stored: stored parts of results, such as single pairs.
        damaged: what is wrong with the bytes, by result.
        stale: why a result would differ now, by result.
        heirs: results that were made from stale ones.
        notes: things that could not be checked, or changed without making a result stale.
    """

    n_files: int
    n_stored: int
    damaged: dict[str, str] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)
    heirs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing is damaged or stale."""
        return not self.damaged and not self.stale

    def lines(self) -> list[str]:
        """The findings in words, one line each, with the summary last."""
        found = [f"damaged: {file} {why}" for file, why in self.damaged.items()]
        reasons = dict.fromkeys(self.stale.values())
        found += [f"stale: {_said(why, [f for f in self.stale if self.stale[f] == why])}" for why in reasons]
        found += [f"stale: {_said('made from these', self.heirs)}"] if self.heirs else []
        notes = [f"note: {note}" for note in self.notes]
        counts = f"{len(self.damaged)} damaged, {len(self.stale) + len(self.heirs)} stale"
        return [*found, *notes, f"{self.n_files:,} results and {self.n_stored:,} stored parts: {counts}"]


def verify_results(results: Path) -> Verification:
    """Check every result of a study: all bytes are read and hashed.

    A result is stale if one of its inputs changed, if its code changed, or if it was made from a stale
    result. A missing result is neither stale nor damaged, and results made from it are kept.

    Args:
        results: folder of the results, such as results/api-docs; it may be a copy.

    Raises:
        DataError: there are no records.
    """
    if not (results / FOLDER).is_dir():
        raise DataError(f"{results} has no records of results; give the results folder of a study that ran")
    check = _Check(results)
    broken = check.broken_records | check.damaged
    stored, damaged_parts = _check_store(results / STORE)
    stale = check.stale(set(broken))
    heirs = check.heirs({*broken, *stale})
    return Verification(len(check.records), stored, broken | damaged_parts, stale, heirs, check.notes())


def _check_store(store: Path) -> tuple[int, dict[str, str]]:
    """The number of stored results, and the damaged ones."""
    paths, damaged = sorted(store.rglob("*.json")), {}
    for path in paths:
        try:
            unsealed(read_json(path), path)
        except DataError:
            damaged[str(path.relative_to(store.parent))] = "has changed since it was written"
    return len(paths), damaged


class _Check:
    """One check of one folder. Every file is hashed once."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.records: dict[str, dict[str, Any]] = {}
        self.broken_records: dict[str, str] = {}
        for name in recorded_names(results):
            self._read(name)
        self.hashes = {file: self._hash(results / file) for file in self.records}
        self.outside: dict[str, str | None] = {}
        self.installed = versions()

    def _read(self, file: str) -> None:
        try:
            record = read_record(self.results, self.results / file)
        except DataError as error:
            self.broken_records[file] = f"has a record that cannot be used: {error}"
        else:
            assert record is not None, file
            self.records[file] = record

    @staticmethod
    def _hash(path: Path) -> str | None:
        return sha256_of(path) if path.exists() else None

    @cached_property
    def damaged(self) -> dict[str, str]:
        """Damage to the bytes of existing results."""
        found = {}
        for file, sha256 in self.hashes.items():
            wrong = damage(self.results / file, self.records[file], sha256) if sha256 else None
            if wrong:
                found[file] = wrong
        return found

    def stale(self, damaged: set[str]) -> dict[str, str]:
        """Why results would differ now, not counting stale inputs."""
        reasons = {file: self._reason(record) for file, record in self.records.items() if file not in damaged}
        return {file: why for file, why in reasons.items() if why}

    def heirs(self, wrong: set[str]) -> list[str]:
        """Results that were made from stale or damaged ones, directly or not."""
        found: set[str] = set()
        while more := {
            file
            for file, record in self.records.items()
            if file not in wrong | found and not (wrong | found).isdisjoint(record["inputs"])
        }:
            found |= more
        return sorted(found)

    def _reason(self, record: Mapping[str, Any]) -> str | None:
        for name, sha256 in record["inputs"].items():
            if self._hash_of_input(name) not in (None, sha256):
                return f"made from a different {name}"
        return made_otherwise(record, self.installed) or None

    def _hash_of_input(self, name: str) -> str | None:
        """Current hash of an input; None if it is missing."""
        if name in self.hashes:
            return self.hashes[name]
        if name not in self.outside:
            place = self.results / os.path.expanduser(name)  # an absolute name is not changed
            self.outside[name] = self._hash(place)
        return self.outside[name]

    def notes(self) -> list[str]:
        """Things that could not be checked, or changed without making a result stale."""
        absent = (file for file, sha256 in self.hashes.items() if sha256 is None)
        missing = [file for file in absent if not file.startswith(TEMPORARY)]
        found = [_said("missing", missing)] if missing else []
        gone = [name for name, sha256 in self.outside.items() if sha256 is None]
        found += [_said("not checked, because they are elsewhere", gone)] if gone else []
        unknown = list(self._without_record())
        found += [_said("not checked, because no job recorded them", unknown)] if unknown else []
        return [*found, *self._other_versions(), *_changed_study(self.results)]

    def _without_record(self) -> Iterator[str]:
        for path in sorted(self.results.rglob("*")):
            inside = path.relative_to(self.results)
            hidden = any(part.startswith(".") for part in inside.parts)
            known = any(str(place) in self.records for place in (inside, *inside.parents))
            if (
                path.is_file()
                and not hidden
                and not known
                and inside.parts[0] not in (*NOT_RESULTS, RUN_RECORD)
            ):
                yield str(inside)

    def _other_versions(self) -> Iterator[str]:
        then: dict[str, set[str]] = {}
        for record in self.records.values():
            for name, version in record["made"]["versions"].items():
                then.setdefault(name, set()).add(version)
        for name, found in sorted(then.items()):
            if found != {now := self.installed.get(name)}:
                yield f"results were made with {name} {', '.join(sorted(found))}; now it is {now}"


def _changed_study(results: Path) -> Iterator[str]:
    """Files of the study that changed since the last run, if they exist."""
    study = last_run(results)
    folder, then = Path(os.path.expanduser(study.get("folder", ""))), study.get("files", {})
    if not study or not folder.is_dir():
        return
    now = {path.name: sha256_of_file(path) for path in study_files(folder)}
    changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if changed:
        names = ", ".join(changed)
        yield f"{names} of {folder} changed since the last run; `make plan` shows what will be computed again"


def _said(what: str, names: list[str]) -> str:
    more = f" and {len(names) - N_SHOWN} more" if len(names) > N_SHOWN else ""
    n_files = "1 file" if len(names) == 1 else f"{len(names)} files"
    return f"{n_files} {what}: {', '.join(names[:N_SHOWN])}{more}"
