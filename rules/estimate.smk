"""From vectors to the information sufficiency of every source for every target, one job a target."""


rule prepare_model:
    input:
        corpus="results/{study}/corpora/{dataset}.parquet",
        vectors="results/{study}/embeddings/{dataset}/{model}.npy",
        card="results/{study}/embeddings/{dataset}/{model}.json",
    output:
        "results/{study}/prepared/{dataset}/{estimator}/{model}.npz",
    log:
        "logs/{study}/prepare_model/{dataset}/{estimator}/{model}.log",
    benchmark:
        "results/{study}/benchmarks/prepare_model/{dataset}/{estimator}/{model}.tsv"
    conda:
        "../envs/suffice.yaml"
    resources:
        gpu=gpus_of_estimator,
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        estimator=estimator_choice,
        seed=STUDY.settings.seed,
        device=STUDY.settings.device,
        failure=failure_record_of_preparation,
        code=code_of_estimator,
    script:
        "../scripts/prepare_model.py"


rule estimate_pairs:
    input:
        corpus="results/{study}/corpora/{dataset}.parquet",
        vectors=embeddings_of_dataset,
        cards=cards_of_dataset,
        prepared=prepared_of_dataset,
    output:
        "results/{study}/pairs/{dataset}/{estimator}/{target}.parquet",
    log:
        "logs/{study}/estimate_pairs/{dataset}/{estimator}/{target}.log",
    benchmark:
        "results/{study}/benchmarks/estimate_pairs/{dataset}/{estimator}/{target}.tsv"
    conda:
        "../envs/suffice.yaml"
    resources:
        gpu=gpus_of_estimator,
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        estimator=estimator_choice,
        models=models_of_study,
        seed=STUDY.settings.seed,
        device=STUDY.settings.device,
        store=f"{RESULTS}/store/pairs",
        code=code_of_estimator,
    script:
        "../scripts/estimate_pairs.py"
