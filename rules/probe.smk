"""From vectors and labels to task results, one job a model with all tasks inside."""


rule probe_model:
    input:
        corpora=corpora_of_tasks,
        vectors=embeddings_of_tasks,
    output:
        "results/{study}/tasks/{model}.csv",
    log:
        "logs/{study}/probe_model/{model}.log",
    benchmark:
        "results/{study}/benchmarks/probe_model/{model}.tsv"
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        tasks=settings_of_tasks,
        datasets=STUDY.task_datasets,
        seed=STUDY.settings.seed,
        store=f"{RESULTS}/store/tasks",
        code=code_digest("suffice.tasks.stored"),
    script:
        "../scripts/probe_model.py"
