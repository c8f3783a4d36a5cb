"""The study of the rules for embeddings, and the files that several rules read.

What the jobs of one rule file read and are told is in `suffice.jobs`.
"""

import re
from pathlib import Path

from suffice.embed.registry import get_loader
from suffice.errors import SufficeError
from suffice.jobs import EmbeddingJobs
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
task_results = STUDY.task_files(RESULTS)


def code_of_model(wildcards):
    """Version of the code that makes a model's vectors, in one job or in blocks."""
    return code_of_kind(STUDY.models[wildcards.model].kind)


def code_of_kind(kind):
    """Version of the code that makes the vectors of a kind of model."""
    return code_of("embed_items", get_loader(kind).__module__)


def one_pass(wildcards, output):
    """The models that can share a model's forward pass, and folders: of vectors from passes, and of cards.

    With `output`, Snakemake does not count this among the job's parameters: another model of the checkpoint
    is no reason to embed this one again.
    """
    return EmbeddingJobs(STUDY).one_pass(wildcards, code_of_kind) | {
        "store": f"{RESULTS}/store/passes",
        "cards": f"{RESULTS}/embeddings/{wildcards.dataset}",
    }


def code_of_estimator(wildcards):
    """Version of the code that makes an estimator's numbers, from its preparation on."""
    from suffice.estimators.registry import get_estimator

    estimator = get_estimator(STUDY.all_estimators[wildcards.estimator].kind)
    return code_of("estimate_pairs", estimator.__module__)


def pairs_of_dataset(wildcards):
    """The pairs of all targets by the estimators of one ranking."""
    return [
        f"{RESULTS}/pairs/{wildcards.dataset}/{estimator.name}/{target}.parquet"
        for estimator in STUDY.estimators_of(wildcards.estimator)
        for target in STUDY.targets_of(estimator.name)
    ]


def final_files():
    """The final files of a study."""
    return [f"{RESULTS}/report.html"]


def reported_tables(analyses):
    """The tables that some analyses make, by name; those with a label are in Snakemake's report."""
    tables = {}
    for analysis in analyses:
        for name, made in analysis.makes.items():
            path = f"results/{{study}}/{made.path}"
            of_ranking = ", {estimator}" if analysis.is_per_ranking else ""
            tables[name] = path
            if made.label:
                tables[name] = report(
                    path,
                    caption="../report/table.rst",
                    category=analysis.category,
                    labels={
                        "data set": "{dataset}",
                        "table": f"{made.label}{of_ranking}",
                    },
                )
    return tables


def reported_figure(figure):
    """The image of one figure of a ranking, as Snakemake's report shows it."""
    return report(
        f"results/{{study}}/figures/{{dataset}}/{{estimator}}/{figure.name}.png",
        caption="../report/figure.rst",
        category="Figures",
        labels={
            "data set": "{dataset}",
            "estimator": "{estimator}",
            "figure": figure.title,
        },
    )
