"""Write the page of a study of equal test loss."""

from pathlib import Path

from suffice.kinds.saturation.page import page_of_saturation
from suffice.kinds.saturation.settings import SaturationSettings
from suffice.workflow import running_job

with running_job(snakemake):
    page_of_saturation(SaturationSettings(**snakemake.params.settings), Path(snakemake.output[0]))
