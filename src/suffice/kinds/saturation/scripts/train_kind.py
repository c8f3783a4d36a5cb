"""Train the networks of one kind of generalisation, and let them answer new prompts."""

from pathlib import Path

from suffice.kinds.saturation.generalising import KindJob, write_kind
from suffice.kinds.saturation.settings import NetworkSettings
from suffice.workflow import running_job

with running_job(snakemake):
    kind, params = snakemake.wildcards.kind, snakemake.params
    settings = NetworkSettings(**params.settings)
    jobs = [KindJob(kind, architecture, settings, params.seed) for architecture in params.architectures]
    write_kind(jobs, Path(snakemake.output.runs).parent)
