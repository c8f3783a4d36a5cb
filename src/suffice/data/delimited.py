"""Reading tables of delimited text: the delimiter, and whether quotation marks quote cells or are text."""

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd

from suffice.errors import DataError, assume

Quoting = Literal["auto", "quotes", "none"]
DELIMITERS = (",", ";", "\t", "|")
SEP_LINE = "sep="  # a first line that Excel writes and reads, followed by the delimiter
SPREADSHEET_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


class Row(NamedTuple):
    """The cells of a row, and its lines in the file, from 1."""

    cells: list[str]
    first_line: int
    last_line: int


def parse_delimited(
    text: str, path: Path, delimiter: str | None = None, quoting: Quoting = "auto"
) -> pd.DataFrame:
    """A table of text with a header line; an empty cell is missing.

    Args:
        text: the file's content.
        path: name of the file in messages.
        delimiter: between cells; None: detect it from the header.
        quoting: whether quotation marks quote a cell; "auto" decides this from the file. In a file with tabs
            they are text if some cell has them in a form that is not a correct quote, and each line is a
            complete row without quoting.

    Raises:
        DataError: a row and the header have different numbers of cells, a quote is never closed, a quote
            spans whole rows, or a cell is longer than 131,072 characters.
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
                f"{len(header.cells)}; quote cells that contain the delimiter {delimiter!r}"
            )
    columns = [[row.cells[i] or None for row in body] for i in range(len(header.cells))]
    return pd.DataFrame({name: pd.Series(columns[i], dtype=object) for i, name in enumerate(header.cells)})


def told_delimiter(text: str, path: Path, delimiter: str | None = None) -> tuple[str, str]:
    """The text without a line that names the delimiter, and the delimiter, if None from the header."""
    header, _, rest = text.partition("\n")
    if header.lower().startswith(SEP_LINE) and len(header.strip("\r")) == len(SEP_LINE) + 1:
        return rest, header[len(SEP_LINE)]
    if delimiter is not None:
        return text, delimiter
    outside = "".join(header.split('"')[::2])
    found = next((each for each in DELIMITERS if each in outside), ",")
    if found != ",":
        assume(f"{path} was read with {SPREADSHEET_NAMES[found]} between its cells instead of commas")
    return text, found


def _rows(text: str, path: Path, delimiter: str, quoting: Quoting) -> list[Row]:
    """The rows with one of the two meanings of quotation marks."""
    if '"' not in text or quoting == "none":
        return _parsed(text, path, delimiter, quotes=False)
    if quoting == "quotes":
        return _parsed(text, path, delimiter, quotes=True)
    plain = _plain_rows(text, path, delimiter)
    unquoted = bool(plain) and _fits(plain) and not _is_quoted_well(plain)
    if unquoted and delimiter == "\t":
        assume(
            f"{path}: quotation marks were read as text, because each line is a complete row and some marks "
            "would not be correct quotes; if they are quotes, set `quoting` to quotes"
        )
        return plain
    rows = _parsed(text, path, delimiter, quotes=True)
    _check_line_ends(rows, plain, path, strict=unquoted or delimiter == "\t")
    return rows


def _plain_rows(text: str, path: Path, delimiter: str) -> list[Row]:
    """The rows with quotation marks as text; empty if a cell is too long."""
    try:
        return _parsed(text, path, delimiter, quotes=False)
    except DataError:
        return []


def _fits(rows: list[Row]) -> bool:
    """Whether every row has as many cells as the header."""
    return len({len(row.cells) for row in rows}) == 1


def _is_quoted_well(rows: list[Row]) -> bool:
    """Whether every cell with a quotation mark is quoted correctly."""
    marked = [cell for row in rows for cell in row.cells if '"' in cell]
    return all(_is_quoted(cell) for cell in marked)


def _is_quoted(cell: str) -> bool:
    whole = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return whole and '"' not in cell[1:-1].replace('""', "")


def _check_line_ends(rows: list[Row], plain: list[Row], path: Path, *, strict: bool) -> None:
    """Report how many rows have line ends; if strict, refuse them if their lines would be complete rows."""
    widths = {row.first_line: len(row.cells) for row in plain}
    long = [(number, row) for number, row in enumerate(rows) if _holds_line_end(row)]
    for number, row in long if strict else ():
        proven = any('"' in cell for cell in row.cells)  # marks inside are doubled only in correct quotes
        inside = range(row.first_line + 1, row.last_line + 1)
        if not proven and any(widths.get(line) == len(row.cells) for line in inside):
            raise DataError(
                f"{path}: data row {number}: a quotation mark on line {row.first_line} spans the lines up to "
                f"{row.last_line}, and some of these are complete rows; set `quoting` to none if the marks "
                "are text, or to quotes if the cell really has these lines"
            )
    if long:
        assume(
            f"{path}: {len(long)} rows have cells with line ends in quotes, the first is data row "
            f"{long[0][0]} (line {long[0][1].first_line}); if its quotation marks are text, set `quoting` to "
            "none"
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
            "texts with quotes, line ends or many characters are safer as .jsonl or .parquet; if quotation "
            "marks are text, set `quoting` to none"
        ) from error
    return rows


def _refuse_repeated(header: list[str], path: Path) -> None:
    """Raise DataError if two columns have one name."""
    repeated = sorted(name for name, count in Counter(header).items() if count > 1)
    if repeated:
        raise DataError(f"{path} has more than one column named {repeated[0]!r}; rename one of them")
