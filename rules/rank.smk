"""From pairs to scores, intervals, rank intervals and tie groups."""


rule rank_models:
    input:
        pairs=pairs_of_dataset,
        vectors=embeddings_of_dataset,
        cards=cards_of_dataset,
    output:
        by_items="results/{study}/sample_size/{dataset}/{estimator}.csv",
        ranking=report(
            "results/{study}/ranking/{dataset}/{estimator}.csv",
            caption="../report/ranking.rst",
            category="Ranking",
            labels={"data set": "{dataset}", "estimator": "{estimator}"},
        ),
    log:
        "logs/{study}/rank_models/{dataset}/{estimator}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        settings=STUDY.settings.ranking.model_dump(exclude={"targets"}),
        families=STUDY.families,
        seed=STUDY.settings.seed,
        controls=STUDY.controls,
        code=code_version(
            "suffice.ranking.scores",
            "suffice.ranking.sample_size",
            "suffice.ranking.looks",
            "suffice.ranking.relatives",
            "suffice.ranking.row_order",
        ),
    script:
        "../scripts/rank_models.py"


rule measure_baselines:
    input:
        vectors=embeddings_of_dataset,
        cards=cards_of_dataset,
        public=public_baseline,
        looks=looks_of_dataset,
        vectors_of_looks=vectors_of_looks,
    output:
        "results/{study}/baselines/{dataset}.csv",
    log:
        "logs/{study}/measure_baselines/{dataset}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        models=models_of_study,
        seed=STUDY.settings.seed,
        store=f"{RESULTS}/store/baselines",
        code=code_version("suffice.comparison.stored"),
    script:
        "../scripts/measure_baselines.py"
