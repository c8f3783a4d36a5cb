"""Paths, within the results of a study, of the tables that analyses read."""

from itertools import product
from typing import TYPE_CHECKING

from suffice.analyses.registry import analyses_of, figures_of
from suffice.data.look_settings import SAME

if TYPE_CHECKING:
    from suffice.study.model import Study

ON_PAGE = ("rankings", "pairs", "manifest", "looks", "cards", "baselines", "tasks")
"""The tables that the page reads in addition to those of the analyses."""


def sources(study: "Study", results: str, dataset: str, ranking: str = "") -> dict[str, list[str]]:
    """The files of one ranking, or of a data set with all its rankings, by content.

    Args:
        study: the study.
        results: folder of its results.
        dataset: name of the data set.
        ranking: name of the ranking; empty for all.
    """
    embedded, has_looks = f"{results}/embeddings/{dataset}", study.datasets[dataset].looks.kind != SAME
    found = {
        "manifest": [f"{results}/corpora/{dataset}.json"],
        "looks": [f"{results}/looks/{dataset}.json"] if has_looks else [],
        "corpus": [f"{results}/corpora/{dataset}.parquet"],
        "vectors": [f"{embedded}/{model}.npy" for model in study.models],
        "cards": [f"{embedded}/{model}.json" for model in study.models],
        "baselines": [f"{results}/baselines/{dataset}.csv"],
        "rankings": [f"{results}/ranking/{dataset}/{name}.csv" for name in study.rankings],
        "tasks": study.task_files(results),
        "task_corpora": [f"{results}/corpora/{name}.parquet" for name in study.task_datasets],
        "task_vectors": [
            f"{results}/embeddings/{name}/{model}.npy"
            for name in study.task_datasets
            for model in study.models
        ],
    }
    if ranking:
        found["ranking"] = [f"{results}/ranking/{dataset}/{ranking}.csv"]
        found["by_items"] = [f"{results}/sample_size/{dataset}/{ranking}.csv"]
        found["pairs"] = [
            f"{results}/pairs/{dataset}/{estimator.name}/{target}.parquet"
            for estimator in study.estimators_of(ranking)
            for target in study.targets_of(estimator.name)
        ]
    return found | tables_made(study, results, dataset, ranking)


def sources_of_page(study: "Study", results: str) -> list[str]:
    """All files that the page of a study shows, each once."""
    files: list[str] = []
    for dataset, ranking in product(study.ranked_datasets, study.shown_rankings):
        found = sources(study, results, dataset, ranking)
        read = [*ON_PAGE, *tables_made(study, results, dataset, ranking)]
        files += [path for name in read for path in found[name]]
        drawn = f"{results}/figures/{dataset}/{ranking}"
        files += [f"{drawn}/{figure.name}.svg" for figure in figures_of(study)]
    return list(dict.fromkeys(files))


def tables_made(study: "Study", results: str, dataset: str, ranking: str) -> dict[str, list[str]]:
    """The tables of the analyses that a study asks for, by name; those of a ranking only if it is named."""
    return {
        name: [f"{results}/{made.path.format(dataset=dataset, estimator=ranking)}"]
        for each in analyses_of(study)
        for name, made in each.makes.items()
        if ranking or not each.is_per_ranking
    }
