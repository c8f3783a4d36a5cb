"""Helpers of what a study makes on request alone: ablations and stand-ins."""

from suffice.study.standins import labels_of, place_of_data

STANDIN_DATASETS = [name for name, row in STUDY.datasets.items() if row.is_standin]
STANDIN_MODELS = [name for name, row in STUDY.models.items() if row.is_standin]


def standin_datasets(wildcards):
    """Name, settings and columns of labels of each data set that needs a stand-in."""
    rows = {name: STUDY.datasets[name].settings for name in STANDIN_DATASETS}
    return [
        [
            name,
            stable(settings.model_dump(exclude_unset=True)),
            labels_of(STUDY, name),
        ]
        for name, settings in rows.items()
    ]


def standin_models(wildcards):
    """Architecture, loader and seed of each model that needs a stand-in."""
    rows = [STUDY.models[name] for name in STANDIN_MODELS]
    return [[row.architecture, row.kind, STUDY.seed_of(row.name)] for row in rows]


def rankings_of_variation(wildcards):
    """The ranking by each variant of an estimator."""
    variation = STUDY.settings.ablations[wildcards.variation]
    folder = f"{RESULTS}/ranking/{wildcards.dataset}"
    return expand(
        f"{folder}/{{variant}}.csv", variant=variation.variants(wildcards.variation)
    )


def values_of_variation(wildcards):
    """The values of the setting that is varied."""
    return [
        str(value) for value in STUDY.settings.ablations[wildcards.variation].values
    ]


def rankings_of_estimator(wildcards):
    """The ranking of each data set by one estimator."""
    return expand(
        f"{RESULTS}/ranking/{{dataset}}/{wildcards.estimator}.csv",
        dataset=STUDY.compared_datasets,
    )


def ranking_choices():
    """How the models are ranked: what `suffice.rank` is told."""
    estimators = {
        each.kind: each.settings for each in STUDY.estimators_of(FIRST_RANKING)
    }
    summary = STUDY.settings.ranking.model_dump(include={"aggregate", "self_pairs"})
    run = {"seed": STUDY.settings.seed, "device": STUDY.settings.device}
    return {**summary, **run, "estimator": estimators, "targets": STUDY.targets}


def ablation_files(wildcards):
    """All ablations that this study can have."""
    datasets, rankings = STUDY.ranked_datasets, STUDY.shown_rankings
    folder = f"{RESULTS}/ablations"
    files = expand(f"{folder}/{{dataset}}/items.csv", dataset=datasets)
    if STUDY.has_tasks:
        files += expand(
            f"{folder}/{{dataset}}/pool.{{estimator}}.csv",
            dataset=datasets,
            estimator=rankings,
        )
        files += expand(f"{folder}/{{dataset}}/curves.png", dataset=datasets)
    files += expand(
        f"{folder}/{{dataset}}/settings.{{variation}}.csv",
        dataset=datasets,
        variation=STUDY.settings.ablations,
    )
    if len(STUDY.compared_datasets) > 1:
        files += expand(f"{folder}/datasets.{{estimator}}.csv", estimator=rankings)
    if STUDY.versions:
        files += expand(
            f"{folder}/{{dataset}}/versions.{{estimator}}.csv",
            dataset=datasets,
            estimator=rankings,
        )
    return files
