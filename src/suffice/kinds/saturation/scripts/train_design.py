"""Train the networks of one architecture in the designed experiment."""

from pathlib import Path

from suffice.kinds.saturation.designed import write_design
from suffice.kinds.saturation.settings import DesignSettings
from suffice.workflow import running_job

with running_job(snakemake):
    params, settings = snakemake.params, DesignSettings(**snakemake.params.settings)
    write_design(snakemake.wildcards.architecture, settings, params.seed, Path(snakemake.output[0]))
