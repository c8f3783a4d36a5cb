"""Embed a corpus with one model."""

from suffice.data.corpus import Corpus
from suffice.embed.registry import build_loader
from suffice.embed.write import write_embedding
from suffice.workflow import recording_failure, running_job

with running_job(snakemake):
    params, names = snakemake.params, snakemake.wildcards
    with recording_failure(params.failure, names.model, names.dataset):
        loader = build_loader(params.kind, params.settings, params.seed, params.device)
        corpus, shards = Corpus(snakemake.input.corpus), snakemake.input.shards
        made = {"model": names.model, "dataset": names.dataset, "shards": shards}
        write_embedding(loader, corpus, snakemake.output.vectors, **made)
