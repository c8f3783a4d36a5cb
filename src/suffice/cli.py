"""The command line: rank existing vectors, start a study, show results."""

import argparse
import importlib
import json
import shlex
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from suffice._version import __version__
from suffice.data.modalities.registry import MODALITIES, get_modality
from suffice.data.modalities.text import TEXT
from suffice.errors import (
    AssumptionWarning,
    DataError,
    DoubtWarning,
    StudyError,
    SufficeError,
    is_out_of_memory,
    out_of_memory,
)
from suffice.estimators.names import WITH_TWO_LOOKS
from suffice.progress import showing_progress, tell
from suffice.ranking.settings import LooksChoice, RankingSettings
from suffice.secrets import without_secrets
from suffice.settings import did_you_mean

if TYPE_CHECKING:
    from suffice.analyses.label_update import FewLabels
    from suffice.embed.inputs import Inputs
    from suffice.ranking.rank import Ranking
    from suffice.run import Effort
    from suffice.study.fetch import Fetched

EXAMPLES = """examples:
  suffice run docs.csv --content body --models minilm,tfidf-256,owner/name
      write a study of these texts and models beside the file, run it, and print which model to take
  suffice rank vectors/*.npy --out ranking/
      rank models whose vectors of the same items, in the same order, are in these files
  suffice rank vectors/*.npy --groups documents.csv
      the same, but source and target see different chunks of one document
  suffice new-study my-docs --texts docs.csv --content body --models tfidf-256,minilm
      write a study of your own texts, then: suffice run config/my-docs
  suffice show results/api-docs
      print the rankings of a study that has run
  suffice fetch my-docs
      download a study's models and data into the local caches, for computers without network
  suffice verify results/api-docs
      check that every result is unchanged and up to date
  suffice explain vectors/small.npy vectors/large.npy --items texts.txt
      show what the first model's vectors miss about the second's
  suffice estimators
      list the density families
"""
INTERRUPTED = 130  # the exit status that shells use after Ctrl-C
UPDATE_COLUMNS = ["logme", "updated_score", "updated_rank"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, 1 with a message on stderr, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", AssumptionWarning)
            warnings.simplefilter("ignore", DoubtWarning)  # printed with the result
            setattr(warnings, "showwarning", _print_warning)  # noqa: B010 - its type has more than is used
            options.run(options)
    except (SufficeError, PackageNotFoundError, OSError) as error:
        print(f"suffice: {without_secrets(str(error))}", file=sys.stderr)
        return 1
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        print(f"suffice: {without_secrets(out_of_memory(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        print(f"\nsuffice: {str(error) or 'stopped; nothing was written'}", file=sys.stderr)
        return INTERRUPTED
    return 0


def _print_warning(message: Warning | str, *place: Any) -> None:
    print(f"suffice: note: {message}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="suffice",
        description="Which embedding model carries the most information about my data, without labels?",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"suffice {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_rank(commands)
    _add_explain(commands)
    _add_new_study(commands)
    _add_run(commands)
    show = commands.add_parser("show", help="print the rankings of a study that has run")
    show.add_argument("results", type=Path, help="the study's results, such as results/api-docs")
    show.add_argument("--failures", action="store_true", help="print the models that failed instead")
    _add_json(show)
    show.set_defaults(run=_show)
    compare = commands.add_parser(
        "compare",
        help="show what changed between two runs: models, scores, ranks, settings",
        description="Show what changed between two runs of studies, or between two folders that rank wrote.",
    )
    compare.add_argument("before", type=Path, metavar="RESULTS", help="the results of the first run")
    compare.add_argument("after", type=Path, metavar="RESULTS", help="the results of the second run")
    _add_json(compare)
    compare.set_defaults(run=_compare)
    fetch = commands.add_parser("fetch", help="download a study's models and data into the local caches")
    fetch.add_argument("study", help="a name in config/, or a folder")
    fetch.set_defaults(run=_fetch)
    verify = commands.add_parser("verify", help="check the bytes and the origin of every result of a study")
    verify.add_argument("results", type=Path, help="the study's results, such as results/api-docs")
    verify.set_defaults(run=_verify)
    completion = commands.add_parser(
        "completion",
        help="print a completion script for a shell",
        description="Print a completion script for a shell. Save it where your shell looks for such scripts.",
        epilog='example:\n  eval "$(suffice completion bash)"',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    completion.add_argument("shell", choices=("bash", "fish", "tcsh", "zsh"), help="the shell")
    completion.set_defaults(run=_completion)
    schema = commands.add_parser("schema", help="print the JSON schema of a file of a study, for editors")
    schema.add_argument("name", nargs="?", default="study", help="study, dataset, ... (default: %(default)s)")
    schema.set_defaults(run=_schema)
    estimators = commands.add_parser("estimators", help="list the density families")
    estimators.set_defaults(run=_list_estimators)
    return parser


def _add_rank(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
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
    command.add_argument(
        "--labels",
        type=Path,
        metavar="CSV",
        help="labels of at least 20 items, with the columns row (from 0) and label; adds the columns logme, "
        "updated_score and updated_rank, the ranking after these labels",
    )
    command.add_argument(
        "--label-kind",
        choices=("classification", "regression"),
        default="classification",
        help="whether labels are classes or numbers (default: %(default)s)",
    )
    _add_quiet(command)
    _add_json(command)
    command.set_defaults(run=_rank)


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "run",
        help="run a study, or make one from a file of texts, and print which model to take",
        description="Run a study and write its results to results/NAME in the working folder. For a file of "
        "texts, a study is created in a folder beside it.",
    )
    command.add_argument("study", help="a folder with study.yaml, a study of the package, or a file of texts")
    command.add_argument("--models", default="", metavar="NAME,...", help="models of a new study")
    command.add_argument("--content", metavar="COLUMN", help="column of the file with the texts")
    command.add_argument(
        "--content-type", help=f"{', '.join(MODALITIES)}: make a study of a file or folder of such items"
    )
    command.add_argument("--open", action="store_true", help="open the page in a browser")
    command.add_argument("--plan", action="store_true", help="print how many jobs of each kind would run")
    _add_quiet(command)
    _add_effort(command)
    command.set_defaults(run=_run)
    plan = commands.add_parser(
        "plan",
        help="show how many jobs of each kind a study has left",
        description="Show how many jobs of each kind a study has left, without running any.",
    )
    plan.add_argument("study", help="a folder with study.yaml, or a study of the package")
    _add_effort(plan)
    plan.set_defaults(run=_plan, plan=True, quiet=False)


def _add_quiet(command: argparse.ArgumentParser) -> None:
    command.add_argument("--quiet", action="store_true", help="do not show progress")


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print the result as JSON")


def _add_effort(command: argparse.ArgumentParser) -> None:
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


def _add_looks(command: argparse.ArgumentParser) -> None:
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


def _add_explain(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "explain",
        help="show what one model's vectors miss about another's",
        description="Print the directions of the target that the source cannot predict, described by the "
        "items at their ends, and the items with the largest loss in nats. Uses linear regression.",
    )
    command.add_argument("source", type=Path, help="file of the source's vectors, as for rank")
    command.add_argument("target", type=Path, help="file of the target's, the same items in the same order")
    command.add_argument("--items", type=Path, help="text file with one line per item, its name")
    command.add_argument(
        "--directions", type=int, default=8, metavar="N", help="directions to print (default: %(default)s)"
    )
    command.add_argument(
        "--seed", type=int, default=0, help="seed for dividing the items (default: %(default)s)"
    )
    command.set_defaults(run=_explain)


def _add_new_study(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
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
    command.set_defaults(run=_new_study)


def _rank(options: argparse.Namespace) -> None:
    with nullcontext() if options.quiet else showing_progress():
        ranking, notes = _ranking_of(options)
    ranking.save(options.out)
    _record_ranking(options, list(dict.fromkeys(ranking.pairs["estimator"])))
    (_print_ranking_json if options.json else _print_ranking)(ranking, notes, options.out)


def _ranking_of(options: argparse.Namespace) -> "tuple[Ranking, list[str]]":
    """The ranking of the given files, updated with labels if given, and notes on how rows were joined."""
    from suffice.analyses.label_update import add_update
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
    if found is not None:
        ranking = replace(ranking, table=add_update(ranking.table, found))
    return ranking, list(given.joined.notes)


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
    _print_json(content)


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
    """LogME of each model from the user's labels. It runs before the ranking, so bad labels fail early."""
    from suffice.analyses.label_update import read_labels, score_few

    rows, labels = read_labels(options.labels, given.n_rows, options.label_kind)
    items = given.joined.positions(rows)  # rows are those of the first file
    few = {name: each[items[items >= 0]] for name, each in given.vectors.items()}
    return score_few(few, labels[items >= 0], options.label_kind, options.seed, ways=("logme",))


def _explain(options: argparse.Namespace) -> None:
    from suffice.analyses.explain import explain_pair
    from suffice.data.text_files import read_lines
    from suffice.embed.inputs import read_pair

    source, target, joined = read_pair(options.source, options.target)
    items = None if options.items is None else joined.of_first(read_lines(options.items))
    found = explain_pair(source, target, items, options.directions, seed=options.seed)
    print("".join(f"{note}\n" for note in joined.notes), end="")
    print(f"what {options.source.stem} misses about {options.target.stem}")
    print(found.directions.to_string(index=False, float_format="%.4f"))
    print(f"\nitems, {found.mean_item_nats:.4f} nats on average")
    print(found.items.to_string(index=False, float_format="%.4f"))


def _new_study(options: argparse.Namespace) -> None:
    from suffice.study.names import why_no_name
    from suffice.study.new import write_new_study

    wrong = why_no_name(options.name)
    if wrong:
        raise StudyError(f"{options.name!r} {wrong}; use --folder to choose its place")
    kind = options.content_type
    models = list(get_modality(kind).models) if options.models is None else _listed(options.models)
    folder = write_new_study(options.folder / options.name, options.texts, models, options.content, kind)
    print(f"written: {folder}; next: suffice run {shlex.quote(str(folder))}")


def _run(options: argparse.Namespace) -> None:
    import webbrowser

    from suffice.run import results_of, run_study, study_of
    from suffice.study.show import show_results

    folder = study_of(options.study, _listed(options.models), options.content, options.content_type)
    run_study(folder, _effort(options))
    if options.plan:
        return
    results = results_of(folder, options.config)
    print(show_results(results))
    page = results / "report.html"
    if options.open and page.exists():
        webbrowser.open(page.resolve().as_uri())


def _plan(options: argparse.Namespace) -> None:
    from suffice.run import run_study, study_of

    run_study(study_of(options.study, [], None), _effort(options, plan=True))


def _effort(options: argparse.Namespace, plan: bool = False) -> "Effort":
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


def _listed(names: str) -> list[str]:
    """Names that are separated by commas."""
    return [name.strip() for name in names.split(",") if name.strip()]


def _show(options: argparse.Namespace) -> None:
    from suffice.study.show import results_as_json, show_failures, show_results

    if options.failures:
        print(show_failures(options.results))
    elif options.json:
        _print_json(results_as_json(options.results))
    else:
        print(show_results(options.results))


def _compare(options: argparse.Namespace) -> None:
    from suffice.study.compare import compare_results

    found = compare_results(options.before, options.after)
    if options.json:
        _print_json(found.as_json())
    else:
        print("\n".join(found.lines()))


def _print_json(content: Any) -> None:
    print(json.dumps(content, indent=2, allow_nan=False))


def _fetch(options: argparse.Namespace) -> None:
    from suffice.kinds.registry import kind_of_study
    from suffice.workflow import study_folder

    folder = study_folder({"study": options.study}, Path())
    found = list(map(_said, kind_of_study(folder).fetch(folder)))
    failed = [each.what for each in found if each.failed]
    if failed:
        raise DataError(f"{len(failed)} of {len(found)} could not be fetched: {', '.join(failed)}")
    got = f"{len(found)} of its models and data sets are in the cache" if found else "it needs no downloads"
    print(f"the study {folder.name} runs without network: {got}")


def _said(each: "Fetched") -> "Fetched":
    print(f"{'FAILED ' if each.failed else ''}{each.what}: {each.said}", flush=True)
    return each


def _verify(options: argparse.Namespace) -> None:
    from suffice.storage.verify import verify_results

    found = verify_results(options.results)
    print("\n".join(found.lines()))
    if not found.is_good:
        raise DataError(f"{options.results} has damaged or stale results; delete damaged ones and run again")


def _completion(options: argparse.Namespace) -> None:
    try:
        shtab: Any = importlib.import_module("shtab")
    except ImportError:
        raise StudyError("completion needs the package shtab: pip install 'suffice[completion]'") from None
    parser = _parser()
    for action in _actions(parser):
        if action.type is Path:
            setattr(action, "complete", shtab.FILE)  # noqa: B010 - it is an attribute of shtab's
    print(shtab.complete(parser, options.shell))


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The options and arguments of a parser and of its commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
        else:
            yield action


def _schema(options: argparse.Namespace) -> None:
    from suffice.kinds.manual import schemas

    known = schemas()
    if options.name not in known:
        raise StudyError(f"no schema {options.name!r}{did_you_mean(options.name, list(known))}")
    print(json.dumps(known[options.name], indent=2, ensure_ascii=False))


def _list_estimators(options: argparse.Namespace) -> None:
    import pandas as pd

    from suffice.estimators.registry import ESTIMATORS

    rows = [{"estimator": name, "what it is": estimator.summary} for name, estimator in ESTIMATORS.items()]
    print(pd.DataFrame(rows).to_string(index=False, justify="left"))


if __name__ == "__main__":
    sys.exit(main())
