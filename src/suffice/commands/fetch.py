"""`suffice fetch`: download a study's models and data into the local caches."""

import argparse
from typing import TYPE_CHECKING

from suffice.commands import Commands
from suffice.errors import DataError

if TYPE_CHECKING:
    from suffice.study.fetch import Fetched


PLACE = 8
EXAMPLES = """  suffice fetch my-docs
      download a study's models and data into the local caches, for computers without network
"""


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    fetch = commands.add_parser("fetch", help="download a study's models and data into the local caches")
    fetch.add_argument(
        "study", help="a folder with study.yaml, its name in config/, or a study of the package"
    )
    fetch.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Fetch everything, and say what could not be fetched."""
    from suffice.kinds.registry import kind_of_study
    from suffice.run import workflow_root
    from suffice.workflow import study_folder

    folder = study_folder({"study": options.study}, workflow_root())
    found = list(map(_said, kind_of_study(folder).fetch(folder)))
    failed = [each.what for each in found if each.failed]
    if failed:
        raise DataError(f"{len(failed)} of {len(found)} could not be fetched: {', '.join(failed)}")
    got = f"{len(found)} of its models and data sets are in the cache" if found else "it needs no downloads"
    print(f"the study {folder.name} runs without network: {got}")


def _said(each: "Fetched") -> "Fetched":
    print(f"{'FAILED ' if each.failed else ''}{each.what}: {each.said}", flush=True)
    return each
