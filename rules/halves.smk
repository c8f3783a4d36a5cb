"""From a corpus to the halves of its texts, and from these to vectors: what self-retrieval needs."""


rule split_halves:
    input:
        corpus="results/{study}/corpora/{dataset}.parquet",
        manifest="results/{study}/corpora/{dataset}.json",
    output:
        table="results/{study}/halves/{dataset}.parquet",
        manifest="results/{study}/halves/{dataset}.json",
    log:
        "logs/{study}/split_halves/{dataset}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        seed=STUDY.settings.seed,
        code=code_version("suffice.data.halves"),
    script:
        "../scripts/split_halves.py"


rule embed_halves:
    input:
        files_of_model,
        base_halves=halves_of_base_model,
        corpus="results/{study}/corpora/{dataset}.parquet",
        halves="results/{study}/halves/{dataset}.parquet",
    output:
        "results/{study}/halves/{dataset}/{model}.npy",
    log:
        "logs/{study}/embed_halves/{dataset}/{model}.log",
    benchmark:
        "results/{study}/benchmarks/embed_halves/{dataset}/{model}.tsv"
    conda:
        "../envs/suffice.yaml"
    resources:
        gpu=gpus_of_model,
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        kind=kind_of_model,
        settings=settings_of_model,
        versions=versions_of_model,
        seed=seed_of_model,
        device=STUDY.settings.device,
        failure=failure_record_of_halves,
        code=code_of_halves,
    script:
        "../scripts/embed_halves.py"
