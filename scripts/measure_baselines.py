"""Measure the baselines: values by which a user could rank models without any estimate."""

from suffice.baselines.stored import baselines_of_models, with_public_average
from suffice.data.looks import read_looks
from suffice.storage.files import read_table, write_table
from suffice.storage.store import ResultStore
from suffice.workflow import running_job

with running_job(snakemake):
    params, files, store = snakemake.params, snakemake.input, ResultStore(snakemake.params.store)
    looks = (read_looks(files.looks[0]) if files.looks else None, files.vectors_of_looks)
    table = baselines_of_models(params.models, files.vectors, store, params.seed, *looks)
    public = read_table(files.public[0]) if files.public else None
    write_table(with_public_average(table, public), snakemake.output[0])
