"""From pairs to what a source does not give of a target."""


rule explain_pairs:
    input:
        corpus="results/{study}/corpora/{dataset}.parquet",
        vectors=embeddings_of_dataset,
        pairs=pairs_of_dataset,
        ranking="results/{study}/ranking/{dataset}/{estimator}.csv",
    output:
        directions=report(
            "results/{study}/explained/{dataset}/{estimator}.directions.csv",
            caption="../report/explained.rst",
            category="Explanation",
            labels={"data set": "{dataset}", "table": "directions, {estimator}"},
        ),
        lost_items=report(
            "results/{study}/explained/{dataset}/{estimator}.items.csv",
            caption="../report/explained.rst",
            category="Explanation",
            labels={"data set": "{dataset}", "table": "items, {estimator}"},
        ),
    log:
        "logs/{study}/explain_pairs/{dataset}/{estimator}.log",
    benchmark:
        "results/{study}/benchmarks/explain_pairs/{dataset}/{estimator}.tsv"
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        pairs=STUDY.explained_pairs,
        models=models_of_study,
        settings=STUDY.settings.explain.model_dump(exclude={"pairs"}),
        seed=STUDY.settings.seed,
        code=code_of("explain_pairs"),
    script:
        "../scripts/explain_pairs.py"
