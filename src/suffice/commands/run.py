"""`suffice run`: run a study, or make one from a file of texts, and print which model to take."""

import argparse
from typing import TYPE_CHECKING

from suffice.commands import Commands, add_json, add_quiet, listed, print_json
from suffice.data.modalities.registry import MODALITIES
from suffice.errors import StudyError

if TYPE_CHECKING:
    from suffice.run import Effort


PLACE = 1
EXAMPLES = """  suffice run docs.csv --content body --models minilm,tfidf-256,owner/name
      write a study of these texts and models beside the file, run it, and print which model to take
"""


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "run",
        help="run a study, or make one from a file of texts, and print which model to take",
        description="Run a study and write its results to results/NAME in the working folder. For a file of "
        "texts, a study is created in a folder beside it.",
    )
    command.add_argument(
        "study",
        help="a folder with study.yaml, its name in config/, a study of the package, or a file of texts",
    )
    command.add_argument("--models", default="", metavar="NAME,...", help="models of a new study")
    command.add_argument("--content", metavar="COLUMN", help="column of the file with the texts")
    command.add_argument(
        "--content-type", help=f"{', '.join(MODALITIES)}: make a study of a file or folder of such items"
    )
    command.add_argument("--open", action="store_true", help="open the page in a browser")
    printed = command.add_mutually_exclusive_group()
    printed.add_argument("--plan", action="store_true", help="print how many jobs of each kind would run")
    add_json(printed)
    add_quiet(command)
    add_effort(command)
    command.set_defaults(run=run)


def add_effort(command: argparse.ArgumentParser) -> None:
    """Options on how many resources a run may use."""
    command.add_argument("--cores", type=_cores, metavar="N", help="jobs at once, or all (default: all)")
    command.add_argument(
        "--mem-mb", type=int, metavar="N", help="memory of all jobs, in megabytes (default: the computer's)"
    )
    command.add_argument("--gpus", type=int, metavar="N", help="GPUs of all jobs (default: all visible GPUs)")
    command.add_argument(
        "--profile", default="default", help="default, slurm, or a folder with a Snakemake profile"
    )
    command.add_argument(
        "--config", nargs="+", default=[], metavar="KEY=VALUE", help="replace keys of study.yaml"
    )
    command.add_argument(
        "--target", nargs="+", default=[], metavar="RULE|FILE", help="make only these, such as ablations"
    )
    command.add_argument("more", nargs="*", metavar="-- OPTION", help="further options of Snakemake")


def _cores(text: str) -> int | str:
    return text if text == "all" else int(text)


def run(options: argparse.Namespace) -> None:
    """Run the study, and print its results."""
    import webbrowser

    from suffice.run import results_of, run_study, study_of
    from suffice.study.show import results_as_json, show_results

    folder = study_of(options.study, listed(options.models), options.content, options.content_type)
    run_study(folder, effort(options))
    if options.plan:
        return
    results = results_of(folder, options.config)
    if options.json:
        print_json(results_as_json(results))
    else:
        print(show_results(results))
    page = results / "report.html"
    if options.open and page.exists():
        webbrowser.open(page.resolve().as_uri())


def effort(options: argparse.Namespace, plan: bool = False) -> "Effort":
    """What the options of `add_effort` say."""
    from suffice.run import Effort

    more = list(options.more)
    if more and not more[0].startswith("-"):
        raise StudyError(f"{more[0]!r} is a second study; give one, and options of Snakemake after --")
    cores = None if options.cores == "all" else options.cores
    return Effort(
        cores=cores,
        profile=options.profile,
        settings=options.config,
        plan=plan or options.plan,
        quiet=options.quiet,
        memory_mb=options.mem_mb,
        gpus=options.gpus,
        targets=options.target,
        more=more,
    )
