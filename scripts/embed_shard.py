"""Embed a block of a corpus's rows with one model."""

from suffice.data.corpus import Corpus
from suffice.embed.registry import build_loader
from suffice.embed.write import write_shard
from suffice.workflow import recording_failure, running_job

with running_job(snakemake):
    params, names = snakemake.params, snakemake.wildcards
    with recording_failure(params.failure, names.model, names.dataset):
        loader = build_loader(params.kind, params.settings, params.seed, params.device)
        block = {"shard": int(names.shard), "n_shards": int(names.n_shards)}
        corpus = Corpus(snakemake.input.corpus)
        write_shard(loader, corpus, snakemake.output.vectors, model=names.model, **block)
