"""Tables of a page: columns with a heading, a unit and a format for their cells."""

import base64
import re
from dataclasses import dataclass

import pandas as pd

from suffice.numbers import Column
from suffice.storage.files import csv_of

MAX_NAME = 60


@dataclass(frozen=True)
class Cell:
    """A formatted cell with its sort value."""

    text: str
    sort: str
    is_number: bool


@dataclass(frozen=True)
class Table:
    """A table for the page.

    Attributes:
        caption: what the table shows.
        label: its name for screen readers, unique on the page.
        columns: the columns of the table, with their headings.
        rows: the formatted cells; the cell that names a row is in column `name_at`.
        name_at: position of the column that names a row.
        download: all columns of the table's data as CSV in a data URI.
        file_name: the name under which the browser saves it.
    """

    caption: str
    label: str
    columns: list[Column]
    rows: list[list[Cell]]
    name_at: int
    download: str
    file_name: str


def make_table(
    data: pd.DataFrame,
    columns: tuple[Column, ...],
    caption: str,
    name_at: int = 0,
    file_name: str = "",
    subject: str = "",
) -> Table:
    """The columns that `data` has, formatted; the name column is always there, so its position is fixed.

    The default file name comes from the caption. The subject distinguishes tables with the same caption.
    """
    shown = [column for column in columns if column.key in data]
    name_at = shown.index(columns[name_at])
    rows = [[_cell(row, column) for column in shown] for _, row in data.iterrows()]
    label = f"{caption} ({subject})" if subject else caption
    return Table(
        caption, label, shown, rows, name_at, download_of(data), file_name or f"{_slug(caption)}.csv"
    )


def download_of(data: pd.DataFrame) -> str:
    """A table as CSV in a data URI."""
    encoded = base64.b64encode(csv_of(data).encode()).decode()
    return f"data:text/csv;charset=utf-8;base64,{encoded}"


def _slug(caption: str) -> str:
    """The first words of a caption as a file name."""
    words = re.findall(r"\w+", caption.split(":")[0].lower())
    return "-".join(words)[:MAX_NAME] or "table"


def _cell(row: pd.Series, column: Column) -> Cell:
    value = row[column.key]
    written = column.write(row[column.low], row[column.high]) if column.low else column.write(value)
    return Cell(written or "–", "" if pd.isna(value) else str(value), column.is_number)
