"""From vectors and labels to task results, one job a model with all tasks inside; and what others measured."""


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
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        tasks=settings_of_tasks,
        datasets=STUDY.task_datasets,
        seed=STUDY.settings.seed,
        store=f"{RESULTS}/store/tasks",
        code=code_of("probe_model"),
    script:
        "../scripts/probe_model.py"


rule read_public_scores:
    input:
        files_of_public_scores,
    output:
        tasks="results/{study}/public_scores/tasks.csv",
        gaps=report(
            "results/{study}/public_scores/gaps.csv",
            caption="../report/public_scores.rst",
            category="Correlation with tasks",
            labels={"data set": "public", "table": "scores that are missing"},
        ),
    log:
        "logs/{study}/read_public_scores.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        public=public_settings,
        code=code_of("read_public_scores"),
    script:
        "../scripts/read_public_scores.py"
