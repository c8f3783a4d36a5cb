"""The page of a study from its files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.analyses.cost import quotient_table
from suffice.baselines.stored import predictor_table
from suffice.data.look_settings import SAME
from suffice.embed.cards import cards_table
from suffice.estimators.base import Estimator
from suffice.kinds.embeddings.content import PageContent, Section
from suffice.kinds.embeddings.page import render_page
from suffice.page.made import provenance_facts
from suffice.storage.files import read_json, read_table, whole_file
from suffice.storage.provenance import versions
from suffice.study.configuration import configuration_of
from suffice.study.looks import note_on_looks
from suffice.study.model import Study
from suffice.study.read import load_study


def page_of_study(
    folder: Path,
    overrides: Mapping[str, Any],
    missing: Sequence[Mapping[str, str]],
    figures: Sequence[str],
    output: Path,
) -> None:
    """Write the page of a study whose tables and figures are beside it.

    Args:
        folder: the study's folder.
        overrides: values that replaced keys of study.yaml in this run.
        missing: models that were left out: model, data set and message.
        figures: names of the figures that each ranking has.
        output: the page; the study's results are in the same folder.
    """
    study = load_study(folder, overrides).without({failure["model"] for failure in missing})
    results = output.parent
    content = PageContent(
        study=study.name,
        description=study.settings.title,
        sections=tuple(_sections(study, results, figures)),
        models=pd.DataFrame([{"model": row.name, "family": row.family} for row in study.models.values()]),
        failed=_failed_table(missing),
        results=_task_results(study, results),
        public_note=_public_note(study, results),
        provenance=provenance_facts(study.settings.seed),
        versions=versions(),
        config=configuration_of(study),
    )
    with whole_file(output) as temporary:
        temporary.write_text(render_page(content), encoding="utf-8")


def _sections(study: Study, results: Path, figures: Sequence[str]) -> list[Section]:
    return [
        _section(study, results, dataset, name, figures)
        for dataset in study.ranked_datasets
        for name in study.shown_rankings
    ]


def _section(study: Study, results: Path, dataset: str, ranking: str, figures: Sequence[str]) -> Section:
    cards = [read_json(results / "embeddings" / dataset / f"{model}.json") for model in study.models]
    estimators = [each.build(study.settings.seed, "cpu") for each in study.estimators_of(ranking)]
    ranked = f"{dataset}/{ranking}.csv"
    pareto = read_table(results / "pareto" / ranked)
    correlation, differences, decision, quotient, dependence = None, None, None, None, None
    if study.has_tasks:
        table = read_table(results / "correlation" / f"{dataset}.csv")
        others = set(study.rankings) - {ranking}
        correlation = table[~table["predictor"].isin(others)]
        advantage = read_table(results / "correlation" / f"{dataset}.differences.csv")
        differences = advantage[advantage["predictor"] == ranking]
        decision = read_table(results / "decision" / f"{dataset}.csv")
        task_table = _task_results(study, results)
        quotient = None if task_table is None else quotient_table(pareto, task_table)
        dependence = read_table(results / "dependence" / ranked)
    return Section(
        dataset=dataset,
        estimator=ranking,
        ranking=read_table(results / "ranking" / dataset / f"{ranking}.csv"),
        manifest=read_json(results / "corpora" / f"{dataset}.json"),
        cards=cards_table(cards),
        correlation=correlation,
        differences=differences,
        decision=decision,
        sensitivity=read_table(results / "sensitivity" / ranked),
        pareto=pareto,
        quotient=quotient,
        dependence=dependence,
        few_labels=read_table(results / "few_labels" / ranked) if study.few_label_tasks else None,
        directions=_explained(study, results / "explained" / dataset, ranking, "directions"),
        items=_explained(study, results / "explained" / dataset, ranking, "items"),
        ways=_other_ways(study, results, dataset, ranking),
        controls=study.controls,
        notes=_notes(study, results, dataset),
        figures={name: results / "figures" / dataset / ranking / f"{name}.png" for name in figures},
        held_out=all(estimator.held_out for estimator in estimators),
        about_estimator=_about(estimators),
    )


def _about(estimators: Sequence[Estimator[Any]]) -> str:
    """What the density families are, in sentences."""
    if len(estimators) == 1:
        return estimators[0].about
    names = [estimator.name for estimator in estimators]
    together = (
        f"Ranked by {' and '.join(names)} together: the share of comparisons won, over the pairs of both. "
        f"Nats, where they are shown, are those of {names[0]}."
    )
    return " ".join([together, *(f"{each.name}: {each.about}" for each in estimators)])


def _other_ways(study: Study, results: Path, dataset: str, ranking: str) -> pd.DataFrame:
    """The ways to choose beside one ranking: other rankings and baselines."""
    others = [name for name in study.rankings if name != ranking]
    rankings = {name: read_table(results / "ranking" / dataset / f"{name}.csv") for name in others}
    return predictor_table(rankings, read_table(results / "baselines" / f"{dataset}.csv"))


def _explained(study: Study, folder: Path, ranking: str, what: str) -> pd.DataFrame | None:
    return read_table(folder / f"{ranking}.{what}.csv") if study.explained_pairs else None


def _notes(study: Study, results: Path, dataset: str) -> list[str]:
    """What is to be known of the looks at the items that a ranking rests on."""
    row, manifest = study.datasets[dataset], results / "looks" / f"{dataset}.json"
    note = note_on_looks(row, None if row.looks.kind == SAME else read_json(manifest))
    return [note] if note else []


def _failed_table(missing: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    rows = [
        {"model": each["model"], "stage": f"data set {each['dataset']}", "reason": each["message"]}
        for each in missing
    ]
    return pd.DataFrame(rows, columns=["model", "stage", "reason"])


def _task_results(study: Study, results: Path) -> pd.DataFrame | None:
    tables = [read_table(Path(path)) for path in study.task_files(str(results))]
    return pd.concat(tables, ignore_index=True) if tables else None


def _public_note(study: Study, results: Path) -> str:
    """How many scores others measured, and which models lack some."""
    public = study.settings.public_scores
    if public is None:
        return ""
    found = read_table(results / "public_scores" / "tasks.csv")
    gaps = read_table(results / "public_scores" / "gaps.csv")
    unnamed = [row.name for row in study.models.values() if not row.public_name]
    lacking = ", ".join([*dict.fromkeys(gaps["model"]), *unnamed])
    use = "are among the tasks" if public.role == "tasks" else "are a way to choose"
    said = f"{len(found)} public scores on {len(public.tasks)} tasks {use}"
    return f"{said}; some or all are missing of: {lacking}." if lacking else f"{said}; none is missing."
