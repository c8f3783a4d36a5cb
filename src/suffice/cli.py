"""The command line: errors are messages, and each command is a file in `suffice.commands`."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError
from typing import Any

from suffice._version import __version__
from suffice.commands import all_commands
from suffice.errors import AssumptionWarning, DoubtWarning, SufficeError, is_out_of_memory, out_of_memory
from suffice.secrets import without_secrets

INTERRUPTED = 130  # the exit status that shells use after Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, 1 with a message on stderr, 130 after Ctrl-C."""
    options = make_parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", AssumptionWarning)
            warnings.simplefilter("ignore", DoubtWarning)  # printed with the result
            setattr(warnings, "showwarning", _print_warning)  # noqa: B010 - its type has more than is used
            options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # such as of `suffice rank ... | head`, which has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python writes at its end
        return 1
    except (SufficeError, PackageNotFoundError, OSError) as error:
        print(f"suffice: {without_secrets(str(error))}", file=sys.stderr)
        return 1
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        print(f"suffice: {without_secrets(out_of_memory(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        print(f"\nsuffice: {str(error) or 'stopped; to go on, run the same command again'}", file=sys.stderr)
        return INTERRUPTED
    return 0


def _print_warning(message: Warning | str, *place: Any) -> None:
    print(f"suffice: note: {message}", file=sys.stderr)


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line, with all commands."""
    commands = all_commands()
    parser = argparse.ArgumentParser(
        prog="suffice",
        description="Which embedding model carries the most information about my data, without labels?",
        epilog="examples:\n" + "".join(getattr(command, "EXAMPLES", "") for command in commands),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"suffice {__version__}")
    added = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in commands:
        command.add(added)
    return parser


if __name__ == "__main__":
    sys.exit(main())
