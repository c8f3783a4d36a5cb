"""The groups of items from a file: one row per item."""

from pathlib import Path

import pandas as pd

from suffice.alignment import ID, as_ids
from suffice.errors import DataError, first_line
from suffice.storage.untrusted import read_parquet_table

COLUMN = "group"


def read_groups(path: Path, n_items: int, by_id: bool = False) -> "pd.Series[str]":
    """The group of each item, as text; the index holds the ids of the items, if the file has a column `id`.

    Args:
        path: .csv, .tsv or .parquet with a column `group` or only one column, or .txt with one group per
            line. A table may also have a column `id`.
        n_items: required number of rows, if they are not joined by id.
        by_id: whether the items have ids, so a file with ids may have any number of rows in any order.

    Raises:
        DataError: the file cannot be read, has another number of rows, or a row without a group.
    """
    groups = pd.Series(_lines(path), dtype=object) if path.suffix == ".txt" else _column(path)
    if len(groups) != n_items and not (by_id and has_ids(groups)):
        raise DataError(
            f"{path} has {len(groups)} rows but there are {n_items} items; give one row per item in the "
            "order of the vectors, and in a table also a header line"
        )
    for row, group in enumerate(groups.tolist()):
        if not group.strip():
            raise DataError(f"{path}: row {row} has no group; give every item a group, if necessary its own")
    return groups


def has_ids(groups: "pd.Series[str]") -> bool:
    """Whether the index has ids."""
    return groups.index.name == ID


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {first_line(error)}; give a UTF-8 text") from None


def _column(path: Path) -> "pd.Series[str]":
    """The column `group` of a table, or its only column besides `id`."""
    table = _table(path)
    if ID in table and table.shape[1] > 1:
        table = table.set_index(pd.Index(as_ids(table[ID].tolist(), path.name), name=ID)).drop(columns=ID)
    columns = [str(column) for column in table.columns]
    if len(columns) != 1 and COLUMN not in columns:
        raise DataError(
            f"{path} has the columns {', '.join(columns)}; rename the one with the groups to `{COLUMN}`, or "
            "remove the others"
        )
    column = table[COLUMN] if COLUMN in columns else table.iloc[:, 0]
    return column.map(lambda value: "" if pd.isna(value) else str(value))


def _table(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pd.DataFrame(read_parquet_table(path).to_pandas())
        if path.suffix in (".csv", ".tsv"):
            separator = "\t" if path.suffix == ".tsv" else ","
            return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, skip_blank_lines=False)
    except (OSError, ValueError) as error:  # pandas' and pyarrow's own errors are of these kinds
        raise DataError(f"{path} cannot be read: {first_line(error)}; give one row per item") from None
    raise DataError(f"{path} has no readable groups; give a .csv, .tsv, .parquet or .txt file")
