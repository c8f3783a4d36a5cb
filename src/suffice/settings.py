"""The base of every settings model: frozen, and a misspelt key is an error that names the right one."""

from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError


class Settings(BaseModel):
    """Settings of one part; the fields' defaults and descriptions are what the manual is made from."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


def did_you_mean(word: str, choices: list[str]) -> str:
    """`; did you mean 'x'?` if one of the choices is close to `word`, then the list of all choices."""
    close = get_close_matches(word, choices, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ";"
    return f"{hint} there is: {', '.join(choices) or 'nothing to choose from'}"


def describe_validation_error(error: ValidationError, model: type[BaseModel]) -> str:
    """One line that names each wrong key, its value, what is wrong, and the keys that exist."""
    return "; ".join(_describe(problem, model) for problem in error.errors())


def _describe(problem: Any, model: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = list(model.model_fields) if len(problem["loc"]) == 1 else []
        return f"unknown key {key!r}{did_you_mean(key, known) if known else ''}"
    if problem["type"] == "missing":
        return f"key {key!r} is required"
    message = problem["msg"].removeprefix("Value error, ")
    if not key:
        return message
    return f"key {key!r} has the value {problem['input']!r}: {message}"
