"""Readable numbers and columns: few digits, a true minus sign, a dash for missing values."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

MISSING = "–"


def number(value: Any, digits: int = 3) -> str:
    """A number with at most `digits` significant digits, such as 0.417, 1,240 or 5.7e15; – if missing."""
    if pd.isna(value):
        return MISSING
    size = abs(float(value))
    if 0 < size < 0.001 or size >= 1e9:
        return f"{float(value):.1e}".replace("e+", "e").replace("-", "−")
    text = f"{float(value):,.0f}" if size >= 100 else f"{float(value):.{_decimals(size, digits)}f}"
    return text.replace("-", "−")


def integer(value: Any) -> str:
    """A count with thousands separated; a dash if missing."""
    return MISSING if pd.isna(value) else f"{int(value):,}".replace("-", "−")


def percent(value: Any) -> str:
    """A share as a percentage with one decimal; a dash if missing."""
    return MISSING if pd.isna(value) else f"{100 * float(value):.1f} %"


def share(value: Any) -> str:
    """A share with two decimals; a dash if missing."""
    return correlation(value)


def interval(low: Any, high: Any) -> str:
    """Two bounds as "0.36 to 0.43"; empty if one is missing."""
    return "" if pd.isna(low) or pd.isna(high) else f"{number(low)} to {number(high)}"


def correlation(value: Any) -> str:
    """A correlation with two decimals; a dash if missing."""
    return MISSING if pd.isna(value) else f"{float(value):.2f}".replace("-", "−")


def correlation_interval(low: Any, high: Any) -> str:
    """Bounds of a correlation as "0.62 to 0.95"; empty if one is missing."""
    return "" if pd.isna(low) or pd.isna(high) else f"{correlation(low)} to {correlation(high)}"


def ranks(low: Any, high: Any) -> str:
    """A rank interval as "2–5", or one rank alone; a dash if missing."""
    if pd.isna(low) or pd.isna(high):
        return MISSING
    return integer(low) if low == high else f"{integer(low)}–{integer(high)}"


def text(value: Any) -> str:
    """A text unchanged; a dash if missing or empty."""
    return MISSING if pd.isna(value) or str(value) == "" else str(value)


def _decimals(size: float, digits: int) -> int:
    """Decimals for this number of significant digits, at most three, which is enough for a score."""
    if size >= 10:
        return max(0, digits - 2)
    return max(0, digits - 1) if size >= 1 else 3


@dataclass(frozen=True)
class Column:
    """A column of a page's table: its key in the data, its heading, and the function that formats a value.

    With `low` and `high` the cell is an interval of those two columns. Rows can be chosen by a column that
    `is_filter`: by its texts, or by the most that its numbers may be.
    """

    key: str
    heading: str
    write: Callable[..., str] = text
    low: str = ""
    high: str = ""
    is_filter: bool = False

    @property
    def is_number(self) -> bool:
        """Whether cells are numbers, which are right-aligned."""
        return self.write is not text
