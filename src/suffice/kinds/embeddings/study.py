"""Write the page of a study from its files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.analyses.base import Finding, Place, Ranked
from suffice.analyses.registry import figures_of, findings_of
from suffice.analyses.sources import sources
from suffice.baselines.stored import predictor_table
from suffice.estimators.base import Estimator
from suffice.kinds.embeddings.content import PageContent, Section
from suffice.kinds.embeddings.page import render_page
from suffice.page.made import provenance_facts
from suffice.plots.fonts import note_on_fonts
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
    output: Path,
) -> None:
    """Write the page of a study; its tables and figures must be in the folder of the page.

    Args:
        folder: the study's folder.
        overrides: values that replaced keys of study.yaml in this run.
        missing: models that were left out: model, data set and message.
        output: path of the page; the study's results are in the same folder.
    """
    study = load_study(folder, overrides).without({failure["model"] for failure in missing})
    results = output.parent
    content = PageContent(
        study=study.name,
        description=study.settings.title,
        sections=tuple(_sections(study, results)),
        models=pd.DataFrame([{"model": row.name, "family": row.family} for row in study.models.values()]),
        failed=_failed_table(missing),
        has_tasks=study.has_tasks,
        provenance=provenance_facts(study.settings.seed),
        versions=versions(),
        config=configuration_of(study),
    )
    with whole_file(output) as temporary:
        temporary.write_text(render_page(content), encoding="utf-8")


def _sections(study: Study, results: Path) -> list[Section]:
    places = [(dataset, name) for dataset in study.ranked_datasets for name in study.shown_rankings]
    remarks = [[_public_remark(study, results)], *[[] for _ in places[1:]]]
    return [
        _section(study, results, ranked_files(study, results, *place), more)
        for place, more in zip(places, remarks, strict=True)
    ]


def ranked_files(study: Study, results: Path, dataset: str, ranking: str) -> Ranked:
    """One ranking with everything that a page can read about it."""
    files = sources(study, str(results), dataset, ranking)
    models = [{"model": row.name, "family": row.family} for row in study.models.values()]
    return Ranked(dataset, ranking, files, {"models": models, "prices": study.settings.prices})


def _section(study: Study, results: Path, ranked: Ranked, remarks: Sequence[Finding]) -> Section:
    estimators = [each.build(study.settings.seed, "cpu") for each in study.estimators_of(ranked.name)]
    drawn = results / "figures" / ranked.dataset / ranked.name
    findings = [*findings_of(ranked), _looks_note(study, ranked), _fonts_note(study, ranked), *remarks]
    shown = {figure.name for finding in findings for figure in finding.figures}
    return Section(
        dataset=ranked.dataset,
        estimator=ranked.name,
        ranking=ranked["ranking"],
        manifest=read_json(ranked.files["manifest"][0]),
        cards=ranked["cards"],
        findings=findings,
        ways=_other_ways(ranked),
        controls=study.controls,
        figures={
            figure.name: drawn / f"{figure.name}.svg" for figure in figures_of(study) if figure.name in shown
        },
        held_out=all(estimator.held_out for estimator in estimators),
        **({"task_results": ranked["tasks"]} if "tasks" in ranked else {}),
        about_estimator=_about(estimators),
    )


def _about(estimators: Sequence[Estimator[Any]]) -> str:
    """Sentences on the density families."""
    if len(estimators) == 1:
        return estimators[0].about
    names = [estimator.name for estimator in estimators]
    together = (
        f"Ranked by {' and '.join(names)} together: the share of comparisons won, over the pairs of both. "
        f"Any nats shown are those of {names[0]}."
    )
    return " ".join([together, *(f"{each.name}: {each.about}" for each in estimators)])


def _other_ways(ranked: Ranked) -> pd.DataFrame:
    """The ways to choose besides one ranking: other rankings and baselines."""
    others = {name: table for name, table in ranked.rankings.items() if name != ranked.name}
    return predictor_table(others, ranked["baselines"])


def _looks_note(study: Study, ranked: Ranked) -> Finding:
    """Notes on the looks at the items behind a ranking."""
    manifests = list(map(read_json, ranked.files["looks"]))
    note = note_on_looks(study.datasets[ranked.dataset], manifests[0] if manifests else None)
    return Finding(place=Place.NOTES, notes=(note,) if note else ())


def _fonts_note(study: Study, ranked: Ranked) -> Finding:
    """The letters in names and items that figures cannot show on this machine."""
    items = ranked["directions"] if "directions" in ranked else pd.DataFrame()
    shown = [str(text) for key in ("low_items", "high_items") if key in items for text in items[key]]
    families = [row.family for row in study.models.values()]
    note = note_on_fonts([*study.models, *families, *study.tasks, *shown])
    return Finding(place=Place.NOTES, notes=(note,) if note else ())


def _failed_table(missing: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    rows = [
        {"model": each["model"], "stage": f"data set {each['dataset']}", "reason": each["message"]}
        for each in missing
    ]
    return pd.DataFrame(rows, columns=["model", "stage", "reason"])


def _public_remark(study: Study, results: Path) -> Finding:
    """The number of public scores, and the models that lack some."""
    note = _public_note(study, results)
    return Finding(place=Place.REMARKS, cautions=(("Public scores", note),) if note else ())


def _public_note(study: Study, results: Path) -> str:
    """The number of public scores, and the models that lack some."""
    public = study.settings.public_scores
    if public is None:
        return ""
    found = read_table(results / "public_scores" / "tasks.csv")
    gaps = read_table(results / "public_scores" / "gaps.csv")
    unnamed = [row.name for row in study.models.values() if not row.public_name]
    lacking = ", ".join([*dict.fromkeys(gaps["model"]), *unnamed])
    use = "are among the tasks" if public.role == "tasks" else "are a way to choose"
    said = f"{len(found)} public scores on {len(public.tasks)} tasks {use}"
    return (
        f"{said}; some or all scores are missing for: {lacking}."
        if lacking
        else f"{said}; no score is missing."
    )
