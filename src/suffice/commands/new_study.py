"""`suffice new-study`: write a study of your own texts."""

import argparse
import shlex
from pathlib import Path

from suffice.commands import Commands, listed
from suffice.data.modalities.registry import MODALITIES, get_modality
from suffice.data.modalities.text import TEXT
from suffice.errors import StudyError

PLACE = 4
EXAMPLES = """  suffice new-study my-docs --texts docs.csv --content body --models tfidf-256,minilm
      write a study of your own texts, then: suffice run config/my-docs
"""


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "new-study",
        help="write a study of your own texts",
        description="Write a folder with study.yaml, models.tsv and datasets.tsv; edit them as you like.",
        epilog="models that need no download:\n  "
        + "\n  ".join(f"{each.items}: {', '.join(each.models)}" for each in MODALITIES.values()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("name", help="the study's name: lower-case letters, digits, dots and hyphens")
    command.add_argument(
        "--texts",
        type=Path,
        required=True,
        help=".txt (one text per line), .csv, .tsv, .jsonl or .parquet, each also .gz, or a folder of these; "
        "for images and sounds a folder of them, a table with their paths, .parquet or .npz",
    )
    command.add_argument("--content", help="column with the items (default: that of the content type)")
    command.add_argument(
        "--content-type", default=TEXT.name, help=f"{', '.join(MODALITIES)} (default: %(default)s)"
    )
    command.add_argument(
        "--models",
        help="separated by commas: a name listed below, a hub name of a sentence-transformers model, a local "
        "folder of one, or a file of vectors (default: all listed below)",
    )
    command.add_argument(
        "--folder", type=Path, default=Path("config"), help="where studies are (default: %(default)s)"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the folder."""
    from suffice.study.names import why_no_name
    from suffice.study.new import write_new_study

    wrong = why_no_name(options.name)
    if wrong:
        raise StudyError(f"{options.name!r} {wrong}; use --folder to choose its place")
    kind = options.content_type
    models = list(get_modality(kind).models) if options.models is None else listed(options.models)
    folder = write_new_study(options.folder / options.name, options.texts, models, options.content, kind)
    print(f"written: {folder}; next: suffice run {shlex.quote(str(folder))}")
