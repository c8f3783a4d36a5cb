"""Make the items of a data set from files of packages, or with a program."""

from pathlib import Path

from suffice.data.made.registry import maker_of
from suffice.workflow import running_job

with running_job(snakemake):
    params = snakemake.params
    needed = Path(snakemake.input[0]) if snakemake.input else None
    maker_of(params.maker).write(Path(snakemake.output[0]), params.seed, needed)
