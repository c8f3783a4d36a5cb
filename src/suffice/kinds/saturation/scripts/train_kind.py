"""Train the networks of one kind of generalisation and architecture, and let them answer new prompts."""

from pathlib import Path

from suffice.kinds.saturation.generalising import KindJob, write_kind
from suffice.kinds.saturation.settings import NetworkSettings
from suffice.workflow import running_job

with running_job(snakemake):
    names, params = snakemake.wildcards, snakemake.params
    job = KindJob(names.kind, names.architecture, NetworkSettings(**params.settings), params.seed)
    write_kind(job, Path(snakemake.output.runs), Path(snakemake.output.answers))
