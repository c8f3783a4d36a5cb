"""From tables to figures and the page."""

from suffice.analyses.sources import tables_made
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


def page_files(wildcards):
    """All that the page shows."""
    datasets, rankings = STUDY.ranked_datasets, STUDY.shown_rankings
    files = expand(
        f"{RESULTS}/ranking/{{dataset}}/{{ranking}}.csv",
        dataset=datasets,
        ranking=STUDY.rankings,
    )
    files += expand(
        f"{RESULTS}/figures/{{dataset}}/{{ranking}}/{{figure}}.png",
        dataset=datasets,
        ranking=rankings,
        figure=[figure.name for figure in FIGURES],
    )
    files += expand(f"{RESULTS}/corpora/{{dataset}}.json", dataset=datasets)
    files += expand(f"{RESULTS}/baselines/{{dataset}}.csv", dataset=datasets)
    looked_at = [name for name in datasets if STUDY.datasets[name].looks.kind != SAME]
    files += expand(f"{RESULTS}/looks/{{dataset}}.json", dataset=looked_at)
    files += expand(
        f"{RESULTS}/embeddings/{{dataset}}/{{model}}.json",
        dataset=datasets,
        model=STUDY.models,
    )
    places = [(dataset, ranking) for dataset in datasets for ranking in rankings]
    made = [tables_made(STUDY, RESULTS, *place) for place in places]
    files += [path for each in made for paths in each.values() for path in paths]
    return [*dict.fromkeys([*files, *task_results(wildcards)])]


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
    log:
        "logs/{study}/plot_figures/{dataset}/{estimator}.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        figures=[figure.name for figure in FIGURES],
        settings={"models": model_table(), "seed": STUDY.settings.seed},
        code=code_of("plot_figures", *(figure.draw.__module__ for figure in FIGURES)),
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
        figures=[figure.name for figure in FIGURES],
        code=code_of("write_page"),
    script:
        "../scripts/write_page.py"
