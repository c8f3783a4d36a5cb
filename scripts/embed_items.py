"""Embed a corpus with one model, and looks at its items if looks are embedded."""

from pathlib import Path

from suffice.data.corpus import Corpus
from suffice.embed.looks import looks_to_embed
from suffice.embed.one_pass import OnePass, Row, rows_beside
from suffice.embed.registry import build_loader
from suffice.embed.write import write_embedding
from suffice.workflow import recording_failure, running_job

with running_job(snakemake):
    params, files, names = snakemake.params, snakemake.input, snakemake.wildcards
    shared = params.one_pass
    with recording_failure(params.failure, names.model, names.dataset):
        loader = build_loader(params.kind, params.settings, params.seed, params.device)
        corpus, made = Corpus(files.corpus), snakemake.output
        beside = files.looks, corpus, made.get("looks"), files.looks_of_bases, files.shards_of_looks
        about, looks = {"model": names.model, "dataset": names.dataset}, looks_to_embed(*beside)
        if files.shards:
            write_embedding(loader, corpus, made.vectors, shards=files.shards, looks=looks, **about)
        else:
            others = rows_beside(shared["others"], build_loader, params.device, Path(shared["cards"]))
            rows = [Row(names.model, loader, params.code), *others]
            together = OnePass(rows, shared["key"], corpus, shared["store"], looks)
            with together.blocks() as (shards, looks):
                write_embedding(loader, corpus, made.vectors, shards=shards, looks=looks, **about)
