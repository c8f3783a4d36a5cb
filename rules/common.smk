"""The study that all rules of embeddings are about, and the files that several of them read.

What the jobs of one rule file read and are told is in `suffice.jobs`.
"""

import re
from pathlib import Path

from suffice.data.look_settings import SAME
from suffice.embed.registry import get_loader
from suffice.errors import SufficeError
from suffice.kinds.embeddings.figures import FIGURES_OF_RANKING, FIGURES_OF_TASKS
from suffice.study.configuration import configuration_of
from suffice.workflow import open_study, overrides_in, stable, stop_with_message

try:
    STUDY, MISSING = open_study(config, ROOT, check=workflow.is_main_process)
except SufficeError as error:
    stop_with_message(error)

RESULTS = f"results/{STUDY.name}"
FIRST_RANKING = next(iter(STUDY.rankings))


wildcard_constraints:
    study=re.escape(STUDY.name),
    dataset=any_of(STUDY.datasets),
    model=any_of(STUDY.models),
    target=any_of(STUDY.models),
    estimator=any_of([*STUDY.rankings, *STUDY.all_estimators]),
    training=any_of(STUDY.settings.training),


embeddings_of_dataset = expand(
    "results/{study}/embeddings/{dataset}/{model}.npy",
    model=STUDY.models,
    allow_missing=True,
)
cards_of_dataset = expand(
    "results/{study}/embeddings/{dataset}/{model}.json",
    model=STUDY.models,
    allow_missing=True,
)
rankings_of_dataset = expand(
    "results/{study}/ranking/{dataset}/{ranking}.csv",
    ranking=STUDY.rankings,
    allow_missing=True,
)
task_results = STUDY.task_files(RESULTS)


def code_of_model(wildcards):
    """Version of the code that makes a model's vectors, at once or in blocks."""
    loader = get_loader(STUDY.models[wildcards.model].kind)
    return code_of("embed_items", loader.__module__)


def code_of_estimator(wildcards):
    """Version of the code that makes an estimator's numbers, from its preparation on."""
    from suffice.estimators.registry import get_estimator

    estimator = get_estimator(STUDY.all_estimators[wildcards.estimator].kind)
    return code_of("estimate_pairs", estimator.__module__)


def models_of_study(wildcards):
    """The names of all models."""
    return list(STUDY.models)


def pairs_of_dataset(wildcards):
    """The pairs of all targets by the estimators of one ranking."""
    return expand(
        f"{RESULTS}/pairs/{wildcards.dataset}/{{estimator}}/{{target}}.parquet",
        estimator=[each.name for each in STUDY.estimators_of(wildcards.estimator)],
        target=STUDY.targets,
    )


def model_table(wildcards):
    """Name, family, and training with its step of each model."""
    rows = STUDY.models.values()
    return [
        {"model": row.name, "family": row.family, "training": row.stage} for row in rows
    ]


def figure_names():
    """The figures that a ranking of this study has."""
    figures = list(FIGURES_OF_RANKING) + (
        list(FIGURES_OF_TASKS) if STUDY.has_tasks else []
    )
    figures += ["few_labels"] if STUDY.few_label_tasks else []
    figures += ["lost_directions"] if STUDY.explained_pairs else []
    has_curve = any(len(models) > 1 for models in STUDY.series.values())
    return [name for name in figures if name != "checkpoint_curves" or has_curve]


def reported_figure(name):
    """The picture of one figure of a ranking, with its caption in Snakemake's report."""
    return report(
        f"results/{{study}}/figures/{{dataset}}/{{estimator}}/{name}.png",
        caption=f"../report/figures/{name}.rst",
        category="Figures",
        labels={"data set": "{dataset}", "estimator": "{estimator}", "figure": name},
    )


def code_of_figures():
    """Version of the code that draws the figures of a ranking."""
    modules = [f"suffice.plots.{name}" for name in figure_names()]
    return code_of("plot_figures", *modules)


def correlation_of_dataset(wildcards):
    """The correlation table of one data set; none in a study without tasks."""
    return [f"{RESULTS}/correlation/{wildcards.dataset}.csv"] if STUDY.has_tasks else []


def kinds_of_tasks(wildcards):
    """Agreement of one ranking with each task; none in a study without tasks."""
    path = f"{RESULTS}/dependence/{wildcards.dataset}/{wildcards.estimator}.tasks.csv"
    return [path] if STUDY.has_tasks else []


def decision_files(places):
    """Tables on choice, cost and pool of each data set and ranking, within the study's results."""
    kinds = ("sensitivity", "pareto") + (("dependence",) if STUDY.has_tasks else ())
    files = [
        f"{kind}/{dataset}/{ranking}.csv"
        for kind in kinds
        for dataset, ranking in places
    ]
    if STUDY.has_tasks:
        files += [f"decision/{dataset}.csv" for dataset in STUDY.ranked_datasets]
    return files


def page_files(wildcards):
    """All that the page shows."""
    datasets, rankings = STUDY.ranked_datasets, STUDY.shown_rankings
    places = [(dataset, ranking) for dataset in datasets for ranking in rankings]
    files = expand(
        f"{RESULTS}/ranking/{{dataset}}/{{ranking}}.csv",
        dataset=datasets,
        ranking=STUDY.rankings,
    )
    files += [
        f"{RESULTS}/figures/{dataset}/{ranking}/{figure}.png"
        for dataset, ranking in places
        for figure in figure_names()
    ]
    files += expand(f"{RESULTS}/corpora/{{dataset}}.json", dataset=datasets)
    files += expand(f"{RESULTS}/baselines/{{dataset}}.csv", dataset=datasets)
    looked_at = [name for name in datasets if STUDY.datasets[name].looks.kind != SAME]
    files += expand(f"{RESULTS}/looks/{{dataset}}.json", dataset=looked_at)
    files += expand(
        f"{RESULTS}/embeddings/{{dataset}}/{{model}}.json",
        dataset=datasets,
        model=STUDY.models,
    )
    files += [f"{RESULTS}/{path}" for path in decision_files(places)]
    files += extra_files(places)
    if STUDY.has_tasks:
        files += expand(f"{RESULTS}/correlation/{{dataset}}.csv", dataset=datasets)
        files += task_results
    return files


def final_files():
    """What a study ends with."""
    return [f"{RESULTS}/report.html"]


def tasks_with_few_labels(wildcards):
    """Data set and settings of each task on which few labels are tried."""
    tasks = STUDY.few_label_tasks.values()
    return stable(
        {
            task.name: [task.dataset, task.settings.model_dump(exclude_unset=True)]
            for task in tasks
        }
    )


def datasets_with_few_labels(wildcards):
    """The data sets of these tasks, each once."""
    tasks = STUDY.few_label_tasks.values()
    return list(dict.fromkeys(task.dataset for task in tasks))


def corpora_with_few_labels(wildcards):
    """Their corpora."""
    datasets = datasets_with_few_labels(wildcards)
    return expand(f"{RESULTS}/corpora/{{dataset}}.parquet", dataset=datasets)


def embeddings_with_few_labels(wildcards):
    """All models' vectors of them, data set after data set."""
    return [
        f"{RESULTS}/embeddings/{dataset}/{model}.npy"
        for dataset in datasets_with_few_labels(wildcards)
        for model in STUDY.models
    ]


def effort_of_few_labels(wildcards):
    """How many labels are tried, how often, and what is made of them."""
    settings = STUDY.settings.few_labels
    return settings.model_dump(exclude={"tasks"}, mode="json") if settings else {}


def few_labels_of_dataset(wildcards):
    """The table on few labels of one ranking; none in a study that does not ask for it."""
    path = f"{RESULTS}/few_labels/{wildcards.dataset}/{wildcards.estimator}.csv"
    return [path] if STUDY.few_label_tasks else []


def explained_of_dataset(wildcards):
    """The directions that are explained of one ranking; none in a study without pairs to explain."""
    folder = f"{RESULTS}/explained/{wildcards.dataset}"
    return (
        [f"{folder}/{wildcards.estimator}.directions.csv"]
        if STUDY.explained_pairs
        else []
    )


def extra_files(places):
    """Tables on few labels and on explained pairs of each data set and ranking."""
    few_labels = "few_labels/{0}/{1}.csv" if STUDY.few_label_tasks else ""
    explained = "explained/{0}/{1}.directions.csv" if STUDY.explained_pairs else ""
    kinds = filter(None, (few_labels, explained))
    return [f"{RESULTS}/{kind.format(*place)}" for kind in kinds for place in places]
