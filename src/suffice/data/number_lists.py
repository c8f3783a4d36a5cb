"""Vectors of numbers as texts, so that a corpus can hold them: `[0.1, -2.5]`."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float32]


def text_of(values: Any) -> str:
    """Numbers as text in single precision; empty if they are not a vector of finite numbers.

    Args:
        values: numbers, shape (n,).

    Example:
        >>> text_of([0.1, 2])
        '[0.1, 2.0]'
    """
    try:
        with np.errstate(over="ignore"):  # too large values become infinite, and are refused below
            numbers = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError, OverflowError):
        return ""
    if numbers.ndim != 1 or not len(numbers) or not np.isfinite(numbers).all():
        return ""
    return f"[{', '.join(map(str, numbers))}]"


def canonical(text: str) -> str:
    """A text of numbers as `text_of` writes it; empty if it is something else."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    is_list = isinstance(values, list) and all(type(value) in (int, float) for value in values)
    return text_of(values) if is_list else ""


def numbers_in(text: str) -> Numbers:
    """The numbers of a canonical text, shape (n,).

    Example:
        >>> numbers_in("[0.1, 2.0]").tolist() == np.float32([0.1, 2]).tolist()
        True
    """
    return np.array(json.loads(text), dtype=np.float32)
