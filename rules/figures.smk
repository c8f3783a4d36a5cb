"""From tables to figures and the page."""


rule plot_figure:
    input:
        pairs=pairs_of_dataset,
        ranking="results/{study}/ranking/{dataset}/{estimator}.csv",
        by_items="results/{study}/sample_size/{dataset}/{estimator}.csv",
        correlation=correlation_of_dataset,
        tasks=task_results,
        pareto="results/{study}/pareto/{dataset}/{estimator}.csv",
        sensitivity="results/{study}/sensitivity/{dataset}/{estimator}.csv",
        dependence=kinds_of_tasks,
        few_labels=few_labels_of_dataset,
        explained=explained_of_dataset,
    output:
        pdf="results/{study}/figures/{dataset}/{estimator}/{figure}.pdf",
        png=report(
            "results/{study}/figures/{dataset}/{estimator}/{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={
                "data set": "{dataset}",
                "estimator": "{estimator}",
                "figure": "{figure}",
            },
        ),
        points="results/{study}/figures/{dataset}/{estimator}/{figure}.csv",
    log:
        "logs/{study}/plot_figure/{dataset}/{estimator}/{figure}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        models=model_table,
        seed=STUDY.settings.seed,
        code=code_of_figure,
    script:
        "../scripts/plot_figure.py"


rule write_page:
    input:
        page_files,
    output:
        report(
            "results/{study}/report.html",
            caption="../report/page.rst",
            category="Page",
        ),
    log:
        "logs/{study}/write_page.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        folder=str(STUDY.folder),
        missing=MISSING,
        overrides=overrides_in(config),
        configuration=configuration_of(STUDY),
        figures=figure_names(),
        code=code_digest("suffice.report.study"),
    script:
        "../scripts/write_page.py"
