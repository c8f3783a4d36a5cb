"""Scores that others measured, from a local copy of the results repository of MTEB or from a table.

The repository has one folder per model (`owner__name`). It contains one folder per revision, with one JSON
file per task. Files have one of two layouts. The older layout has the splits at top level, without main score
or kind of task. The newer one lists `scores` by split, with one entry per subset. The same values are read
from both: the split that the leaderboard uses, the English subset of a multilingual task, and the main metric
of the kind of task.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.data.delimited import told_delimiter
from suffice.data.text_files import read_text
from suffice.errors import DataError
from suffice.tasks.result import TASK_COLUMNS

TEST = "test"
SPLITS: Mapping[str, str] = {"MSMARCO": "dev"}
SUBSETS = ("en", "en-en", "default")
KINDS: Mapping[str, tuple[str, str]] = {
    "ndcg_at_10": ("retrieval", "ndcg_at_10"),
    "v_measure": ("clustering", "v_measure"),
    "accuracy": ("classification", "accuracy"),
    "map": ("reranking", "map"),
}
SIMILARITIES = ("cos_sim", "dot", "euclidean", "manhattan")
COMMIT = re.compile(r"[0-9a-f]{40}")
EXTERNAL, NO_REVISION = "external", "no_revision_available"
META = "model_meta"
SCORE_COLUMNS = ("model", "public_name", "task", "kind", "metric", "value", "origin", "revision")
GAP_COLUMNS = ("model", "public_name", "task", "reason")
TABLE, PUBLIC = "table", "public"


@dataclass(frozen=True)
class PublicScores:
    """The scores that were found, and those that were not.

    Attributes:
        scores: one row per model and task with `SCORE_COLUMNS`; `value` is better when higher, `origin` is
            the file.
        gaps: one row per model and task without a value, with `GAP_COLUMNS`.
    """

    scores: pd.DataFrame
    gaps: pd.DataFrame


def read_public_scores(
    models: Mapping[str, str],
    tasks: Sequence[str],
    tree: Path | None = None,
    table: Path | None = None,
    revisions: Mapping[str, str] | None = None,
) -> PublicScores:
    """Public scores of some models on some tasks.

    The tree is searched first, then the table. If a model has several revisions, the named one counts.
    Otherwise commits come first, then scores that others reported (`external`), then `no_revision_available`.
    Of two commits, the one with the file from the later version of MTEB counts.

    Args:
        models: public name (`owner/name`) of each model.
        tasks: names of tasks as in the repository.
        tree: the folder with one folder per model; None: no tree.
        table: CSV with the columns model (public name), task, value; None: no table.
        revisions: commits by model; other revisions of these models are not used.

    Raises:
        DataError: neither tree nor table is given, one does not exist, or the table lacks a column or has two
            rows for a model and task.
    """
    if tree is None and table is None:
        raise DataError("public scores need a tree or a table; give at least one of the two")
    if tree is not None and not tree.is_dir():
        raise DataError(f"{tree} is not a folder; give the folder of results, with one folder per model")
    listed = read_score_table(table) if table is not None else {}
    found, gaps = [], []
    for model, public in models.items():
        files = _files_of(tree, public, (revisions or {}).get(model)) if tree is not None else {}
        for task in tasks:
            row, reason = _look_up(files.get(task, []), public, task, listed, bool(files))
            if row is None:
                gaps.append({"model": model, "public_name": public, "task": task, "reason": reason})
            else:
                found.append({"model": model, "public_name": public, "task": task, **row})
    return PublicScores(
        pd.DataFrame(found, columns=list(SCORE_COLUMNS)), pd.DataFrame(gaps, columns=list(GAP_COLUMNS))
    )


@dataclass(frozen=True)
class ListedScore:
    """A cell of a table of scores; kind and metric are empty if the table does not have them."""

    value: float
    kind: str = ""
    metric: str = ""


def read_score_table(path: Path) -> dict[tuple[str, str], ListedScore]:
    """Scores by public name and task.

    Raises:
        DataError: the file cannot be read, lacks a column, has a value that is not a finite number, or has
            two rows for a model and task.
    """
    try:
        text, delimiter = told_delimiter(read_text(path), path)
        kinds = {name: "str" for name in ("model", "task", "kind", "metric")}
        table = pd.read_csv(StringIO(text), sep=delimiter, dtype=kinds)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}); it must be a CSV file") from error
    missing = [name for name in ("model", "task", "value") if name not in table]
    if missing:
        raise DataError(
            f"{path} lacks the column(s) {', '.join(missing)}; it has {', '.join(map(str, table))}"
        )
    table = table.dropna(subset="value")
    twice = table.duplicated(["model", "task"])
    if twice.any():
        first: Any = table[twice].iloc[0]
        raise DataError(f"{path} has two rows for {first['model']!r} and {first['task']!r}; keep one")
    values = pd.to_numeric(table["value"], errors="coerce")
    if not values.map(math.isfinite).all():
        wrong = table["value"][~values.map(math.isfinite)].iloc[0]
        raise DataError(f"{path} has the value {wrong!r}, which is not a finite number; correct it")
    words = table.reindex(columns=["kind", "metric"]).astype(object).fillna("")
    cells = map(ListedScore, values.astype(float), words["kind"], words["metric"])
    return dict(zip(zip(table["model"], table["task"], strict=True), cells, strict=True))


def files_of_scores(tree: Path, models: Iterable[str], tasks: Sequence[str]) -> list[Path]:
    """The files of a tree that may hold scores of some models, by public name."""
    folders = [tree / public.replace("/", "__") for public in models]
    return sorted(path for folder in folders for task in tasks for path in folder.glob(f"*/{task}.json"))


def task_table_of_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Public scores in the format of task results, with the data set `public`.

    Args:
        scores: as `read_public_scores` returns them.

    Returns:
        One row per model and task with `suffice.tasks.result.TASK_COLUMNS`. Values that others did not report
        are missing. An unknown kind is `public`.
    """
    kinds = scores["kind"].where(scores["kind"] != "", PUBLIC)
    metrics = scores["metric"].where(scores["metric"] != "", "score")
    named = scores[["task", "model", "value"]].assign(
        kind=kinds, metric=metrics, dataset="public", warnings=""
    )
    return named.reindex(columns=list(TASK_COLUMNS)).astype({"n_classes": "Int64"})


def mean_public_scores(scores: pd.DataFrame, n_tasks: int) -> pd.Series:
    """Mean over tasks by model, for models with a score on every task, as on leaderboards.

    Args:
        scores: as `read_public_scores` returns them.
        n_tasks: number of tasks.
    """
    by_model = scores.groupby("model", sort=False)["value"]
    return by_model.mean()[by_model.count() == n_tasks]


def _files_of(tree: Path, public: str, revision: str | None) -> dict[str, list[Path]]:
    """Files of a model by task, preferred ones first."""
    folder = tree / public.replace("/", "__")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*/*.json"), key=_order):
        fits = revision is None or path.parent.name == revision or not COMMIT.fullmatch(path.parent.name)
        if path.stem != META and fits:
            found.setdefault(path.stem, []).append(path)
    return found


def _order(path: Path) -> tuple[int, list[int], str]:
    """Commits, then external reports, then files without a revision; later versions of MTEB first."""
    name = path.parent.name
    rank = 0 if COMMIT.fullmatch(name) else {EXTERNAL: 1, NO_REVISION: 2}.get(name, 3)
    version = str(_read_json(path).get("mteb_version") or "0") if rank == 0 else "0"
    return rank, [-int(part) for part in re.findall(r"\d+", version)], name


def _look_up(
    files: list[Path], public: str, task: str, listed: Mapping[tuple[str, str], ListedScore], has_folder: bool
) -> tuple[dict[str, Any] | None, str]:
    """The value of a model and task, or the reason why it is missing."""
    reasons = []
    for path in files:
        try:
            return {**_value_of(path, task), "origin": str(path), "revision": path.parent.name}, ""
        except DataError as error:
            reasons.append(str(error))
    if (public, task) in listed:
        return {**asdict(listed[public, task]), "origin": TABLE, "revision": ""}, ""
    if reasons:
        return None, "; ".join(reasons)
    return None, "the model has no file for this task" if has_folder else "the model has no folder and no row"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _value_of(path: Path, task: str) -> dict[str, Any]:
    """Kind, metric and value in a file.

    Raises:
        DataError: the file is damaged, or lacks the split, the subset or the metric.
    """
    content = _read_json(path)
    if not content:
        raise DataError(f"{path} is not a JSON object")
    split = SPLITS.get(task, TEST)
    is_newer = isinstance(content.get("scores"), dict)
    entries = content["scores"] if is_newer else content
    if split not in entries:
        raise DataError(f"{path} has no split {split!r}")
    entry = _subset(entries[split], path)
    kind, metric = _kind_of(entry, path)
    value = entry.get("main_score") if is_newer else _old_value(entry, kind, metric)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise DataError(f"{path} has {value!r} where a number is expected")
    return {"kind": kind, "metric": metric, "value": float(value)}


def _subset(entry: Any, path: Path) -> dict[str, Any]:
    """The English subset, or the only one."""
    if isinstance(entry, list):
        named = {each.get("hf_subset", "default"): each for each in entry if isinstance(each, dict)}
    elif isinstance(entry, dict) and any(isinstance(entry.get(name), dict) for name in SUBSETS):
        named = {name: entry[name] for name in SUBSETS if isinstance(entry.get(name), dict)}
    else:
        named = {"default": entry} if isinstance(entry, dict) else {}
    for name in SUBSETS:
        if name in named:
            return dict(named[name])
    raise DataError(f"{path} has no English subset; it has {', '.join(map(str, named)) or 'no subset'}")


def _kind_of(entry: Mapping[str, Any], path: Path) -> tuple[str, str]:
    """Kind of task and its main metric, from the metrics that were measured."""
    for key, found in KINDS.items():
        if key in entry:
            return found
    measured = set(_similarity_keys(entry))
    if "ap" in measured:
        return "pair classification", "max_ap"
    if "spearman" in measured:
        return "similarity", "cosine_spearman"
    raise DataError(
        f"{path} has none of the main metrics; it has {', '.join(map(str, entry)) or 'no metric'}"
    )


def _similarity_keys(entry: Mapping[str, Any]) -> Iterator[str]:
    """The measures of similarity: nested in the older layout, joined with `_` in the newer one."""
    for name, value in entry.items():
        if name in SIMILARITIES and isinstance(value, dict):
            yield from value
        yield name.rpartition("_")[2]


def _old_value(entry: Mapping[str, Any], kind: str, metric: str) -> Any:
    """The main metric of the older layout, with nested similarities.

    Pair classification uses the best similarity, and similarity tasks use the cosine only. Some of these
    files have a main score. For some tasks it is another metric, and it is not read.
    """
    if kind == "pair classification":
        values = [entry[name]["ap"] for name in SIMILARITIES if "ap" in (entry.get(name) or {})]
        return max(values, default=None)
    if kind == "similarity":
        return (entry.get("cos_sim") or {}).get("spearman")
    return entry.get(metric)
