"""The commands of `suffice`: each file has one, with its options and what it does.

A file has `add`, which adds the command to the command line, and `PLACE`, its place in the help. It may have
`EXAMPLES` for the help. It is found without a line in any registry.
"""

import argparse
import importlib
import json
import pkgutil
from typing import Any, TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def all_commands() -> list[Any]:
    """The modules of all commands, in the order of the help."""
    names = [each.name for each in pkgutil.iter_modules(__path__)]
    return sorted((importlib.import_module(f"{__name__}.{name}") for name in names), key=lambda it: it.PLACE)


def add_quiet(command: argparse.ArgumentParser) -> None:
    """The option `--quiet`."""
    command.add_argument("--quiet", action="store_true", help="do not show progress")


def add_json(command: "argparse._ActionsContainer") -> None:
    """The option `--json`."""
    command.add_argument("--json", action="store_true", help="print the result as JSON")


def print_json(content: Any) -> None:
    """Print a result for programs."""
    print(json.dumps(content, indent=2, allow_nan=False))


def listed(names: str) -> list[str]:
    """Names that are separated by commas."""
    return [name.strip() for name in names.split(",") if name.strip()]
