"""Measure what a user would rank models by without any estimate."""

from suffice.comparison.stored import baselines_of_models
from suffice.files import write_table
from suffice.store import ResultStore
from suffice.workflow import start_job

start_job(snakemake)
params, store = snakemake.params, ResultStore(snakemake.params.store)
halves = dict(zip(params.halved, snakemake.input.halves, strict=True)) if params.self_retrieval else None
table = baselines_of_models(params.models, snakemake.input.vectors, store, params.seed, halves)
write_table(table, snakemake.output[0])
