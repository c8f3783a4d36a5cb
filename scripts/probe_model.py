"""Measure how well one model's vectors serve every task."""

from suffice.data.corpus import Corpus
from suffice.storage.files import write_table
from suffice.storage.store import ResultStore
from suffice.tasks.stored import TaskData, probes_of_model
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    pairs = zip(files.corpora, files.vectors, strict=True)
    data = {
        name: TaskData(Corpus(path, params.seed), vectors)
        for name, (path, vectors) in zip(params.datasets, pairs, strict=True)
    }
    store = ResultStore(params.store)
    write_table(
        probes_of_model(params.tasks, data, snakemake.wildcards.model, params.seed, store),
        snakemake.output[0],
    )
