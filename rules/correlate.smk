"""From rankings, baselines and task results to how well each of the first two foretells the third."""


rule correlate_scores:
    input:
        rankings=rankings_of_dataset,
        baselines="results/{study}/baselines/{dataset}.csv",
        tasks=task_results,
    output:
        correlation=report(
            "results/{study}/correlation/{dataset}.csv",
            caption="../report/correlation.rst",
            category="Correlation with tasks",
            labels={"data set": "{dataset}", "table": "correlation"},
        ),
        differences=report(
            "results/{study}/correlation/{dataset}.differences.csv",
            caption="../report/correlation.rst",
            category="Correlation with tasks",
            labels={"data set": "{dataset}", "table": "advantage over baselines"},
        ),
    log:
        "logs/{study}/correlate_scores/{dataset}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        rankings=list(STUDY.rankings),
        n_resamples=STUDY.settings.correlation.n_resamples,
        seed=STUDY.settings.seed,
        code=code_of("correlate_scores"),
    script:
        "../scripts/correlate_scores.py"
