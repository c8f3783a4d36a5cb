"""Make a folder of files, such as the checkpoints of agents that are trained here."""

from pathlib import Path

from suffice.data.made.registry import FOLDERS
from suffice.workflow import running_job

with running_job(snakemake):
    FOLDERS[snakemake.wildcards.folder].write(Path(snakemake.output[0]))
