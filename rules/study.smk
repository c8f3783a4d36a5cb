"""The study that is to be run: where it is and of which kind."""

import re
import sys
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
    refuse_spaces,
    stop_with_message,
    study_folder,
)

ROOT = Path(workflow.basedir)
ENVIRONMENT = str(ROOT / "envs" / "suffice.yaml")
let_jobs_import_library(ROOT)

try:
    refuse_spaces(ROOT, Path(sys.executable))
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
    """A pattern that matches exactly the given names; one that matches nothing if there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


def code_of(script, *chosen):
    """Version of the library's code by which a script makes its results."""
    return code_of_script(KIND.scripts(ROOT) / f"{script}.py", *chosen)


def growing(amount):
    """A resource of which a job that failed gets more at its next attempt."""

    def of_attempt(wildcards, attempt):
        return amount * attempt

    return of_attempt


def n_gpus(uses_device):
    """How many GPUs a job needs: one if it computes with torch, and the study is on GPUs."""
    return int(uses_device and STUDY.settings.device == "cuda")


onstart:
    begin_run(Path(RESULTS), FOLDER, overrides_in(config))
