"""Embed the halves of a corpus's texts with one model."""

from suffice.data.corpus import Corpus
from suffice.embed.halves import embed_halves
from suffice.embed.registry import build_loader
from suffice.workflow import recording_failure, running_job

with running_job(snakemake):
    params, files, names = snakemake.params, snakemake.input, snakemake.wildcards
    with recording_failure(params.failure, names.model, names.dataset):
        loader = build_loader(params.kind, params.settings, params.seed, params.device)
        corpus, halves = Corpus(files.corpus), Corpus(files.halves)
        bases = files.base_halves
        embed_halves(loader, corpus, halves, snakemake.output[0], model=names.model, base_halves=bases)
