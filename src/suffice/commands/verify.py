"""`suffice verify`: check the bytes and the origin of every result of a study."""

import argparse
from pathlib import Path

from suffice.commands import Commands
from suffice.errors import DataError

PLACE = 9
EXAMPLES = """  suffice verify results/api-docs
      check that every result is unchanged and up to date
"""


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    verify = commands.add_parser("verify", help="check the bytes and the origin of every result of a study")
    verify.add_argument("results", type=Path, help="the study's results, such as results/api-docs")
    verify.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print what is damaged or stale; an error if anything is."""
    from suffice.storage.verify import verify_results

    found = verify_results(options.results)
    print("\n".join(found.lines()))
    if not found.is_good:
        raise DataError(f"{options.results} has damaged or stale results; delete damaged ones and run again")
