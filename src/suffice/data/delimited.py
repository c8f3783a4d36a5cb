"""Reading tables of delimited text: which delimiter, and whether speech marks quote cells or are text."""

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd

from suffice.errors import DataError, assume

Quoting = Literal["auto", "quotes", "none"]
DELIMITERS = (",", ";", "\t", "|")
SEP_LINE = "sep="  # a first line that Excel writes and reads: which delimiter follows
SPREADSHEET_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


class Row(NamedTuple):
    """The cells of a row, and on which lines of the file it stands, from 1."""

    cells: list[str]
    first_line: int
    last_line: int


def parse_delimited(
    text: str, path: Path, delimiter: str | None = None, quoting: Quoting = "auto"
) -> pd.DataFrame:
    """A table of text with a header line; an empty cell is missing.

    Args:
        text: the file's content.
        path: what messages call it.
        delimiter: between cells; None to tell it from the header.
        quoting: whether speech marks quote a cell; "auto" tells it from the file: with tabs they do not
            where some cell holds them as no writer of quotes would and each line is a whole row without them.

    Raises:
        DataError: a row has another number of cells than the header, a quote is never closed, a quote
            swallows whole rows, or a cell is longer than 131,072 characters.
    """
    text, delimiter = told_delimiter(text, path, delimiter)
    rows = _rows(text, path, delimiter, quoting)
    if not rows:
        return pd.DataFrame()
    header, *body = rows
    _refuse_repeated(header.cells, path)
    for number, row in enumerate(body, start=1):
        if len(row.cells) != len(header.cells):
            raise DataError(
                f"{path}: data row {number} has {len(row.cells)} cells but the header has "
                f"{len(header.cells)}; quote cells that hold the delimiter {delimiter!r}"
            )
    columns = [[row.cells[i] or None for row in body] for i in range(len(header.cells))]
    return pd.DataFrame({name: pd.Series(columns[i], dtype=object) for i, name in enumerate(header.cells)})


def told_delimiter(text: str, path: Path, delimiter: str | None = None) -> tuple[str, str]:
    """The text without a line that names the delimiter, and the delimiter, told from the header if None."""
    header, _, rest = text.partition("\n")
    if header.lower().startswith(SEP_LINE) and len(header.strip("\r")) == len(SEP_LINE) + 1:
        return rest, header[len(SEP_LINE)]
    if delimiter is not None:
        return text, delimiter
    outside = "".join(header.split('"')[::2])
    found = next((each for each in DELIMITERS if each in outside), ",")
    if found != ",":
        assume(f"{path} has {SPREADSHEET_NAMES[found]} between its cells, not commas; it was read so")
    return text, found


def _rows(text: str, path: Path, delimiter: str, quoting: Quoting) -> list[Row]:
    """The rows with one of the two meanings of speech marks."""
    if '"' not in text or quoting == "none":
        return _parsed(text, path, delimiter, quotes=False)
    if quoting == "quotes":
        return _parsed(text, path, delimiter, quotes=True)
    plain = _plain_rows(text, path, delimiter)
    unquoted = bool(plain) and _fits(plain) and not _is_quoted_well(plain)
    if unquoted and delimiter == "\t":
        assume(
            f"{path}: speech marks were read as text, since each line is a whole row and some marks would be "
            "no correct quotes; set `quoting` to quotes if they are"
        )
        return plain
    rows = _parsed(text, path, delimiter, quotes=True)
    _check_line_ends(rows, plain, path, strict=unquoted or delimiter == "\t")
    return rows


def _plain_rows(text: str, path: Path, delimiter: str) -> list[Row]:
    """The rows with speech marks as text; none if a cell is too long."""
    try:
        return _parsed(text, path, delimiter, quotes=False)
    except DataError:
        return []


def _fits(rows: list[Row]) -> bool:
    """Whether every row has as many cells as the header."""
    return len({len(row.cells) for row in rows}) == 1


def _is_quoted_well(rows: list[Row]) -> bool:
    """Whether every cell with a speech mark stands in quotes as a writer of quotes would put it."""
    marked = [cell for row in rows for cell in row.cells if '"' in cell]
    return all(_is_quoted(cell) for cell in marked)


def _is_quoted(cell: str) -> bool:
    whole = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return whole and '"' not in cell[1:-1].replace('""', "")


def _check_line_ends(rows: list[Row], plain: list[Row], path: Path, *, strict: bool) -> None:
    """Say how many rows hold line ends; if strict, refuse them where their lines would be whole rows."""
    widths = {row.first_line: len(row.cells) for row in plain}
    long = [(number, row) for number, row in enumerate(rows) if _holds_line_end(row)]
    for number, row in long if strict else ():
        proven = any('"' in cell for cell in row.cells)  # only a writer of quotes doubles the marks inside
        inside = range(row.first_line + 1, row.last_line + 1)
        if not proven and any(widths.get(line) == len(row.cells) for line in inside):
            raise DataError(
                f"{path}: data row {number}: a speech mark on line {row.first_line} swallows the lines up to "
                f"{row.last_line}, some of which are whole rows; set `quoting` to none if marks are text, or "
                "to quotes if the cell does hold these lines"
            )
    if long:
        assume(
            f"{path}: {len(long)} rows have cells with line ends in quotes, the first is data row "
            f"{long[0][0]} (line {long[0][1].first_line}); set `quoting` to none if its speech marks are text"
        )


def _holds_line_end(row: Row) -> bool:
    return row.last_line > row.first_line and any("\n" in cell or "\r" in cell for cell in row.cells)


def _parsed(text: str, path: Path, delimiter: str, *, quotes: bool) -> list[Row]:
    lines = io.StringIO(text, newline="")
    if quotes:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
    else:
        reader = csv.reader(lines, delimiter=delimiter, strict=True, quoting=csv.QUOTE_NONE)
    rows, last = [], 0
    try:
        for cells in reader:
            if cells:
                rows.append(Row(cells, last + 1, reader.line_num))
            last = reader.line_num
    except csv.Error as error:
        raise DataError(
            f"{path} is not a table with the delimiter {delimiter!r} (line {reader.line_num}: {error}); "
            "texts with quotes, line ends or great length are safer as .jsonl or .parquet; set `quoting` to "
            "none if speech marks are text"
        ) from error
    return rows


def _refuse_repeated(header: list[str], path: Path) -> None:
    """Raise DataError if two columns have one name."""
    repeated = sorted(name for name, count in Counter(header).items() if count > 1)
    if repeated:
        raise DataError(f"{path} has more than one column named {repeated[0]!r}; rename one of them")
