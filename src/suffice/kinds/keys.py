"""Tables of settings keys for the manual."""

from typing import get_args

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

MAX_SHOWN = 6


def key_table(model: type[BaseModel]) -> str:
    """Key, default and meaning of each field that has a description, as Markdown."""
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        if field.description is None:
            continue
        description = field.description.replace("|", "\\|")
        rows.append(f"| `{name}` | {_default(field)} | {description}{_choices(field)} |")
    return "\n".join(rows) + "\n"


def _default(field: FieldInfo) -> str:
    default = field.default
    if default is PydanticUndefined:
        return "required"
    if default is None or isinstance(default, BaseModel) or default == {}:
        return ""
    if isinstance(default, tuple):
        shown = [f"{value:g}" if isinstance(value, (int, float)) else str(value) for value in default]
        if len(shown) > MAX_SHOWN:
            return f"{len(shown)} values from `{shown[0]}` to `{shown[-1]}`"
        return f"`[{', '.join(shown)}]`"
    if isinstance(default, dict):
        plain = {key: {} if isinstance(value, BaseModel) else value for key, value in default.items()}
        return f"`{yaml.safe_dump(plain, default_flow_style=True, width=1000).strip()}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _choices(field: FieldInfo) -> str:
    """The allowed values of a field with a fixed choice, unless its description already names them."""
    words = [word for word in get_args(field.annotation) if isinstance(word, str)]
    unnamed = [word for word in words if word not in (field.description or "")]
    return f" ({', '.join(f'`{word}`' for word in words)})" if unnamed else ""
