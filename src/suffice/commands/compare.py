"""`suffice compare`: show what changed between two runs."""

import argparse
from pathlib import Path

from suffice.commands import Commands, add_json, print_json

PLACE = 6


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    compare = commands.add_parser(
        "compare",
        help="show what changed between two runs: models, scores, ranks, settings",
        description="Show what changed between two runs of studies, or between two folders that rank wrote.",
    )
    compare.add_argument("before", type=Path, metavar="RESULTS", help="the results of the first run")
    compare.add_argument("after", type=Path, metavar="RESULTS", help="the results of the second run")
    add_json(compare)
    compare.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the differences."""
    from suffice.study.compare import compare_results

    found = compare_results(options.before, options.after)
    if options.json:
        print_json(found.as_json())
    else:
        print("\n".join(found.lines()))
