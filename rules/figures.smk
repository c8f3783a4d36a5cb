"""Figures and the page.

Takes all tables of a study. Draws the figures of each ranking (`figures/`) and writes the page (`report.html`).
"""

from suffice.analyses.sources import sources_of_page
from suffice.study.configuration import configuration_of

FIGURES = figures_of(STUDY)


MODELS = [
    {"model": row.name, "family": row.family, "training": row.stage}
    for row in STUDY.models.values()
]


rule plot_figures:
    input:
        **read_by(figure.reads for figure in FIGURES),
    output:
        expand(
            "results/{{study}}/figures/{{dataset}}/{{estimator}}/{figure}.{kind}",
            figure=[figure.name for figure in FIGURES],
            kind=["pdf", "csv"],
        ),
        png=[
            report(
                f"results/{{study}}/figures/{{dataset}}/{{estimator}}/{figure.name}.png",
                caption="../report/figure.rst",
                category="Figures",
                labels={
                    "data set": "{dataset}",
                    "estimator": "{estimator}",
                    "figure": figure.title,
                },
            )
            for figure in FIGURES
        ],
    params:
        figures=[figure.name for figure in FIGURES],
        settings={"models": MODELS, "seed": STUDY.settings.seed},
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
