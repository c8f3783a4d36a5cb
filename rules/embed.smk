"""From a corpus and a model to vectors and their card, and to those of looks where these are embedded."""


rule embed_items:
    input:
        files_of_model,
        shards=shards_of_model,
        facts=facts_of_shards,
        looks=embedded_looks,
        looks_of_bases=looks_of_base_models,
        shards_of_looks=shards_of_looks,
        facts_of_look_shards=facts_of_look_shards,
        corpus="results/{study}/corpora/{dataset}.parquet",
        manifest="results/{study}/corpora/{dataset}.json",
    output:
        vectors="results/{study}/embeddings/{dataset}/{model}.npy",
        card="results/{study}/embeddings/{dataset}/{model}.json",
    log:
        "logs/{study}/embed_items/{dataset}/{model}.log",
    benchmark:
        "results/{study}/benchmarks/embed_items/{dataset}/{model}.tsv"
    wildcard_constraints:
        dataset=any_of(WITHOUT_EMBEDDED_LOOKS),
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


use rule embed_items as embed_items_with_looks with:
    output:
        vectors="results/{study}/embeddings/{dataset}/{model}.npy",
        card="results/{study}/embeddings/{dataset}/{model}.json",
        looks="results/{study}/looks/{dataset}/{model}.npy",
        card_of_looks="results/{study}/looks/{dataset}/{model}.json",
    log:
        "logs/{study}/embed_items_with_looks/{dataset}/{model}.log",
    benchmark:
        "results/{study}/benchmarks/embed_items_with_looks/{dataset}/{model}.tsv"
    wildcard_constraints:
        dataset=any_of(WITH_EMBEDDED_LOOKS),


rule embed_shard:
    input:
        files_of_model,
        looks=embedded_looks,
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
        dataset=any_of(WITHOUT_EMBEDDED_LOOKS),
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


use rule embed_shard as embed_shard_with_looks with:
    output:
        vectors=temp(
            "results/{study}/shards/{dataset}/{model}/{shard}-of-{n_shards}.npy"
        ),
        facts=temp(
            "results/{study}/shards/{dataset}/{model}/{shard}-of-{n_shards}.json"
        ),
        looks=temp(
            "results/{study}/shards/{dataset}/{model}/{shard}-of-{n_shards}.looks.npy"
        ),
        facts_of_looks=temp(
            "results/{study}/shards/{dataset}/{model}/{shard}-of-{n_shards}.looks.json"
        ),
    log:
        "logs/{study}/embed_shard_with_looks/{dataset}/{model}/{shard}-of-{n_shards}.log",
    benchmark:
        "results/{study}/benchmarks/embed_shard_with_looks/{dataset}/{model}/{shard}-of-{n_shards}.tsv"
    wildcard_constraints:
        dataset=any_of(WITH_EMBEDDED_LOOKS),
        shard=r"\d+",
        n_shards=r"\d+",
