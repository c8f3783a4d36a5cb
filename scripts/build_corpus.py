"""Build the corpus of a data set."""

from suffice.data.build import DatasetSettings, build_corpus
from suffice.workflow import running_job

with running_job(snakemake):
    params = snakemake.params
    settings = DatasetSettings(**params.settings)
    parts = dict(zip(settings.parts, snakemake.input.parts, strict=True))
    build_corpus(settings, params.seed, snakemake.output.table, parts)
