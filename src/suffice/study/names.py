"""Names in a study, which appear in file names, tables and figures."""

import re
from pathlib import Path

from suffice.errors import StudyError

NAME_PATTERN = r"[a-z0-9][a-z0-9.-]{0,99}"
NAME_RULE = "lower-case letters, digits, dots and hyphens, the first a letter or digit, at most 100"
RESERVED_ENDINGS = (".differences", ".directions", ".halves", ".items", ".tasks")


def why_no_name(text: str) -> str | None:
    """Why a text cannot be a name in file names and tables; None if it can."""
    if not re.fullmatch(NAME_PATTERN, text):
        return f"is not a name: use {NAME_RULE}"
    if text.endswith(RESERVED_ENDINGS):
        return f"is not a name: the workflow's own files end in {', '.join(RESERVED_ENDINGS)}; choose another"
    return None


def check_key(path: Path, key: str, name: str) -> None:
    """Raise StudyError unless `name` can be a name in file names and tables."""
    wrong = why_no_name(name)
    if wrong:
        raise StudyError(f"{path}: {key}: {name!r} {wrong}")
