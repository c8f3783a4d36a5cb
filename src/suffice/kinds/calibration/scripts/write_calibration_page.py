"""Write the page of a calibration study."""

from pathlib import Path

from suffice.kinds.calibration.page import page_of_calibration
from suffice.workflow import running_job

with running_job(snakemake):
    page_of_calibration(Path(snakemake.params.folder), snakemake.params.overrides, Path(snakemake.output[0]))
