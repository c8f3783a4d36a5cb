"""Figures and page.

Takes the ranking, its pairs and the tables of the analyses. Makes each figure as a picture, a PDF, an SVG for the page and a table
of what is drawn (`figures/`), and the page that shows all of it (`report.html`).
"""

from suffice.analyses.registry import figures_of
from suffice.analyses.sources import sources_of_page
from suffice.study.configuration import configuration_of

FIGURES = figures_of(STUDY)


rule plot_figures:
    input:
        **ANALYSES.read_by(figure.reads for figure in FIGURES),
    output:
        expand(
            "results/{{study}}/figures/{{dataset}}/{{estimator}}/{figure}.{kind}",
            figure=[figure.name for figure in FIGURES],
            kind=["pdf", "csv", "svg"],
        ),
        png=list(map(reported_figure, FIGURES)),
    params:
        figures=[figure.name for figure in FIGURES],
        settings={"models": ANALYSES.models, "seed": STUDY.settings.seed},
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
