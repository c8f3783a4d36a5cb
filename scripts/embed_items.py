"""Embed a corpus with one model, and looks at its items if looks are embedded."""

from suffice.data.corpus import Corpus
from suffice.embed.looks import looks_to_embed
from suffice.embed.registry import build_loader
from suffice.embed.write import write_embedding
from suffice.workflow import recording_failure, running_job

with running_job(snakemake):
    params, files, names = snakemake.params, snakemake.input, snakemake.wildcards
    with recording_failure(params.failure, names.model, names.dataset):
        loader = build_loader(params.kind, params.settings, params.seed, params.device)
        corpus, made = Corpus(files.corpus), snakemake.output
        beside = files.looks, corpus, made.get("looks"), files.looks_of_bases, files.shards_of_looks
        about = {"model": names.model, "dataset": names.dataset, "shards": files.shards}
        write_embedding(loader, corpus, made.vectors, looks=looks_to_embed(*beside), **about)
