"""From tables to figures and the page."""


rule plot_figures:
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
        expand(
            "results/{{study}}/figures/{{dataset}}/{{estimator}}/{figure}.{kind}",
            figure=figure_names(),
            kind=["pdf", "csv"],
        ),
        png=list(map(reported_figure, figure_names())),
    log:
        "logs/{study}/plot_figures/{dataset}/{estimator}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        figures=figure_names(),
        models=model_table,
        seed=STUDY.settings.seed,
        code=code_of_figures(),
    script:
        "../scripts/plot_figures.py"


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
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        folder=str(STUDY.folder),
        missing=MISSING,
        overrides=overrides_in(config),
        configuration=configuration_of(STUDY),
        figures=figure_names(),
        code=code_of("write_page"),
    script:
        "../scripts/write_page.py"
