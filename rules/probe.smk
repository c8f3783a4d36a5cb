"""Tasks: how well each model does on labelled data.

Takes a model's vectors of all data sets that have tasks, and the labels in their corpora. Makes one table per
model with a row for each task (`tasks/`). If the study names public scores, it makes one table of these and
one of the scores that are missing (`public_scores/`).
"""

from suffice.jobs import TaskJobs

TASKS = TaskJobs(STUDY)


rule probe_model:
    input:
        corpora=TASKS.corpora,
        vectors=TASKS.vectors,
    output:
        "results/{study}/tasks/{model}.csv",
    params:
        tasks=TASKS.settings,
        datasets=STUDY.task_datasets,
        seed=STUDY.settings.seed,
        store=f"{RESULTS}/store/tasks",
        code=code_of("probe_model"),
    script:
        "../scripts/probe_model.py"


rule read_public_scores:
    input:
        TASKS.public_files,
    output:
        tasks="results/{study}/public_scores/tasks.csv",
        gaps=report(
            "results/{study}/public_scores/gaps.csv",
            caption="../report/table.rst",
            category="Correlation with tasks",
            labels={"data set": "public", "table": "scores that are missing"},
        ),
    params:
        public=TASKS.public_settings,
        code=code_of("read_public_scores"),
    script:
        "../scripts/read_public_scores.py"
