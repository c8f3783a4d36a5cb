"""Write the tables and the verdict of the study from the results of all networks."""

from pathlib import Path

from suffice.kinds.saturation.settings import SaturationSettings
from suffice.kinds.saturation.tables import write_tables
from suffice.workflow import running_job

with running_job(snakemake):
    settings = SaturationSettings(**snakemake.params.settings)
    files = {name: list(snakemake.input[name]) for name in snakemake.input.keys()}
    write_tables(files, settings, Path(snakemake.output.summary).parent)
