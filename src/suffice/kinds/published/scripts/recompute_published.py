"""Recompute published numbers and compare them with the printed ones."""

from pathlib import Path

from suffice.kinds.published.recompute import write_tables
from suffice.kinds.published.study import PublishedSettings
from suffice.workflow import running_job

with running_job(snakemake):
    params = snakemake.params
    settings = PublishedSettings(**params.settings)
    write_tables(
        Path(params.folder), settings, Path(snakemake.output[0]).parent, Path(snakemake.output.summary)
    )
