"""Estimates: the information that each model (the source) has about another (the target).

Takes the vectors of all models on one data set. Makes what an estimator fits once per model, such as an
entropy (`prepared/`), and then one table per target with a row for every source (`pairs/`). Pairs that were
estimated before come from the store.
"""

from suffice.jobs import PairJobs

PAIRS = PairJobs(STUDY)


rule prepare_model:
    input:
        corpus="results/{study}/corpora/{dataset}.parquet",
        vectors="results/{study}/embeddings/{dataset}/{model}.npy",
        card="results/{study}/embeddings/{dataset}/{model}.json",
        looks=PAIRS.looks,
        vectors_of_looks=PAIRS.looks_of_model,
    output:
        "results/{study}/prepared/{dataset}/{estimator}/{model}.npz",
    resources:
        gpu=PAIRS.gpus,
    params:
        estimator=PAIRS.estimator,
        seed=STUDY.settings.seed,
        device=STUDY.settings.device,
        failure=PAIRS.failure,
        code=code_of_estimator,
    script:
        "../scripts/prepare_model.py"


rule estimate_pairs:
    input:
        corpus="results/{study}/corpora/{dataset}.parquet",
        vectors=embeddings_of_dataset,
        cards=cards_of_dataset,
        prepared=expand(
            "results/{study}/prepared/{dataset}/{estimator}/{model}.npz",
            model=STUDY.models,
            allow_missing=True,
        ),
        looks=PAIRS.looks,
        vectors_of_looks=PAIRS.vectors_of_looks,
        cards_of_looks=PAIRS.cards_of_looks,
    output:
        "results/{study}/pairs/{dataset}/{estimator}/{target}.parquet",
    resources:
        gpu=PAIRS.gpus,
    params:
        estimator=PAIRS.estimator,
        models=list(STUDY.models),
        seed=STUDY.settings.seed,
        device=STUDY.settings.device,
        store=f"{RESULTS}/store/pairs",
        code=code_of_estimator,
    script:
        "../scripts/estimate_pairs.py"
