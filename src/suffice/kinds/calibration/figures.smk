"""From tables to figures and the page."""


rule plot_calibration:
    input:
        "results/{study}/tables/accuracy.parquet",
    output:
        pdf="results/{study}/figures/{figure}.pdf",
        svg="results/{study}/figures/{figure}.svg",
        png=report(
            "results/{study}/figures/{figure}.png",
            caption=str(ROOT / "report" / "figure.rst"),
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        points="results/{study}/figures/{figure}.csv",
    params:
        code=code_of_figure,
    script:
        "scripts/plot_calibration.py"


rule write_calibration_page:
    input:
        expand(f"{RESULTS}/figures/{{figure}}.svg", figure=STUDY.figures),
        tables=rules.tabulate_calibration.output,
    output:
        report(
            "results/{study}/report.html",
            caption=str(ROOT / "report" / "page.rst"),
            category="Page",
        ),
    params:
        folder=str(FOLDER),
        overrides=overrides_in(config),
        configuration=stable(STUDY.settings.model_dump(mode="json")),
        code=code_of("write_calibration_page"),
    script:
        "scripts/write_calibration_page.py"
