"""Build the corpus of a data set."""

from suffice.data.build import DatasetSettings, build_corpus
from suffice.workflow import start_job

start_job(snakemake)
params = snakemake.params
build_corpus(DatasetSettings(**params.settings), params.seed, snakemake.output.table)
