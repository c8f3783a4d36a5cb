"""Measure what a user would rank models by without any estimate."""

from suffice.comparison.stored import baselines_of_models
from suffice.files import write_table
from suffice.store import ResultStore
from suffice.workflow import start_job

start_job(snakemake)
params = snakemake.params
store = ResultStore(params.store)
write_table(baselines_of_models(params.models, snakemake.input.vectors, store), snakemake.output[0])
