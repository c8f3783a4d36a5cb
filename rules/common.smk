"""The study, and the helpers that tell rules which files they need and which parameters they have."""

import re
from pathlib import Path

from suffice.data.paths import paths_of
from suffice.data.look_settings import SAME
from suffice.embed.identity import library_versions
from suffice.embed.registry import get_loader
from suffice.errors import SufficeError
from suffice.kinds.embeddings.figures import FIGURES_OF_RANKING, FIGURES_OF_TASKS
from suffice.study.configuration import configuration_of
from suffice.study.standins import place_of_checkpoint
from suffice.tasks.public_scores import files_of_scores
from suffice.workflow import (
    files_of_settings,
    loader_settings,
    open_study,
    overrides_in,
    stable,
    stop_with_message,
)

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


def source_file(wildcards):
    """The file a data set is read from; none for one that is not a file."""
    settings = STUDY.datasets[wildcards.dataset].settings
    if settings.source != "file" or settings.is_remote:
        return []
    return list(map(str, paths_of(settings.path, settings.modality.several_files)))


def corpora_of_parts(wildcards):
    """The corpora that a data set is made of; none of one with a source of its own."""
    parts = STUDY.datasets[wildcards.dataset].settings.parts
    return expand(f"{RESULTS}/corpora/{{part}}.parquet", part=parts)


def dataset_settings(wildcards):
    """The settings of a data set."""
    return stable(
        STUDY.datasets[wildcards.dataset].settings.model_dump(exclude_unset=True)
    )


def corpus_versions(wildcards):
    """Versions of the packages that a corpus is made from; none for one that is a file."""
    if STUDY.datasets[wildcards.dataset].settings.source != "api-docs":
        return {}
    from suffice.data.docstrings import package_versions

    return package_versions()


def training_corpus(wildcards):
    """The corpus that a small language model is trained on."""
    dataset = STUDY.settings.training[wildcards.training].dataset
    return f"{RESULTS}/corpora/{dataset}.parquet"


def training_settings(wildcards):
    """The settings of a training, without the data set that it is on."""
    return stable(
        STUDY.settings.training[wildcards.training].model_dump(exclude={"dataset"})
    )


def files_of_model(wildcards):
    """What a model's loader reads beside the corpus: a file of the user's or one that the workflow makes."""
    model = STUDY.models[wildcards.model]
    if model.training:
        return [f"{RESULTS}/checkpoints/{model.training[0]}"]
    if model.is_standin:
        return [place_of_checkpoint(RESULTS, model.name)]
    if model.base_models:
        folder = f"{RESULTS}/embeddings/{wildcards.dataset}"
        return expand(f"{folder}/{{base}}.npy", base=model.base_models)
    return files_of_settings(model.settings_for(wildcards.dataset))


def shards_of_model(wildcards):
    """The blocks that a model's vectors are joined from; none if one job makes them all."""
    loader = get_loader(STUDY.models[wildcards.model].kind)
    n_shards = STUDY.datasets[wildcards.dataset].shards
    if n_shards == 1 or not loader.uses_device:
        return []
    folder = f"{RESULTS}/shards/{wildcards.dataset}/{wildcards.model}"
    return [f"{folder}/{shard}-of-{n_shards}.npy" for shard in range(n_shards)]


def facts_of_shards(wildcards):
    """What these blocks are, and what they took."""
    return [path.removesuffix("npy") + "json" for path in shards_of_model(wildcards)]


def gpus_of_embedding(wildcards):
    """How many GPUs it takes to embed, or to join what others embedded."""
    return 0 if shards_of_model(wildcards) else gpus_of_model(wildcards)


def settings_of_model(wildcards):
    """The settings of a model's loader."""
    return stable(
        loader_settings(STUDY.models[wildcards.model], wildcards.dataset, RESULTS)
    )


def kind_of_model(wildcards):
    """The kind of a model's loader."""
    return STUDY.models[wildcards.model].kind


def versions_of_model(wildcards):
    """Versions of the libraries that compute a model's vectors."""
    return library_versions(get_loader(STUDY.models[wildcards.model].kind))


def gpus_of_model(wildcards):
    """How many GPUs a model's loader needs."""
    return n_gpus(get_loader(STUDY.models[wildcards.model].kind).uses_device)


def gpus_of_estimator(wildcards):
    """How many GPUs an estimator needs."""
    from suffice.estimators.registry import get_estimator

    return n_gpus(
        get_estimator(STUDY.all_estimators[wildcards.estimator].kind).uses_device
    )


def seed_of_model(wildcards):
    """The seed of what is random in a model."""
    return STUDY.seed_of(wildcards.model)


def code_of_model(wildcards):
    """Version of the code that makes a model's vectors, at once or in blocks."""
    loader = get_loader(STUDY.models[wildcards.model].kind)
    return code_of("embed_items", loader.__module__)


def failure_record(wildcards):
    """Where the message of a model that fails is kept."""
    return f"{RESULTS}/failed/{wildcards.dataset}/{wildcards.model}.json"


def failure_record_of_shard(wildcards):
    """The same for one block of a model's vectors."""
    folder = f"{RESULTS}/failed/{wildcards.dataset}"
    return f"{folder}/{wildcards.model}.shard-{wildcards.shard}.json"


def failure_record_of_preparation(wildcards):
    """The same for a model's preparation, of which there is one for each estimator at the same time."""
    folder = f"{RESULTS}/failed/{wildcards.dataset}"
    return f"{folder}/{wildcards.model}.{wildcards.estimator}.json"


def estimator_choice(wildcards):
    """Kind and settings of an estimator."""
    choice = STUDY.all_estimators[wildcards.estimator]
    return stable({"kind": choice.kind, "settings": choice.settings})


def code_of_estimator(wildcards):
    """Version of the code that makes an estimator's numbers, from its preparation on."""
    from suffice.estimators.registry import get_estimator

    estimator = get_estimator(STUDY.all_estimators[wildcards.estimator].kind)
    return code_of("estimate_pairs", estimator.__module__)


def models_of_study(wildcards):
    """The names of all models."""
    return list(STUDY.models)


def embeddings_of_dataset(wildcards):
    """All models' vectors of one data set."""
    return expand(
        f"{RESULTS}/embeddings/{wildcards.dataset}/{{model}}.npy", model=STUDY.models
    )


def cards_of_dataset(wildcards):
    """All models' cards of one data set."""
    return expand(
        f"{RESULTS}/embeddings/{wildcards.dataset}/{{model}}.json", model=STUDY.models
    )


def prepared_of_dataset(wildcards):
    """What one estimator prepared of all models."""
    folder = f"{RESULTS}/prepared/{wildcards.dataset}/{wildcards.estimator}"
    return expand(f"{folder}/{{model}}.npz", model=STUDY.models)


def pairs_of_dataset(wildcards):
    """The pairs of all targets by the estimators of one ranking."""
    return expand(
        f"{RESULTS}/pairs/{wildcards.dataset}/{{estimator}}/{{target}}.parquet",
        estimator=[each.name for each in STUDY.estimators_of(wildcards.estimator)],
        target=STUDY.targets,
    )


def corpora_of_tasks(wildcards):
    """The corpora that tasks are on."""
    return expand(f"{RESULTS}/corpora/{{dataset}}.parquet", dataset=STUDY.task_datasets)


def embeddings_of_tasks(wildcards):
    """One model's vectors of the data sets that tasks are on."""
    return expand(
        f"{RESULTS}/embeddings/{{dataset}}/{wildcards.model}.npy",
        dataset=STUDY.task_datasets,
    )


def settings_of_tasks(wildcards):
    """Data set and settings of each task."""
    tasks = STUDY.tasks.values()
    return stable(
        {
            task.name: [task.dataset, task.settings.model_dump(exclude_unset=True)]
            for task in tasks
        }
    )


def task_results(wildcards):
    """The tables of task results of all models and of public scores; none in a study without tasks."""
    return STUDY.task_files(RESULTS)


def files_of_public_scores(wildcards):
    """What public scores are read from."""
    public = STUDY.settings.public_scores
    names = [model.public_name for model in STUDY.models.values() if model.public_name]
    files = (
        files_of_scores(Path(public.tree), names, public.tasks) if public.tree else []
    )
    return [*map(str, files), *([public.table] if public.table else [])]


def public_settings(wildcards):
    """Where public scores lie, of which tasks, and what each model is called there."""
    models = {
        name: model.public_name
        for name, model in STUDY.models.items()
        if model.public_name
    }
    revisions = {name: STUDY.models[name].settings.get("revision") for name in models}
    public = STUDY.settings.public_scores
    given = {key: getattr(public, key) for key in ("tree", "table", "tasks")}
    pinned = {name: revision for name, revision in revisions.items() if revision}
    named = pinned if public.same_revision else {}
    return stable({**given, "models": models, "revisions": named})


def public_baseline(wildcards):
    """The table of public scores that are a baseline; none if they are tasks or there are none."""
    public = STUDY.settings.public_scores
    is_baseline = public is not None and public.role == "baseline"
    return [f"{RESULTS}/public_scores/tasks.csv"] if is_baseline else []


def rankings_of_dataset(wildcards):
    """All rankings of one data set."""
    return expand(
        f"{RESULTS}/ranking/{wildcards.dataset}/{{ranking}}.csv",
        ranking=STUDY.rankings,
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
        files += task_results(wildcards)
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
