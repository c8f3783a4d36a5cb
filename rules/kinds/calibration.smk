"""Calibration: estimators on channels of known truth -> tables -> figures and page."""

import re

from suffice.calibration.study import PARTS
from suffice.workflow import (
    calibration_memory_mb,
    code_digest,
    open_calibration,
    stable,
)

try:
    STUDY = open_calibration(config, ROOT)
except SufficeError as error:
    stop_with_message(error)

RESULTS = f"results/{STUDY.name}"


def any_of(names):
    """A pattern that matches exactly the given names."""
    return "|".join(map(re.escape, names))


wildcard_constraints:
    study=re.escape(STUDY.name),
    part=any_of(PARTS),
    estimator=any_of(STUDY.estimators),
    figure=any_of(STUDY.figures),


def measured_files(part):
    """The rows of one part, by group and estimator."""
    folder = f"{RESULTS}/measured/{part}"
    return [f"{folder}/{group}/{name}.parquet" for group, name in STUDY.jobs(part)]


def settings_to_measure(wildcards):
    """Names, sizes and draws of one job."""
    return stable(STUDY.measured(wildcards.part, wildcards.group, wildcards.estimator))


def estimator_choice(wildcards):
    """Name, kind and settings of an estimator."""
    return stable(vars(STUDY.estimators[wildcards.estimator]))


def code_of_measure(wildcards):
    """Digest of the code that makes a job's rows."""
    from suffice.estimators.registry import get_estimator

    estimator = get_estimator(STUDY.estimators[wildcards.estimator].kind)
    return code_digest("suffice.calibration.measure", estimator.__module__)


def memory_of_measure(wildcards):
    """Megabytes that the largest setting of a job needs."""
    return calibration_memory_mb(settings_to_measure(wildcards))


def code_of_figure(wildcards):
    """Digest of the code that draws a figure."""
    return code_digest("suffice.plots.calibration", f"suffice.plots.{wildcards.figure}")


def final_files():
    """What a study ends with."""
    return [f"{RESULTS}/report.html"]


rule measure_group:
    output:
        "results/{study}/measured/{part}/{group}/{estimator}.parquet",
    log:
        "logs/{study}/measure_group/{part}/{group}/{estimator}.log",
    benchmark:
        "results/{study}/benchmarks/measure_group/{part}/{group}/{estimator}.tsv"
    conda:
        "../../envs/suffice.yaml"
    resources:
        mem_mb=memory_of_measure,
        runtime=480,
    params:
        settings=settings_to_measure,
        choice=estimator_choice,
        seed=STUDY.settings.seed,
        device=STUDY.settings.device,
        store=f"{RESULTS}/store/measured",
        code=code_of_measure,
    script:
        "../../scripts/measure_group.py"


rule tabulate_calibration:
    input:
        channels=measured_files("channels"),
        chains=measured_files("chains"),
        invariance=measured_files("invariance"),
    output:
        expand(
            "results/{{study}}/tables/{table}.{suffix}",
            table=["accuracy", "order", "invariance"],
            suffix=["csv", "parquet"],
        ),
        summary="results/{study}/summary.csv",
    log:
        "logs/{study}/tabulate_calibration.log",
    conda:
        "../../envs/suffice.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_digest("suffice.calibration.tables"),
    script:
        "../../scripts/tabulate_calibration.py"


rule plot_calibration:
    input:
        "results/{study}/tables/accuracy.parquet",
    output:
        pdf="results/{study}/figures/{figure}.pdf",
        png=report(
            "results/{study}/figures/{figure}.png",
            caption="../../report/calibration_figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        points="results/{study}/figures/{figure}.csv",
    log:
        "logs/{study}/plot_calibration/{figure}.log",
    conda:
        "../../envs/suffice.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of_figure,
    script:
        "../../scripts/plot_calibration.py"


rule write_calibration_page:
    input:
        expand(f"{RESULTS}/figures/{{figure}}.png", figure=STUDY.figures),
        tables=rules.tabulate_calibration.output,
    output:
        report(
            "results/{study}/report.html",
            caption="../../report/calibration_page.rst",
            category="Page",
        ),
    log:
        "logs/{study}/write_calibration_page.log",
    conda:
        "../../envs/suffice.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        folder=str(study_folder(config, ROOT)),
        overrides=overrides_in(config),
        configuration=stable(STUDY.settings.model_dump(mode="json")),
        code=code_digest("suffice.report.calibration"),
    script:
        "../../scripts/write_calibration_page.py"


report: "../../report/calibration.rst"
