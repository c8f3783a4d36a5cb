"""Vectors written as text: JSON, pgvector, PostgreSQL arrays, and Python's printed form."""

import re
from collections.abc import Sequence

import numpy as np

from suffice.errors import ModelError

NUMBER = re.compile(r"[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|nan|NaN|inf|Infinity)")
WRAPPED = re.compile(r"(?:np\.|numpy\.)?float\d+\(([^()]*)\)")  # as NumPy 2 prints its numbers
OUTSIDE = re.compile(r"^(?:np\.|numpy\.|torch\.)?(?:array|tensor|Vector)\((.*?)(?:,\s*\w+=.*)?\)$", re.DOTALL)
SHORTENED = re.compile(r"\.\.\.|…")


def is_text_vector(text: str) -> bool:
    """Whether a text is a vector of at least two numbers in brackets, complete or shortened when printed."""
    inside = _without_wrapping(text)
    if inside[:1] + inside[-1:] not in ("[]", "()", "{}"):
        return False
    numbers = _split(SHORTENED.sub(" ", inside[1:-1]))
    return len(numbers) > 1 and all(map(NUMBER.fullmatch, numbers))


def parse_text_vectors(texts: Sequence[str], what: str) -> np.ndarray:
    """One row from each text, float64, shape (len(texts), embed_dim).

    Raises:
        ModelError: a text is not a vector, was shortened when it was printed, or has another length.
    """
    rows = [_parsed(text, f"{what}: row {row + 1}") for row, text in enumerate(texts)]
    lengths = sorted({len(row) for row in rows})
    if len(lengths) > 1:
        raise ModelError(f"{what} has vectors of different lengths, {lengths[0]} to {lengths[-1]}")
    return np.array(rows, dtype=np.float64).reshape(len(rows), lengths[0] if lengths else 0)


def _parsed(text: str, place: str) -> list[float]:
    if SHORTENED.search(text):
        raise ModelError(
            f"{place} has {text[:40]!r}, which was shortened when it was printed, so its numbers are lost; "
            "export the vectors again, as a list or as .npy"
        )
    inside = _without_wrapping(text).strip("[](){} \n")
    if _mixes_separators(inside):
        raise ModelError(
            f"{place} has {text[:40]!r}, in which a comma may be a decimal point or stand between numbers; "
            "write [0.1, 0.2, ...]"
        )
    try:
        return [float(part) for part in _split(inside)]
    except ValueError:
        raise ModelError(f"{place} has {text[:40]!r}, which is not a vector; write [0.1, 0.2, ...]") from None


def _without_wrapping(text: str) -> str:
    inside = WRAPPED.sub(r"\1", text.strip()) if "float" in text else text.strip()
    found = OUTSIDE.match(inside) if inside.endswith(")") and not inside.startswith("(") else None
    return found[1].strip() if found else inside


def _mixes_separators(inside: str) -> bool:
    """Whether there are commas, and numbers are also separated by semicolons or by spaces alone."""
    return "," in inside and (";" in inside or any(len(part.split()) > 1 for part in inside.split(",")))


def _split(inside: str) -> list[str]:
    return inside.replace(",", " ").replace(";", " ").split()
