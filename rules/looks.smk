"""From a corpus to two looks at its items, and which files a data set with two looks has more."""


rule make_looks:
    input:
        corpus="results/{study}/corpora/{dataset}.parquet",
        manifest="results/{study}/corpora/{dataset}.json",
    output:
        table="results/{study}/looks/{dataset}.parquet",
        manifest="results/{study}/looks/{dataset}.json",
    log:
        "logs/{study}/make_looks/{dataset}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        kind=kind_of_looks,
        how=limits_of_looks,
        seed=STUDY.settings.seed,
        code=code_of("make_looks"),
    script:
        "../scripts/make_looks.py"
