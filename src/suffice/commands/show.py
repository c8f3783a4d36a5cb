"""`suffice show`: print the rankings of a study that has run."""

import argparse
from pathlib import Path

from suffice.commands import Commands, add_json, print_json

PLACE = 5
EXAMPLES = """  suffice show results/api-docs
      print the rankings of a study that has run
"""


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    show = commands.add_parser("show", help="print the rankings of a study that has run")
    show.add_argument("results", type=Path, help="the study's results, such as results/api-docs")
    show.add_argument("--failures", action="store_true", help="print the models that failed instead")
    add_json(show)
    show.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the rankings, or the failures."""
    from suffice.study.show import results_as_json, show_failures, show_results

    if options.failures:
        print(show_failures(options.results))
    elif options.json:
        print_json(results_as_json(options.results))
    else:
        print(show_results(options.results))
