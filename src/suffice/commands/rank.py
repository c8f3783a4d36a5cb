"""`suffice rank`: rank models by files of vectors."""

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from suffice.commands import Commands, add_json, add_quiet, print_json
from suffice.estimators.names import WITH_TWO_LOOKS
from suffice.progress import showing_progress, tell
from suffice.ranking.settings import LooksChoice, RankingSettings

if TYPE_CHECKING:
    from suffice.analyses.label_update import FewLabels
    from suffice.embed.inputs import Inputs
    from suffice.ranking.rank import Ranking

UPDATE_COLUMNS = ["probe", "logme", "updated_score", "updated_rank"]

PLACE = 3
EXAMPLES = """  suffice rank vectors/*.npy --out ranking/
      rank models whose vectors of the same items, in the same order, are in these files
  suffice rank vectors/*.npy --groups documents.csv
      the same, but source and target see different chunks of one document
"""


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "rank",
        help="rank models by files of vectors",
        description="Rank models by the information that each one's vectors carry about the others'. "
        "Writes ranking.csv, health.csv and pairs.parquet, and prints the ranking, in nats per target "
        "dimension, the health of the vectors, and warnings.",
        epilog="example:\n  suffice rank vectors/*.npy --groups documents.csv --out ranking/",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="vectors of one model, one row per item. All files have the same items in the same order, or "
        "all have ids (a column `id`, or an array `ids` in a .npz) that join them. Formats: .npy, .npz, "
        ".parquet, .safetensors, .csv, .tsv or .jsonl, each also .gz, or a folder of parts. The file name is "
        "the model's name. FILE:NAME takes one of several arrays, or the columns of a table named NAME plus "
        "a number",
    )
    command.add_argument(
        "--out", type=Path, default=Path("ranking"), help="folder to write to (default: %(default)s)"
    )
    _add_looks(command)
    _add_estimation(command)
    _add_labels(command)
    add_quiet(command)
    add_json(command)
    command.set_defaults(run=run)


def _add_estimation(command: argparse.ArgumentParser) -> None:
    """Options on the estimator, the targets and the summary."""
    command.add_argument(
        "--estimator",
        metavar="NAME,...",
        help="density family, or several for one ranking (default: linear, or with two looks and win rates "
        f"{','.join(WITH_TWO_LOOKS)})",
    )
    command.add_argument(
        "--aggregate",
        default=RankingSettings.model_fields["aggregate"].default,
        help="how models are ordered: ranks (win rates), or the mean or median over targets (default: "
        "%(default)s)",
    )
    how_many = command.add_mutually_exclusive_group()
    how_many.add_argument(
        "--targets",
        default="all",
        metavar="all|K|NAME,...",
        help="which models are targets: all, K drawn at random, or named ones (default: %(default)s)",
    )
    how_many.add_argument(
        "--budget",
        type=int,
        metavar="PAIRS",
        help="the largest number of pairs, which decides the number of targets",
    )
    command.add_argument(
        "--self-pairs",
        action="store_true",
        default=None,
        help="count a model as a target of itself; with two looks it always counts",
    )
    command.add_argument(
        "--seed", type=int, default=0, help="seed for folds, fits and resamples (default: %(default)s)"
    )
    command.add_argument(
        "--device", default="cpu", help="torch device, if one is used (default: %(default)s)"
    )


def _add_labels(command: argparse.ArgumentParser) -> None:
    """Options on labels of some items."""
    command.add_argument(
        "--labels",
        type=Path,
        metavar="CSV",
        help="labels of at least 20 items, with the columns row (from 0) and label; adds the column "
        "of --label-way, and updated_score and updated_rank, the ranking after these labels",
    )
    command.add_argument(
        "--label-way",
        choices=("probe", "logme"),
        default="probe",
        help="how labels are used: probe, the result of a linear model when each item is left out, or logme, "
        "its evidence, which is a worse guide (default: %(default)s)",
    )
    command.add_argument(
        "--label-kind",
        choices=("classification", "regression"),
        default="classification",
        help="whether labels are classes or numbers (default: %(default)s)",
    )


def _add_looks(command: argparse.ArgumentParser) -> None:
    """Options on what source and target see."""
    command.add_argument(
        "--second",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="vectors of a second look at the same items, with the same file names. For example, FILE... "
        "are of the first halves of texts, and these of the second. Source and target see different looks",
    )
    command.add_argument(
        "--groups",
        type=Path,
        metavar="FILE",
        help="group of each item, such as its document: .csv, .tsv or .parquet with a column `group` or only "
        "one column, or .txt. Items of one group are not independent, and are looks at the same thing",
    )
    command.add_argument(
        "--ids",
        type=Path,
        metavar="FILE",
        help="ids of the rows of all files without ids: a table with a column `id` or only one column, or "
        ".txt. If all files have ids, their rows are joined by id",
    )
    command.add_argument(
        "--looks",
        choices=get_args(LooksChoice),
        default="auto",
        help="what source and target see: the same vectors, those of --second (files), or different items of "
        "one group; auto uses what is available (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> None:
    """Rank, write the tables with their records, and print them."""
    with nullcontext() if options.quiet else showing_progress():
        ranking, notes = _ranking_of(options)
    ranking.save(options.out)
    _record_ranking(options, list(dict.fromkeys(ranking.pairs["estimator"])))
    (_print_ranking_json if options.json else _print_ranking)(ranking, notes, options.out)


def _ranking_of(options: argparse.Namespace) -> "tuple[Ranking, list[str]]":
    """The ranking of the given files, updated with labels if given, and notes on how rows were joined."""
    from suffice.analyses.label_update import add_update, describe_update
    from suffice.embed.inputs import read_inputs
    from suffice.ranking.rank import rank
    from suffice.ranking.targets import parse_targets

    tell(f"reading {len(options.files) + len(options.second)} files")
    given = read_inputs(options.files, options.second, options.groups, options.ids)
    found = None if options.labels is None else _score_labels(given, options)
    ranking = rank(
        given.vectors,
        given.second,
        estimator=_names(options),
        aggregate=options.aggregate,
        self_pairs=options.self_pairs,
        seed=options.seed,
        device=options.device,
        groups=given.groups,
        ids=given.joined.ids,
        looks=options.looks,
        targets=parse_targets(options.targets),
        budget=options.budget,
    )
    notes = list(given.joined.notes)
    if found is not None:
        ranking = replace(ranking, table=add_update(ranking.table, found))
        notes.append(describe_update(ranking.table))
    return ranking, notes


def _print_ranking(ranking: "Ranking", notes: list[str], out: Path) -> None:
    from suffice.ranking.health import SHOWN as HEALTH
    from suffice.ranking.rank import SHOWN, WRITTEN

    shown = [*SHOWN, *(name for name in UPDATE_COLUMNS if name in ranking.table)]
    print(ranking.recommend().text)
    print(f"\n{ranking.table[shown].to_string(index=False, float_format='%.4f')}")
    print(f"\nhealth of the vectors\n{ranking.health[HEALTH].to_string(index=False, float_format='%.1f')}")
    warned = [f"warning: {said}" for said in ranking.warnings]
    print("\n".join([*warned, *notes, *ranking.notes, ranking.advice]))
    print("written: " + ", ".join(str(out / name) for name in WRITTEN))


def _print_ranking_json(ranking: "Ranking", notes: list[str], out: Path) -> None:
    from suffice.ranking.rank import WRITTEN
    from suffice.study.show import json_rows

    content = {
        "recommendation": ranking.recommend().as_json(),
        "models": json_rows(ranking.table),
        "notes": [*notes, *ranking.notes, ranking.advice],
        "health": json_rows(ranking.health),
        "warnings": ranking.warnings,
        "written": [str(out / name) for name in WRITTEN],
    }
    print_json(content)


def _names(options: argparse.Namespace) -> list[str] | None:
    """The names of the requested estimators; None if the looks decide."""
    return options.estimator and [name.strip() for name in options.estimator.split(",")]


def _record_ranking(options: argparse.Namespace, estimators: Sequence[str]) -> None:
    """Record the inputs and settings of the ranking beside it, so `suffice verify` can check it."""
    from suffice.embed.vector_files import split_array
    from suffice.estimators.registry import get_estimator
    from suffice.storage.provenance import code_version
    from suffice.storage.records import sha256_of, write_records

    given = [*options.files, *options.second]
    split = [split_array(path) for path in given]
    read = [*(path for path, _ in split), *filter(None, (options.groups, options.ids, options.labels))]
    not_asked = ("run", "files", "second", "groups", "ids", "out", "labels", "quiet", "json")
    asked = {key: value for key, value in vars(options).items() if key not in not_asked}
    arrays = {str(path): array for path, (_, array) in zip(given, split, strict=True) if array}
    asked |= {"arrays": arrays} if arrays else {}
    families = [get_estimator(name).__module__ for name in estimators]
    code = code_version("suffice.ranking.rank", *families)
    job = {"rule": "rank", "parameters": asked | {"code": code}}
    from suffice.ranking.rank import WRITTEN

    made = [options.out / name for name in WRITTEN]
    write_records(options.out, made, {str(path.absolute()): sha256_of(path) for path in read}, job)


def _score_labels(given: "Inputs", options: argparse.Namespace) -> "FewLabels":
    """What the user's labels say about each model. It runs before the ranking, so bad labels fail early."""
    from suffice.analyses.label_update import read_labels, score_few

    rows, labels = read_labels(options.labels, given.n_rows, options.label_kind)
    items = given.joined.positions(rows)  # rows are those of the first file
    few = {name: each[items[items >= 0]] for name, each in given.vectors.items()}
    return score_few(few, labels[items >= 0], options.label_kind, options.seed, ways=(options.label_way,))
