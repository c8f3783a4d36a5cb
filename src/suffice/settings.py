"""The base of every settings model. It is frozen, and an error for a misspelt key suggests the right one."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from suffice.errors import StudyError
from suffice.secrets import without_secrets

MAX_SHOWN = 200  # characters of a value in a message


class Settings(BaseModel):
    """Settings of one part. The manual is generated from the defaults and descriptions of the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false for a number, which the library would convert to 1 and 0."""
        kinds = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and {int, float} & {kinds, *get_args(kinds)}:
            raise ValueError("write a number")
        return value


def did_you_mean(word: str, choices: list[str]) -> str:
    """`; did you mean 'x'?` if a choice is close to `word`, and the list of all choices."""
    close = get_close_matches(word, choices, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ";"
    return f"{hint} choices: {', '.join(choices) or 'nothing to choose from'}"


def must_exist(path: Path, row: str, what: str, name: str, known: Mapping[str, Any]) -> None:
    """Raise StudyError, with the closest known name, unless `name` is known."""
    if name not in known:
        raise StudyError(f"{path}: row {row!r}: no {what} {name!r}{did_you_mean(name, list(known))}")


def describe_validation_error(error: ValidationError, model: type[BaseModel]) -> str:
    """One line that names each wrong key, its value, the problem, and the existing keys."""
    return "; ".join(_describe(problem, model) for problem in error.errors())


def _describe(problem: Any, model: type[BaseModel]) -> str:
    key = ".".join(str(part)[:MAX_SHOWN] for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = list(model.model_fields) if len(problem["loc"]) == 1 else []
        return f"unknown key {key!r}{did_you_mean(key, known) if known else ''}"
    if problem["type"] == "missing":
        return f"key {key!r} is required"
    message = problem["msg"].removeprefix("Value error, ")
    if not key:
        return message
    return f"key {key!r} has the value {_shown(problem['input'])}: {message}"


def _shown(value: Any) -> str:
    """A value for a message; only the beginning of a long one."""
    text = without_secrets(repr(value))
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
