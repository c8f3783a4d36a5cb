"""From networks and their behaviour to tables, figures and page."""


rule tabulate_saturation:
    input:
        runs=files_of_groups("runs.csv"),
        completions=files_of_groups("completions.parquet"),
        pairs=expand(f"{RESULTS}/in_context/{{seed}}/pair.csv", seed=PAIR_SEEDS),
        twins=expand(f"{RESULTS}/tuned/{{seed}}/twins.csv", seed=SEEDS),
        tuning=expand(f"{RESULTS}/tuned/{{seed}}/tuning.csv", seed=SEEDS),
        curves=expand(f"{RESULTS}/tuned/{{seed}}/curves.parquet", seed=SEEDS),
        bridge=files_of_bridge(),
        contexts=[f"{RESULTS}/bridge/contexts.parquet"],
        kind_runs=files_of_kinds("runs.csv"),
        kind_answers=files_of_kinds("answers.parquet"),
        kind_pairs=[f"{RESULTS}/bridge/kinds.parquet"],
        design=expand(
            f"{RESULTS}/design/{{architecture}}.csv",
            architecture=SCALE.design.architectures,
        ),
        text_runs=files_of_practice("runs.csv"),
        text_answers=files_of_practice("answers.safetensors"),
        texts=[f"{RESULTS}/practice/texts.safetensors"],
        published=STUDY.published_files(),
    output:
        expand("results/{{study}}/tables/{table}.csv", table=TABLES),
        runs="results/{study}/runs.csv",
        summary="results/{study}/summary.csv",
    params:
        settings=SETTINGS,
        code=code_of("tabulate_saturation"),
    script:
        "scripts/tabulate_saturation.py"


rule plot_saturation:
    input:
        rules.tabulate_saturation.output,
    output:
        expand(
            "results/{{study}}/figures/{figure}.{format}",
            figure=FIGURES,
            format=["pdf", "svg", "csv"],
        ),
        *[
            report(
                f"results/{{study}}/figures/{figure}.png",
                caption=str(ROOT / "report" / "figure.rst"),
                category="Figures",
                labels={"figure": figure},
            )
            for figure in FIGURES
        ],
    params:
        code=code_of("plot_saturation"),
    script:
        "scripts/plot_saturation.py"


rule write_saturation_page:
    input:
        rules.plot_saturation.output,
        tables=rules.tabulate_saturation.output,
    output:
        report(
            "results/{study}/report.html",
            caption=str(ROOT / "report" / "page.rst"),
            category="Page",
        ),
    params:
        settings=SETTINGS,
        code=code_of("write_saturation_page"),
    script:
        "scripts/write_saturation_page.py"
