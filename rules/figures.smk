"""From tables to figures and the page."""

from suffice.analyses.sources import sources_of_page
from suffice.study.configuration import configuration_of

FIGURES = figures_of(STUDY)


def model_table():
    """Name, family, and training with its step of each model."""
    rows = STUDY.models.values()
    return [
        {"model": row.name, "family": row.family, "training": row.stage} for row in rows
    ]


def reported_figure(figure):
    """The picture of one figure of a ranking, as Snakemake's report shows it."""
    return report(
        f"results/{{study}}/figures/{{dataset}}/{{estimator}}/{figure.name}.png",
        caption="../report/figure.rst",
        category="Figures",
        labels={
            "data set": "{dataset}",
            "estimator": "{estimator}",
            "figure": figure.title,
        },
    )


rule plot_figures:
    input:
        **read_by(figure.reads for figure in FIGURES),
    output:
        expand(
            "results/{{study}}/figures/{{dataset}}/{{estimator}}/{figure}.{kind}",
            figure=[figure.name for figure in FIGURES],
            kind=["pdf", "csv"],
        ),
        png=list(map(reported_figure, FIGURES)),
    params:
        figures=[figure.name for figure in FIGURES],
        settings={"models": model_table(), "seed": STUDY.settings.seed},
        code=code_of("plot_figures", *(figure.draw.__module__ for figure in FIGURES)),
    script:
        "../scripts/plot_figures.py"


rule write_page:
    input:
        sources_of_page(STUDY, RESULTS),
    output:
        report(
            "results/{study}/report.html",
            caption="../report/page.rst",
            category="Page",
        ),
    params:
        folder=str(STUDY.folder),
        missing=MISSING,
        overrides=overrides_in(config),
        configuration=configuration_of(STUDY),
        code=code_of("write_page"),
    script:
        "../scripts/write_page.py"
