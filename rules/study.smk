"""The study to run: its folder and its kind."""

import re
from pathlib import Path

from suffice.errors import SufficeError
from suffice.kinds.registry import kind_of_study
from suffice.storage.provenance import code_of_script
from suffice.workflow import (
    begin_run,
    complete_rules,
    let_content_decide,
    let_jobs_import_library,
    overrides_in,
    quote_interpreter,
    stop_with_message,
    study_folder,
)

ROOT = Path(workflow.basedir)
let_jobs_import_library(ROOT)
quote_interpreter()

try:
    FOLDER = study_folder(config, ROOT)
    KIND = kind_of_study(FOLDER, overrides_in(config))
except SufficeError as error:
    stop_with_message(error)


def opened_study():
    """The study as its kind reads it; an error ends Snakemake with its message."""
    try:
        return KIND.load(FOLDER, overrides_in(config))
    except SufficeError as error:
        stop_with_message(error)


def any_of(names):
    """A pattern that matches exactly the given names; without names it matches nothing."""
    return "|".join(map(re.escape, names)) or "(?!)"


def code_of(script, *chosen):
    """Version of the library's code that a script uses."""
    return code_of_script(KIND.scripts(ROOT) / f"{script}.py", *chosen)


def growing(amount):
    """A resource that grows with each attempt of a failed job."""

    def of_attempt(wildcards, attempt):
        return amount * attempt

    return of_attempt


def n_gpus(uses_device):
    """The number of GPUs of a job: one if it computes with torch and the study uses GPUs."""
    return int(uses_device and STUDY.settings.device == "cuda")


onstart:
    begin_run(Path(RESULTS), FOLDER, overrides_in(config))
