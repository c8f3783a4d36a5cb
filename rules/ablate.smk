"""What the ranking rests on: one thing varied at a time. Made by the target `ablations` alone."""


wildcard_constraints:
    variation=any_of(STUDY.settings.ablations),


rule ablations:
    input:
        ablation_files,


rule vary_pool:
    input:
        pairs=pairs_of_dataset,
        tasks=task_results,
    output:
        "results/{study}/ablations/{dataset}/pool.{estimator}.csv",
    log:
        "logs/{study}/vary_pool/{dataset}/{estimator}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        summary=STUDY.settings.ranking.model_dump(include={"aggregate", "self_pairs"}),
        seed=STUDY.settings.seed,
        code=code_of("vary_pool"),
    script:
        "../scripts/vary_pool.py"


rule vary_setting:
    input:
        rankings=rankings_of_variation,
        tasks=task_results,
    output:
        "results/{study}/ablations/{dataset}/settings.{variation}.csv",
    log:
        "logs/{study}/vary_setting/{dataset}/{variation}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        names=values_of_variation,
        n_resamples=STUDY.settings.correlation.n_resamples,
        seed=STUDY.settings.seed,
        code=code_of("vary_setting"),
    script:
        "../scripts/vary_setting.py"


rule vary_dataset:
    input:
        rankings=rankings_of_estimator,
        tasks=task_results,
    output:
        "results/{study}/ablations/datasets.{estimator}.csv",
    log:
        "logs/{study}/vary_dataset/{estimator}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
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
        looks=looks_of_dataset,
        vectors_of_looks=vectors_of_looks,
        tasks=task_results,
    output:
        "results/{study}/ablations/{dataset}/items.csv",
    log:
        "logs/{study}/vary_items/{dataset}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        models=models_of_study,
        how=stable(ranking_choices()),
        code=code_of("vary_items"),
    script:
        "../scripts/vary_items.py"


rule compare_versions:
    input:
        pairs=pairs_of_dataset,
        tasks=task_results,
    output:
        "results/{study}/ablations/{dataset}/versions.{estimator}.csv",
    log:
        "logs/{study}/compare_versions/{dataset}/{estimator}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
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
            "results/{{study}}/ablations/{{dataset}}/settings.{variation}.csv",
            variation=STUDY.settings.ablations,
        ),
    output:
        pdf="results/{study}/ablations/{dataset}/curves.pdf",
        png=report(
            "results/{study}/ablations/{dataset}/curves.png",
            caption="../report/ablations.rst",
            category="Ablations",
            labels={"data set": "{dataset}", "figure": "curves"},
        ),
        points="results/{study}/ablations/{dataset}/curves.csv",
    log:
        "logs/{study}/plot_ablations/{dataset}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        variations=list(STUDY.settings.ablations),
        code=code_of("plot_ablations"),
    script:
        "../scripts/plot_ablations.py"
