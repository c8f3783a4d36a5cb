"""Calibration: estimators on channels of known truth -> tables -> figures and page."""

import re

from suffice.kinds.calibration.study import PARTS, memory_mb
from suffice.workflow import overrides_in, stable

STUDY = opened_study()

RESULTS = f"results/{STUDY.name}"


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
    """Version of the code that makes a job's rows."""
    from suffice.estimators.registry import get_estimator

    estimator = get_estimator(STUDY.estimators[wildcards.estimator].kind)
    return code_of("measure_group", estimator.__module__)


def gpus_of_estimator(wildcards):
    """The number of GPUs that an estimator needs."""
    from suffice.estimators.registry import get_estimator

    kind = STUDY.estimators[wildcards.estimator].kind
    return n_gpus(get_estimator(kind).uses_device)


def memory_of_measure(wildcards, attempt):
    """The memory of the largest setting of a job, in megabytes."""
    return attempt * memory_mb(settings_to_measure(wildcards))


def code_of_figure(wildcards):
    """Version of the code that draws a figure."""
    return code_of("plot_calibration", f"suffice.kinds.calibration.{wildcards.figure}")


def final_files():
    """The final files of a study."""
    return [f"{RESULTS}/report.html"]


include: "measure.smk"
include: "figures.smk"


report: "workflow.rst"
