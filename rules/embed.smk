"""From a corpus and a model to vectors and their card."""


rule embed_items:
    input:
        files_of_model,
        shards=shards_of_model,
        facts=facts_of_shards,
        corpus="results/{study}/corpora/{dataset}.parquet",
        manifest="results/{study}/corpora/{dataset}.json",
    output:
        vectors="results/{study}/embeddings/{dataset}/{model}.npy",
        card="results/{study}/embeddings/{dataset}/{model}.json",
    log:
        "logs/{study}/embed_items/{dataset}/{model}.log",
    benchmark:
        "results/{study}/benchmarks/embed_items/{dataset}/{model}.tsv"
    conda:
        "../envs/suffice.yaml"
    resources:
        gpu=gpus_of_embedding,
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        kind=kind_of_model,
        settings=settings_of_model,
        versions=versions_of_model,
        seed=seed_of_model,
        device=STUDY.settings.device,
        failure=failure_record,
        code=code_of_model,
    script:
        "../scripts/embed_items.py"


rule embed_shard:
    input:
        files_of_model,
        corpus="results/{study}/corpora/{dataset}.parquet",
        manifest="results/{study}/corpora/{dataset}.json",
    output:
        vectors=temp(
            "results/{study}/shards/{dataset}/{model}/{shard}-of-{n_shards}.npy"
        ),
        facts=temp(
            "results/{study}/shards/{dataset}/{model}/{shard}-of-{n_shards}.json"
        ),
    log:
        "logs/{study}/embed_shard/{dataset}/{model}/{shard}-of-{n_shards}.log",
    benchmark:
        "results/{study}/benchmarks/embed_shard/{dataset}/{model}/{shard}-of-{n_shards}.tsv"
    wildcard_constraints:
        shard=r"\d+",
        n_shards=r"\d+",
    conda:
        "../envs/suffice.yaml"
    resources:
        gpu=gpus_of_model,
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        kind=kind_of_model,
        settings=settings_of_model,
        versions=versions_of_model,
        seed=seed_of_model,
        device=STUDY.settings.device,
        failure=failure_record_of_shard,
        code=code_of_model,
    script:
        "../scripts/embed_shard.py"
