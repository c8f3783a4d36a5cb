"""From published tables to recomputed tables, figures and page."""


rule recompute_published:
    input:
        files_of(FOLDER),
    output:
        expand("results/{{study}}/tables/{table}.csv", table=TABLES),
        summary="results/{study}/summary.csv",
    params:
        folder=str(FOLDER),
        settings=stable(SETTINGS.model_dump(mode="json")),
        code=code_of("recompute_published"),
    script:
        "scripts/recompute_published.py"


rule plot_published:
    input:
        files_of(FOLDER),
        tables=rules.recompute_published.output,
    output:
        expand(
            "results/{{study}}/figures/{figure}.{kind}",
            figure=FIGURES,
            kind=["pdf", "csv"],
        ),
        svg=expand("results/{{study}}/figures/{figure}.svg", figure=FIGURES),
        png=list(map(reported_figure, FIGURES)),
    params:
        folder=str(FOLDER),
        figures=list(FIGURES),
        seed=SETTINGS.seed,
        code=code_of("plot_published"),
    script:
        "scripts/plot_published.py"


rule write_published_page:
    input:
        rules.plot_published.output.svg,
        tables=rules.recompute_published.output,
    output:
        report(
            "results/{study}/report.html",
            caption=str(ROOT / "report" / "page.rst"),
            category="Page",
        ),
    params:
        settings=stable(SETTINGS.model_dump(mode="json")),
        code=code_of("write_published_page"),
    script:
        "scripts/write_published_page.py"
