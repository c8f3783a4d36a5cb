"""`suffice traits`: show on what kinds of tasks the score agrees, over several studies."""

import argparse
from pathlib import Path

from suffice.commands import Commands, add_json, print_json

PLACE = 7


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    traits = commands.add_parser(
        "traits",
        help="show on what kinds of tasks the score agrees, over several studies",
        description="Pool the tasks of studies that have run, and show how well the label-free score agrees "
        "with them by kind of task, kind of information (the column information of tasks.tsv), number of "
        "classes, number of items, and how far the models get.",
    )
    traits.add_argument("results", type=Path, nargs="+", metavar="RESULTS", help="results of a study")
    traits.add_argument(
        "--ranking", default="", metavar="NAME", help="the ranking to use (default: the first on each page)"
    )
    add_json(traits)
    traits.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the table."""
    from suffice.study.show import json_rows
    from suffice.study.traits import agreement_by_trait

    table = agreement_by_trait(options.results, options.ranking)
    if options.json:
        print_json(json_rows(table))
    else:
        print(table.round(3).to_string(index=False, na_rep=""))
