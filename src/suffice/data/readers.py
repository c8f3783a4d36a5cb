"""Reading the items of a data set from table files or the hub, as a table with fixed column names."""

import difflib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from suffice.data.columns import CONTENT, GROUP, ID, REQUIRED_COLUMNS, SPLIT, TOGETHER
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.delimited import Quoting, parse_delimited
from suffice.data.text_files import read_text, with_line_feeds
from suffice.errors import DataError
from suffice.names import same_name
from suffice.storage.fetch import without_network
from suffice.storage.untrusted import UNREADABLE, read_parquet_table, suffix_of, unpacked

PAIR, SIDE = "pair", "side"
MAX_CELLS = 50_000_000  # of a table from JSON lines, whose rows may each name other columns
JOIN, BETWEEN = "+", "\n\n"
RESERVED_COLUMNS = (*REQUIRED_COLUMNS, PAIR, SIDE, TOGETHER)


def read_items(settings: DatasetSettings) -> pd.DataFrame:
    """Read the items of a file or of a hub data set.

    Several content columns mean paired texts. They become items, row after row, with the columns `pair` (the
    row number, as str) and `side` (the name of the content column).

    Args:
        settings: the source, and the columns for content, id, group and split.

    Returns:
        Columns id (str), content, group (str) if there is a group or pairs, split if there is one,
        `pair` and `side` for pairs, and every other column of the source as a label column.
        Without an id column the id is the row number, from 0; for pairs it is "<id>/<side>".

    Raises:
        DataError: the source cannot be read, lacks a column, has no rows, repeats an id, or has a column with
            a reserved name.
    """
    path = Path(str(settings.path))
    table = read_hub(settings) if settings.source == "hub" else read_file(path, settings.quoting)
    if settings.source == "file" and path.is_dir():  # the folder defines the names of files and of splits
        own = {name: name for name in (ID, SPLIT) if name in table and getattr(settings, name) is None}
        settings = settings.model_copy(update=own)
    if table.empty:
        raise DataError(f"{settings.path} has no items; give a data set with at least one")
    return named_items(table, settings)


def read_file(path: Path, quoting: Quoting = "auto") -> pd.DataFrame:
    """Read a table file by the suffix of its name, each also .gz, or a folder, see `read_folder`.

    Args:
        path: .txt, .csv, .tsv, .jsonl or .parquet, or a folder.
        quoting: whether quotation marks quote the cells of a .csv or .tsv, see `parse_delimited`.

    Raises:
        DataError: the file is missing, has another suffix, or cannot be read.
    """
    if path.is_dir():
        from suffice.data.folders import read_folder

        return read_folder(path, quoting)
    if not path.is_file():
        raise DataError(f"the data set file {path} does not exist; check the path in the data set table")
    suffix = suffix_of(path)
    if suffix == ".parquet":
        with unpacked(path) as plain:
            return read_parquet(plain)
    if suffix in DELIMITED:
        return DELIMITED[suffix](read_text(path), path, quoting)
    if suffix not in TEXT_READERS:
        known = ", ".join([".txt", ".csv", ".tsv", ".jsonl", ".parquet"])
        raise DataError(f"{path} has the unknown suffix {path.suffix!r}; known are {known} (each also .gz)")
    return TEXT_READERS[suffix](read_text(path), path)


def parse_lines(text: str, path: Path) -> pd.DataFrame:
    """One item per line; only line feeds, carriage returns, or both end a line, see `with_line_feeds`."""
    lines = with_line_feeds(text).split("\n")
    return pd.DataFrame({CONTENT: lines[:-1] if lines[-1] == "" else lines})


def parse_csv(text: str, path: Path, quoting: Quoting = "auto") -> pd.DataFrame:
    """A table with commas, semicolons, tabs or bars between its cells, see `parse_delimited`."""
    return parse_delimited(text, path, None, quoting)


def parse_tsv(text: str, path: Path, quoting: Quoting = "auto") -> pd.DataFrame:
    """A table with tabs between its cells, see `parse_delimited`."""
    return parse_delimited(text, path, "\t", quoting)


def parse_jsonl(text: str, path: Path) -> pd.DataFrame:
    """One JSON object per line.

    Raises:
        DataError: a line is not a JSON object.
    """
    rows = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if line.strip():
            rows.append(json_object(line, f"{path}, line {number}"))
    n_cells = len(rows) * len({name for row in rows for name in row})
    if n_cells > MAX_CELLS:
        raise DataError(
            f"{path} would be a table of {n_cells:,} cells, since its objects have different keys; at most "
            f"{MAX_CELLS:,} are read, so write rows with the same keys"
        )
    return pd.DataFrame(rows)


def json_object(line: str, place: str) -> dict[str, Any]:
    """The JSON object on one line."""
    try:
        row = json.loads(line, object_pairs_hook=_unique_keys)
        if "\\ud" in line.lower():  # an escape of half a character, which cannot be stored, or of two halves
            json.dumps(row, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place} is not JSON ({error}); write one object per line") from error
    if not isinstance(row, dict):
        raise DataError(
            f"{place} is a JSON value of type {type(row).__name__}, not an object; write one object per line"
        )
    return row


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; ValueError for a repeated key, because the library would keep only the last value."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {repeated_in(names)[0]!r} occurs twice")
    return found


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet file.

    Raises:
        DataError: it is not a complete Parquet file.
    """
    try:
        table = read_parquet_table(path)
        table.validate(full=True)
        return pd.DataFrame(table.to_pandas())
    except (*UNREADABLE, pa.ArrowException) as error:
        raise DataError(f"{path} is not a readable Parquet file ({error}); copy or write it again") from error


def read_hub(settings: DatasetSettings) -> pd.DataFrame:
    """Load splits of a hub data set; class labels become their names, and several splits a column `split`.

    Raises:
        DataError: the package `datasets` is missing, or the data set cannot be found or fetched.
    """
    parts = load_hub(settings)
    names = [{name: getattr(kind, "names", None) for name, kind in part.features.items()} for part in parts]
    tables = [with_class_names(part.to_pandas(), each) for part, each in zip(parts, names, strict=True)]
    if len(tables) == 1:
        return tables[0]
    named = zip(settings.hub_splits, tables, strict=True)
    return pd.concat([table.assign(split=name) for name, table in named], ignore_index=True)


def load_hub(settings: DatasetSettings, may_fetch: bool = False) -> list[Any]:
    """The splits of a hub data set, from the cache.

    Args:
        settings: name of the data set, its splits and its revision.
        may_fetch: whether to download missing splits.

    Raises:
        DataError: the package `datasets` is missing, or the data set cannot be found or fetched.
    """
    try:
        import datasets
    except ImportError:
        raise DataError(
            "reading from the hub needs the package datasets: pip install 'suffice[hub]'"
        ) from None
    names = settings.hub_splits
    try:
        with nullcontext() if may_fetch else without_network():
            return [
                datasets.load_dataset(
                    settings.path, name=settings.name, split=name, revision=settings.revision
                )
                for name in names
            ]
    except (OSError, ValueError, RuntimeError) as error:
        which = f"name {settings.name!r}, split {', '.join(names)!r}, revision {settings.revision!r}"
        raise DataError(
            f"the hub data set {settings.path!r} ({which}) cannot be loaded: {type(error).__name__}: "
            f"{error}. Run `suffice fetch STUDY` with network access and the same cache "
            "(HF_HOME), or save it as Parquet and use source: file"
        ) from error


def with_class_names(table: pd.DataFrame, names_of: Mapping[str, Any]) -> pd.DataFrame:
    """The table with names in place of class numbers; -1, the hub's missing label, becomes None.

    Args:
        table: table of a hub data set.
        names_of: the class names of each column that has any.
    """
    for name, names in names_of.items():
        if isinstance(names, list) and name in table:
            labels = [names[int(k)] if pd.notna(k) and k >= 0 else None for k in table[name]]
            table[name] = pd.Series(labels, dtype=object)
    return table


def named_items(table: pd.DataFrame, settings: DatasetSettings) -> pd.DataFrame:
    """The table with the columns chosen in the settings under their fixed names."""
    table = table.rename(columns=lambda name: same_name(str(name)))
    refuse_twins(list(table.columns), str(settings.path))
    contents = {name: joined_columns(name, list(table.columns)) for name in content_columns(settings)}
    split = SPLIT if len(settings.hub_splits) > 1 else settings.split
    chosen = {ID: settings.id, GROUP: settings.group, SPLIT: split}
    chosen = {fixed: name and same_name(name) for fixed, name in chosen.items()}
    used = {*(name for names in contents.values() for name in names), *filter(None, chosen.values())}
    for name in sorted(used):
        require_column(name, list(table.columns), str(settings.path))
    labels = table[[name for name in table.columns if name not in used]].reset_index(drop=True)
    refuse_reserved(list(labels.columns), str(settings.path))
    path = Path(str(settings.path))
    if settings.source == "file" and (suffix_of(path) in DELIMITED or path.is_dir()):
        labels = labels.apply(numbers_if_all_are)
    items = pd.DataFrame(
        {fixed: table[name].to_numpy() for fixed, name in chosen.items() if name is not None}
    )
    items = with_text_columns(items.reindex(labels.index), str(settings.path))
    sides = {side: joined_text(table[names], str(settings.path)) for side, names in contents.items()}
    items = pd.concat([items, labels], axis=1)
    items = items.assign(content=next(iter(sides.values()))) if len(sides) == 1 else stacked(items, sides)
    refuse_repeated_ids(items[ID], str(settings.path))
    return items[[ID, CONTENT, *(name for name in items.columns if name not in (ID, CONTENT))]]


def numbers_if_all_are(column: pd.Series) -> pd.Series:
    """A column of text as numbers if every cell that is not missing is a number."""
    try:
        return pd.to_numeric(column)
    except (ValueError, OverflowError):
        return column


def text_of(column: pd.Series, source: str) -> np.ndarray:
    """A content column as an array of str, with None for missing values; other values are a DataError."""
    values = [None if value is None or value != value else value for value in column.tolist()]
    for row, value in enumerate(values, start=1):
        if not isinstance(value, str | None):
            raise DataError(
                f"{source}: data row {row} of the content column {column.name!r} is of type "
                f"{type(value).__name__} ({str(value)[:40]!r}), not text; choose another content column"
            )
        if value is not None and "\0" in value:
            raise DataError(
                f"{source}: data row {row} of the content column {column.name!r} has a NUL character; "
                "the file may be damaged or have another encoding"
            )
    return np.array(values, dtype=object)


def joined_columns(name: str, columns: list[str]) -> list[str]:
    """The columns of one content: `a+b` joins two columns, unless a column has that name."""
    return [name] if name in columns else [part.strip() for part in name.split(JOIN)]


def joined_text(columns: pd.DataFrame, source: str) -> np.ndarray:
    """The texts of a row with an empty line between them; None if one is missing."""
    texts = [text_of(columns[name], source) for name in columns]
    rows = [None if None in row else BETWEEN.join(row) for row in zip(*texts, strict=True)]
    return np.array(rows, dtype=object)


def content_columns(settings: DatasetSettings) -> list[str]:
    """Names of the content columns: one, or several for paired texts."""
    return [same_name(name.strip()) for name in (settings.content or CONTENT).split(",")]


def require_column(name: str, columns: list[str], source: str) -> None:
    """Raise DataError, with the existing columns and the closest match, if `name` is not one of them."""
    columns = list(map(same_name, columns))
    if same_name(name) not in columns:
        close = difflib.get_close_matches(name, columns, n=1, cutoff=0.5)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise DataError(f"{source} has no column {name!r}; it has {', '.join(map(repr, columns))}{hint}")


def repeated_in(names: Iterable[str]) -> list[str]:
    """The names that occur more than once, sorted."""
    return sorted(name for name, count in Counter(names).items() if count > 1)


def refuse_twins(columns: list[str], source: str) -> None:
    """Raise DataError if two columns have names that look the same."""
    repeated = repeated_in(columns)
    if repeated:
        raise DataError(
            f"{source} has more than one column named {repeated[0]!r} (accents may be encoded in two ways); "
            "rename one of them"
        )


def refuse_reserved(labels: list[str], source: str) -> None:
    """Raise DataError if a label column has a name with a meaning in a corpus."""
    clashes = [name for name in labels if name in RESERVED_COLUMNS]
    if clashes:
        raise DataError(
            f"{source} has the column(s) {', '.join(map(repr, clashes))}, whose names are reserved, but the "
            f"settings do not use them so; set the key of that name (id, content, group, split) or rename "
            f"the column"
        )


def with_text_columns(items: pd.DataFrame, source: str) -> pd.DataFrame:
    """Ids and groups as text; the row number if there is no id column."""
    for name in (ID, GROUP, SPLIT):
        if name not in items.columns:
            continue
        if items[name].isna().any():
            row = int(items[name].isna().to_numpy().argmax())
            raise DataError(f"{source}: data row {row + 1} has no {name}; fill the column or do not use it")
        items[name] = items[name].map(str).astype(object)
    if ID not in items.columns:
        items[ID] = pd.Series([str(row) for row in range(len(items))], index=items.index, dtype=object)
    return items


def stacked(items: pd.DataFrame, sides: dict[str, Any]) -> pd.DataFrame:
    """One item per row and side, with the sides of a row together; the pair is the default group."""
    pair = pd.Series([str(row) for row in range(len(items))], index=items.index, dtype=object)
    if GROUP not in items.columns:
        items = items.assign(group=pair)
    parts = [
        items.assign(id=items[ID] + f"/{side}", content=content, pair=pair, side=side)
        for side, content in sides.items()
    ]
    return pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)


def refuse_repeated_ids(ids: pd.Series, source: str) -> None:
    """Raise DataError if an id occurs twice."""
    repeated = ids[ids.duplicated()]
    if len(repeated):
        raise DataError(
            f"{source}: the id {repeated.iloc[0]!r} occurs more than once ({len(repeated)} repeated ids in "
            f"total); make ids unique or leave the id column out"
        )


TEXT_READERS: dict[str, Callable[[str, Path], pd.DataFrame]] = {".txt": parse_lines, ".jsonl": parse_jsonl}
DELIMITED: dict[str, Callable[[str, Path, Quoting], pd.DataFrame]] = {".csv": parse_csv, ".tsv": parse_tsv}
TABLE_SUFFIXES = (*TEXT_READERS, *DELIMITED, ".parquet")
