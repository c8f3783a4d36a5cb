"""Differences between two runs: models, scores, ranks and settings, from their tables and records."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from suffice.analyses.recommendation import listed
from suffice.errors import DataError
from suffice.storage.files import read_table, whole_files
from suffice.storage.records import read_record, recorded_names
from suffice.study.show import json_rows

UNTOLD = ("code", "failure", "failures", "versions", "controls", "families", "models", "one_pass", "targets")
"""Parameters of jobs, at any depth, that follow from other differences or that are not settings."""
COMPARED = ("rank", "score", "win_rate")


@dataclass(frozen=True)
class ModelChange:
    """Changes of one model in one ranking: values before and after, by column."""

    model: str
    before: Mapping[str, float | None]
    after: Mapping[str, float | None]

    @property
    def differs(self) -> bool:
        """Whether any value differs."""
        return self.before != self.after


@dataclass(frozen=True)
class RankingChange:
    """Changes in a ranking that both runs have.

    Attributes:
        name: data set and ranking, such as docs/linear.
        first_before: the model that was first.
        first_after: the model that is first now.
        models: changes of the models that both have, in the order of the second run.
    """

    name: str
    first_before: str
    first_after: str
    models: list[ModelChange]

    @property
    def differs(self) -> bool:
        """Whether the first model or any value differs."""
        return self.first_before != self.first_after or any(each.differs for each in self.models)


@dataclass(frozen=True)
class SettingChange:
    """A setting or a version that differs: what it belongs to, its name, and its values.

    Of values with several lines, such as tables, only the lines that the other one does not have are kept.
    """

    of: str
    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Comparison:
    """Differences between two runs.

    Attributes:
        only_before: models that only the first run has.
        only_after: models that only the second run has.
        rankings: changes in each ranking that both have.
        only_one: rankings that only one run has, with its folder.
        files: files outside the results, such as the data, whose content differs.
        settings: differing settings of jobs that both ran, and versions of packages.
        code: the rules whose code differs.
    """

    only_before: list[str]
    only_after: list[str]
    rankings: list[RankingChange]
    only_one: dict[str, str]
    files: list[str]
    settings: list[SettingChange]
    code: list[str]

    @property
    def differs(self) -> bool:
        """Whether there is any difference."""
        of_runs = (self.only_before, self.only_after, self.only_one, self.files, self.settings, self.code)
        return any(of_runs) or any(ranking.differs for ranking in self.rankings)

    def as_json(self) -> dict[str, Any]:
        """The same with JSON-compatible values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The same as text, one line per difference."""
        if not self.differs:
            firsts = listed([f"{each.first_after} ({each.name})" for each in self.rankings], 99)
            return [f"nothing differs: the same models, scores, ranks and settings; first is {firsts}"]
        said = [f"models only in the first run: {listed(self.only_before, 99)}"] if self.only_before else []
        if self.only_after:
            said.append(f"models only in the second run: {listed(self.only_after, 99)}")
        said += [f"ranking only in {folder}: {name}" for name, folder in self.only_one.items()]
        for ranking in self.rankings:
            said += _lines_of_ranking(ranking)
        said += [f"the content of a file differs: {path}" for path in self.files]
        said += [
            f"setting of {each.of}: {each.name} was {_shown(each.before)}, is {_shown(each.after)}"
            for each in self.settings
        ]
        said += [f"rules whose code differs: {listed(self.code, 99)}"] if self.code else []
        return said


def compare_results(before: Path, after: Path) -> Comparison:
    """Compare two runs of studies, or two folders that `suffice rank` wrote.

    Args:
        before: the results of the first.
        after: the results of the second.

    Raises:
        DataError: one of them holds no ranking, or a table or record is damaged.
    """
    one, other = _rankings(before), _rankings(after)
    models_before, models_after = _models(one), _models(other)
    records = list(_common_records(before, after))
    return Comparison(
        only_before=[name for name in models_before if name not in models_after],
        only_after=[name for name in models_after if name not in models_before],
        rankings=[_changed_ranking(name, one[name], other[name]) for name in one if name in other],
        only_one={name: str(before) for name in one if name not in other}
        | {name: str(after) for name in other if name not in one},
        files=_changed_files(records),
        settings=_changed_settings(records),
        code=list(
            dict.fromkeys(str(now["job"]["rule"]) for then, now in records if _code(then) != _code(now))
        ),
    )


Rows = list[dict[str, Any]]
Pair = tuple[dict[str, Any], dict[str, Any]]
"""The records of one result in both runs."""


def _rankings(results: Path) -> dict[str, Rows]:
    """The rows of each ranking by its name, best first."""
    found = {f"{path.parent.name}/{path.stem}": path for path in whole_files(results, "ranking/*/*.csv")} or {
        path.stem: path for path in whole_files(results, "ranking.csv")
    }
    if not found:
        raise DataError(
            f"{results} holds no ranking; give the results of a study, or a folder that `suffice rank` wrote"
        )
    return {name: json_rows(read_table(path)) for name, path in found.items()}


def _models(rankings: Mapping[str, Rows]) -> list[str]:
    return list(dict.fromkeys(str(row["model"]) for rows in rankings.values() for row in rows))


def _changed_ranking(name: str, before: Rows, after: Rows) -> RankingChange:
    then = {row["model"]: row for row in before}
    changes = [
        ModelChange(str(row["model"]), _values(then[row["model"]]), _values(row))
        for row in after
        if row["model"] in then
    ]
    return RankingChange(name, str(before[0]["model"]), str(after[0]["model"]), changes)


def _values(row: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: row.get(name) for name in COMPARED}


def _lines_of_ranking(change: RankingChange) -> Iterator[str]:
    if change.first_before == change.first_after:
        yield f"{change.name}: {change.first_after} is first in both"
    else:
        yield f"{change.name}: {change.first_before} was first, {change.first_after} is first now"
    changed = [each for each in change.models if each.differs]
    for each in changed:
        values = ((name, each.before[name], each.after[name]) for name in COMPARED)
        parts = [f"{name} {_shown(then)} -> {_shown(now)}" for name, then, now in values if then != now]
        yield f"  {each.model}: {', '.join(parts)}"
    if not changed:
        yield "  all ranks and scores are the same"


def _shown(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.4g}"
    if isinstance(value, str):
        return "; ".join(value.splitlines()) or "nothing"
    return json.dumps(value)


def _changed_files(records: Sequence[Pair]) -> list[str]:
    """The files outside the results from which both runs made a result, and whose content differs."""
    inputs = [(then.get("inputs", {}), now.get("inputs", {})) for then, now in records]
    differing = (path for old, new in inputs for path in old if new.get(path, old[path]) != old[path])
    return list(dict.fromkeys(path for path in differing if Path(path).is_absolute()))


def _changed_settings(records: Sequence[Pair]) -> list[SettingChange]:
    """The parameters and versions that differ in results that both have."""
    changes: dict[str, SettingChange] = {}
    for then, now in records:
        found = [
            *_differences(_what_was_made(now), then["job"]["parameters"], now["job"]["parameters"]),
            *_differences("packages", then["made"]["versions"], now["made"]["versions"]),
        ]
        changes |= {repr(change): change for change in found}
    return list(changes.values())


def _differences(of: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[SettingChange]:
    old, new = _flat(then), _flat(now)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            was, is_now = old.get(name), new.get(name)
            yield SettingChange(of, name, _without_lines_of(was, is_now), _without_lines_of(is_now, was))


def _without_lines_of(value: Any, other: Any) -> Any:
    """The lines that only one of two texts of several lines has; any other value as it is."""
    if not (isinstance(value, str) and isinstance(other, str) and "\n" in value + other):
        return value
    return "\n".join(line for line in value.splitlines() if line not in other.splitlines())


def _common_records(before: Path, after: Path) -> Iterator[Pair]:
    for name in recorded_names(after):
        then, now = read_record(before, before / name), read_record(after, after / name)
        if then is not None and now is not None:
            yield then, now


def _code(record: Mapping[str, Any]) -> Any:
    return record["job"]["parameters"].get("code")


def _what_was_made(record: Mapping[str, Any]) -> str:
    """The subject of a record as text: its model if it has one, otherwise its rule."""
    names = record["job"].get("wildcards", {})
    rule = str(record["job"]["rule"]).replace("_", " ")
    return str(names.get("model") or names.get("estimator") or rule)


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """The values of nested settings by their dotted names, without those of `UNTOLD`."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if name in UNTOLD:
            continue
        inner = _flat(value, f"{above}{name}.") if isinstance(value, Mapping) else {f"{above}{name}": value}
        flat |= inner
    return flat
