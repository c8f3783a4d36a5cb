"""From a ranking and task results to what a few labels add to it."""


rule try_few_labels:
    input:
        corpora=corpora_with_few_labels,
        vectors=embeddings_with_few_labels,
        ranking="results/{study}/ranking/{dataset}/{estimator}.csv",
        tasks=task_results,
    output:
        report(
            "results/{study}/few_labels/{dataset}/{estimator}.csv",
            caption="../report/few_labels.rst",
            category="Decision",
            labels={"data set": "{dataset}", "table": "few labels, {estimator}"},
        ),
    log:
        "logs/{study}/try_few_labels/{dataset}/{estimator}.log",
    benchmark:
        "results/{study}/benchmarks/try_few_labels/{dataset}/{estimator}.tsv"
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        tasks=tasks_with_few_labels,
        datasets=datasets_with_few_labels,
        models=models_of_study,
        effort=effort_of_few_labels,
        seed=STUDY.settings.seed,
        code=code_of("try_few_labels"),
    script:
        "../scripts/try_few_labels.py"
