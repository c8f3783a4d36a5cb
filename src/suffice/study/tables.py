"""Read a study's tab-separated tables; errors name file, row, column and remedy."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from suffice.data.text_files import decode
from suffice.errors import DataError, StudyError, SufficeError, first_line
from suffice.settings import Settings, describe_validation_error
from suffice.study.names import why_no_name

Row = TypeVar("Row")
S = TypeVar("S", bound=Settings)
WITH_SPACES = (
    "prompt",
    "prompt_query",
    "prompt_document",
)  # columns whose cells may end in a significant space
MAX_DIGITS = 9
TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read_rows(path: Path, key: str, required: Iterable[str]) -> dict[str, dict[str, str]]:
    """The rows of a table by their name; empty cells are left out.

    Args:
        path: a tab-separated file with a header line; lines that begin with `#` are comments.
        key: the column that holds the names.
        required: columns that every row must fill.

    Raises:
        StudyError: the file is missing or not UTF-8, a required column or cell is missing, a column occurs
            twice, a row has too many cells, or a name is malformed or occurs twice.
    """
    header, lines = _read_lines(path)
    for column in (key, *required):
        if column not in header:
            close = get_close_matches(column, header, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else "; add it to the table's first line"
            raise StudyError(f"{path}: the column {column!r} is missing{hint}")
    rows: dict[str, dict[str, str]] = {}
    for number, cells in lines:
        row = _row(path, number, header, cells)
        name = row.get(key, "")
        _check_name(path, number, key, name, rows)
        for column in required:
            if column not in row:
                raise StudyError(f"{path}: row {name!r} has no {column!r}; fill in the cell")
        rows[name] = row
    return rows


def _read_lines(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        text = decode(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise StudyError(f"{path} does not exist; a study needs this table") from None
    except DataError as error:
        raise StudyError(str(error)) from error
    except (OSError, ValueError) as error:
        raise StudyError(f"{path} cannot be read ({first_line(error)}); give a table in a file") from error
    numbered = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    kept = [(number, line) for number, line in numbered if not line.startswith("#")]
    if not kept:
        raise StudyError(f"{path} is empty; its first line names the columns, separated by tabs")
    parsed = [next(csv.reader([line], delimiter="\t")) for _, line in kept]
    header = [cell.strip() for cell in parsed[0]]
    repeated = {column for column, count in Counter(header).items() if count > 1}
    if repeated:
        raise StudyError(f"{path}: column {sorted(repeated)[0]!r} occurs twice; remove one")
    return header, [(number, cells) for (number, _), cells in zip(kept[1:], parsed[1:], strict=True)]


def _row(path: Path, number: int, header: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) > len(header):
        raise StudyError(
            f"{path}: line {number} has {len(cells)} cells but there are {len(header)} columns; "
            "check the tabs"
        )
    pairs = zip(header, cells, strict=False)
    return {column: cell if column in WITH_SPACES else cell.strip() for column, cell in pairs if cell.strip()}


def _check_name(path: Path, number: int, key: str, name: str, rows: dict[str, Any]) -> None:
    wrong = why_no_name(name)
    if wrong:
        raise StudyError(f"{path}: line {number}: {key} {name!r} {wrong}")
    if name in rows:
        raise StudyError(f"{path}: line {number}: {key} {name!r} occurs twice; names must be unique")


def read_settings(path: Path, name: str, cells: dict[str, Any], model: type[S]) -> S:
    """Check the cells of one row against a settings model.

    Raises:
        StudyError: an unknown column, a missing one, or a value out of its range.
    """
    try:
        return model(**cells)
    except ValidationError as error:
        raise StudyError(f"{path}: row {name!r}: {describe_validation_error(error, model)}") from None


def read_truth(path: Path, name: str, column: str, text: str) -> bool:
    """A cell with true or false.

    Raises:
        StudyError: it has another value.
    """
    if text.lower() not in TRUTH:
        raise StudyError(f"{path}: row {name!r}: {column} is {text!r}; write true or false")
    return TRUTH[text.lower()]


def read_count(path: Path, name: str, column: str, text: str) -> int:
    """A cell with a whole number of at most nine digits, not negative.

    Raises:
        StudyError: it holds anything else.
    """
    if not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        raise StudyError(f"{path}: row {name!r}: {column} is {text!r}; it must be a number such as 0, 1 or 2")
    return int(text)


def checked(path: Path, name: str, check: Callable[[], Row]) -> Row:
    """Run a check of one row, and put the file and the row before its error message."""
    try:
        return check()
    except SufficeError as error:
        raise StudyError(f"{path}: row {name!r}: {error}") from error
