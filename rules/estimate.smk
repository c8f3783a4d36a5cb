"""Estimates: the information that each model (the source) has about another (the target).

Takes the vectors of all models on one data set. Makes one table per target with a row for every source
(`pairs/`). Pairs that were estimated before come from the store. Where pairs of several targets share work, one
job makes all tables. Where a pair takes longer, such as with a trained network, there is one job per target, and
before them one job per model for what is fitted once per model, such as an entropy (`prepared/`).
"""

from suffice.jobs import PairJobs

PAIRS = PairJobs(STUDY)


rule estimate_all_pairs:
    input:
        corpus="results/{study}/corpora/{dataset}.parquet",
        vectors=embeddings_of_dataset,
        cards=cards_of_dataset,
        looks=PAIRS.looks,
        vectors_of_looks=PAIRS.vectors_of_looks,
        cards_of_looks=PAIRS.cards_of_looks,
    output:
        expand(
            "results/{study}/pairs/{dataset}/{estimator}/{target}.parquet",
            target=STUDY.targets,
            allow_missing=True,
        ),
    wildcard_constraints:
        estimator=any_of(PAIRS.with_shared_work),
    threads: 4
    resources:
        gpu=PAIRS.gpus,
    params:
        estimator=PAIRS.estimator,
        models=list(STUDY.models),
        targets=list(STUDY.targets),
        seed=STUDY.settings.seed,
        device=STUDY.settings.device,
        store=f"{RESULTS}/store/pairs",
        failures=PAIRS.failures,
        code=code_of_estimator,
    script:
        "../scripts/estimate_pairs.py"


rule prepare_model:
    input:
        corpus="results/{study}/corpora/{dataset}.parquet",
        vectors="results/{study}/embeddings/{dataset}/{model}.npy",
        card="results/{study}/embeddings/{dataset}/{model}.json",
        looks=PAIRS.looks,
        vectors_of_looks=PAIRS.looks_of_model,
    output:
        "results/{study}/prepared/{dataset}/{estimator}/{model}.npz",
    wildcard_constraints:
        estimator=any_of(PAIRS.without_shared_work),
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
    wildcard_constraints:
        estimator=any_of(PAIRS.without_shared_work),
    resources:
        gpu=PAIRS.gpus,
    params:
        estimator=PAIRS.estimator,
        models=list(STUDY.models),
        targets=PAIRS.target,
        seed=STUDY.settings.seed,
        device=STUDY.settings.device,
        store=f"{RESULTS}/store/pairs",
        code=code_of_estimator,
    script:
        "../scripts/estimate_pairs.py"
