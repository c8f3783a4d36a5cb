"""`suffice estimators`: list the density families."""

import argparse

from suffice.commands import Commands

PLACE = 13
EXAMPLES = """  suffice estimators
      list the density families
"""


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    estimators = commands.add_parser("estimators", help="list the density families")
    estimators.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print a table of the families."""
    import pandas as pd

    from suffice.estimators.registry import ESTIMATORS

    rows = [{"estimator": name, "what it is": estimator.summary} for name, estimator in ESTIMATORS.items()]
    print(pd.DataFrame(rows).to_string(index=False, justify="left"))
