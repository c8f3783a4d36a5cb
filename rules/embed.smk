"""Embeddings: run each model on each data set.

Takes a corpus and what the model's loader reads: files, a checkpoint or the vectors of other models. Makes
one vector per item, with a card that says how they were made and at what cost (`embeddings/`). Where source and
target see parts of a text, it embeds these looks too (`looks/`). A data set may be divided into blocks
(`shards/`), one job per block; the model's own job then joins them.
"""

from shutil import rmtree

from suffice.jobs import EmbeddingJobs

EMBED = EmbeddingJobs(STUDY)


rule embed_items:
    input:
        EMBED.files,
        shards=EMBED.shards,
        facts=EMBED.facts_of_shards,
        looks=EMBED.looks,
        looks_of_bases=EMBED.looks_of_bases,
        shards_of_looks=EMBED.shards_of_looks,
        facts_of_look_shards=EMBED.facts_of_look_shards,
        corpus="results/{study}/corpora/{dataset}.parquet",
        manifest="results/{study}/corpora/{dataset}.json",
    output:
        vectors="results/{study}/embeddings/{dataset}/{model}.npy",
        card="results/{study}/embeddings/{dataset}/{model}.json",
    wildcard_constraints:
        dataset=any_of(EMBED.without_looks),
    resources:
        gpu=EMBED.gpus,
    params:
        kind=EMBED.kind,
        settings=EMBED.settings,
        versions=EMBED.versions,
        seed=EMBED.seed,
        device=STUDY.settings.device,
        failure=EMBED.failure,
        one_pass=one_pass,
        code=code_of_model,
    script:
        "../scripts/embed_items.py"


use rule embed_items as embed_items_with_looks with:
    output:
        vectors="results/{study}/embeddings/{dataset}/{model}.npy",
        card="results/{study}/embeddings/{dataset}/{model}.json",
        looks="results/{study}/looks/{dataset}/{model}.npy",
        card_of_looks="results/{study}/looks/{dataset}/{model}.json",
    wildcard_constraints:
        dataset=any_of(EMBED.with_looks),


rule embed_shard:
    input:
        EMBED.files,
        looks=EMBED.looks,
        corpus="results/{study}/corpora/{dataset}.parquet",
        manifest="results/{study}/corpora/{dataset}.json",
    output:
        vectors=temp(
            "results/{study}/shards/{dataset}/{model}/{shard}-of-{n_shards}.npy"
        ),
        facts=temp(
            "results/{study}/shards/{dataset}/{model}/{shard}-of-{n_shards}.json"
        ),
    wildcard_constraints:
        dataset=any_of(EMBED.without_looks),
        shard=r"\d+",
        n_shards=r"\d+",
    resources:
        gpu=EMBED.gpus_of_shard,
    params:
        kind=EMBED.kind,
        settings=EMBED.settings,
        versions=EMBED.versions,
        seed=EMBED.seed,
        device=STUDY.settings.device,
        failure=EMBED.failure_of_shard,
        one_pass=one_pass,
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
    wildcard_constraints:
        dataset=any_of(EMBED.with_looks),
        shard=r"\d+",
        n_shards=r"\d+",


onsuccess:
    rmtree(f"{RESULTS}/store/passes", ignore_errors=True)  # vectors that no job took
