"""Ablations: what the ranking depends on. Only the target `ablations` runs them.

Takes pairs, vectors, rankings and tasks. Makes one table for each thing that is varied on its own: the pool
of models, a setting of an estimator, the data set, the number of items, a model and its tuned versions
(`ablations/`), with their curves.
"""

from suffice.jobs import AblationJobs

ABLATIONS = AblationJobs(STUDY)


wildcard_constraints:
    ablation=any_of(STUDY.settings.ablations),


rule ablations:
    input:
        ABLATIONS.files,


rule vary_pool:
    input:
        pairs=pairs_of_dataset,
        tasks=task_results,
    output:
        "results/{study}/ablations/{dataset}/pool.{estimator}.csv",
    params:
        summary=STUDY.settings.ranking.model_dump(include={"aggregate", "self_pairs"}),
        seed=STUDY.settings.seed,
        code=code_of("vary_pool"),
    script:
        "../scripts/vary_pool.py"


rule vary_setting:
    input:
        rankings=ABLATIONS.rankings_of_ablation,
        tasks=task_results,
    output:
        "results/{study}/ablations/{dataset}/settings.{ablation}.csv",
    params:
        names=ABLATIONS.values_of_ablation,
        n_resamples=STUDY.settings.correlation.n_resamples,
        seed=STUDY.settings.seed,
        code=code_of("vary_setting"),
    script:
        "../scripts/vary_setting.py"


rule vary_dataset:
    input:
        rankings=ABLATIONS.rankings_of_estimator,
        tasks=task_results,
    output:
        "results/{study}/ablations/datasets.{estimator}.csv",
    params:
        names=STUDY.compared_datasets,
        n_resamples=STUDY.settings.correlation.n_resamples,
        seed=STUDY.settings.seed,
        code=code_of("vary_setting"),
    script:
        "../scripts/vary_setting.py"


rule vary_items:
    input:
        corpus="results/{study}/corpora/{dataset}.parquet",
        vectors=embeddings_of_dataset,
        looks=ABLATIONS.looks,
        vectors_of_looks=ABLATIONS.vectors_of_looks,
        tasks=task_results,
    output:
        "results/{study}/ablations/{dataset}/items.csv",
    params:
        models=list(STUDY.models),
        how=ABLATIONS.ranking,
        code=code_of("vary_items"),
    script:
        "../scripts/vary_items.py"


rule compare_versions:
    input:
        pairs=pairs_of_dataset,
        tasks=task_results,
    output:
        "results/{study}/ablations/{dataset}/versions.{estimator}.csv",
    params:
        versions=STUDY.versions,
        summary=STUDY.settings.ranking.model_dump(include={"aggregate", "self_pairs"}),
        seed=STUDY.settings.seed,
        code=code_of("compare_versions"),
    script:
        "../scripts/compare_versions.py"


rule plot_ablations:
    input:
        pool=f"results/{{study}}/ablations/{{dataset}}/pool.{FIRST_RANKING}.csv",
        by_items="results/{study}/ablations/{dataset}/items.csv",
        settings=expand(
            "results/{{study}}/ablations/{{dataset}}/settings.{ablation}.csv",
            ablation=STUDY.settings.ablations,
        ),
    output:
        pdf="results/{study}/ablations/{dataset}/curves.pdf",
        svg="results/{study}/ablations/{dataset}/curves.svg",
        png=report(
            "results/{study}/ablations/{dataset}/curves.png",
            caption="../report/ablations.rst",
            category="Ablations",
            labels={"data set": "{dataset}", "figure": "curves"},
        ),
        points="results/{study}/ablations/{dataset}/curves.csv",
    params:
        ablations=list(STUDY.settings.ablations),
        code=code_of("plot_ablations"),
    script:
        "../scripts/plot_ablations.py"
