"""From a data set to a corpus, and from a corpus to a small language model."""


rule build_corpus:
    input:
        source_file,
        parts=corpora_of_parts,
    output:
        table="results/{study}/corpora/{dataset}.parquet",
        manifest="results/{study}/corpora/{dataset}.json",
    log:
        "logs/{study}/build_corpus/{dataset}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        settings=dataset_settings,
        seed=STUDY.settings.seed,
        versions=corpus_versions,
        code=code_of("build_corpus"),
    script:
        "../scripts/build_corpus.py"


rule train_language_model:
    input:
        training_corpus,
    output:
        directory("results/{study}/checkpoints/{training}"),
    log:
        "logs/{study}/train_language_model/{training}.log",
    benchmark:
        "results/{study}/benchmarks/train_language_model/{training}.tsv"
    priority: 10
    conda:
        "../envs/suffice.yaml"
    resources:
        gpu=n_gpus(uses_device=True),
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        settings=training_settings,
        seed=STUDY.settings.seed,
        device=STUDY.settings.device,
        code=code_of("train_language_model"),
    script:
        "../scripts/train_language_model.py"
