"""`suffice plan`: show how many jobs of each kind a study has left."""

import argparse

from suffice.commands import Commands
from suffice.commands.run import add_effort, effort

PLACE = 2


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    plan = commands.add_parser(
        "plan",
        help="show how many jobs of each kind a study has left",
        description="Show how many jobs of each kind a study has left, without running any.",
    )
    plan.add_argument(
        "study", help="a folder with study.yaml, its name in config/, or a study of the package"
    )
    add_effort(plan)
    plan.set_defaults(run=run, plan=True, quiet=False)


def run(options: argparse.Namespace) -> None:
    """Print the jobs."""
    from suffice.run import run_study, study_of

    run_study(study_of(options.study, [], None), effort(options, plan=True))
