"""`suffice schema`: print the JSON schema of a file of a study, for editors."""

import argparse
import json

from suffice.commands import Commands
from suffice.errors import StudyError
from suffice.settings import did_you_mean

PLACE = 12


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    schema = commands.add_parser("schema", help="print the JSON schema of a file of a study, for editors")
    schema.add_argument("name", nargs="?", default="study", help="study, dataset, ... (default: %(default)s)")
    schema.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the schema."""
    from suffice.kinds.manual import schemas

    known = schemas()
    if options.name not in known:
        raise StudyError(f"no schema {options.name!r}{did_you_mean(options.name, list(known))}")
    print(json.dumps(known[options.name], indent=2, ensure_ascii=False))
