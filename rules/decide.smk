"""From rankings and tasks to decisions: which choice is right, what it costs, and on what it rests."""


rule decide_models:
    input:
        rankings=rankings_of_dataset,
        baselines="results/{study}/baselines/{dataset}.csv",
        tasks=task_results,
        cards=cards_of_dataset,
    output:
        report(
            "results/{study}/decision/{dataset}.csv",
            caption="../report/decision.rst",
            category="Decision",
            labels={"data set": "{dataset}", "table": "ways to choose"},
        ),
    log:
        "logs/{study}/decide_models/{dataset}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        rankings=list(STUDY.rankings),
        n_resamples=STUDY.settings.correlation.n_resamples,
        seed=STUDY.settings.seed,
        code=code_of("decide_models"),
    script:
        "../scripts/decide_models.py"


rule shrink_pool:
    input:
        pairs=pairs_of_dataset,
        ranking="results/{study}/ranking/{dataset}/{estimator}.csv",
    output:
        report(
            "results/{study}/sensitivity/{dataset}/{estimator}.csv",
            caption="../report/decision.rst",
            category="Decision",
            labels={"data set": "{dataset}", "table": "smaller pools, {estimator}"},
        ),
    log:
        "logs/{study}/shrink_pool/{dataset}/{estimator}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        models=model_table,
        settings=STUDY.settings.ranking.model_dump(include={"aggregate", "self_pairs"}),
        code=code_of("shrink_pool"),
    script:
        "../scripts/shrink_pool.py"


rule weigh_cost:
    input:
        ranking="results/{study}/ranking/{dataset}/{estimator}.csv",
        cards=cards_of_dataset,
    output:
        report(
            "results/{study}/pareto/{dataset}/{estimator}.csv",
            caption="../report/decision.rst",
            category="Decision",
            labels={"data set": "{dataset}", "table": "cost, {estimator}"},
        ),
    log:
        "logs/{study}/weigh_cost/{dataset}/{estimator}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code_of("weigh_cost"),
    script:
        "../scripts/weigh_cost.py"


rule relate_tasks:
    input:
        ranking="results/{study}/ranking/{dataset}/{estimator}.csv",
        tasks=task_results,
    output:
        tasks="results/{study}/dependence/{dataset}/{estimator}.tasks.csv",
        traits=report(
            "results/{study}/dependence/{dataset}/{estimator}.csv",
            caption="../report/decision.rst",
            category="Decision",
            labels={"data set": "{dataset}", "table": "kinds of tasks, {estimator}"},
        ),
    log:
        "logs/{study}/relate_tasks/{dataset}/{estimator}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        n_resamples=STUDY.settings.correlation.n_resamples,
        seed=STUDY.settings.seed,
        code=code_of("relate_tasks"),
    script:
        "../scripts/relate_tasks.py"
