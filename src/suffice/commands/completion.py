"""`suffice completion`: print a script by which a shell completes the command."""

import argparse
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from suffice.commands import Commands
from suffice.errors import StudyError

PLACE = 11
MAY_BE_FILES = ("study", "profile")
"""Arguments that are a file, a folder or a name."""


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    completion = commands.add_parser(
        "completion",
        help="print a completion script for a shell",
        description="Print a completion script for a shell. Save it where your shell looks for such scripts.",
        epilog='example:\n  eval "$(suffice completion bash)"',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    completion.add_argument("shell", choices=("bash", "fish", "tcsh", "zsh"), help="the shell")
    completion.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the script."""
    try:
        shtab: Any = importlib.import_module("shtab")
    except ImportError:
        raise StudyError("completion needs the package shtab: pip install 'suffice[completion]'") from None
    from suffice.cli import make_parser

    parser = make_parser()
    for action in _actions(parser):
        if action.type is Path or action.dest in MAY_BE_FILES:
            setattr(action, "complete", shtab.FILE)  # noqa: B010 - it is an attribute of shtab's
    print(shtab.complete(parser, options.shell))


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The options and arguments of a parser and of its commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
        else:
            yield action
