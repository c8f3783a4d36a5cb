"""Embed a block of a corpus's rows with one model, and a block of looks if looks are embedded."""

from pathlib import Path

from suffice.data.corpus import Corpus
from suffice.embed.looks import looks_to_embed
from suffice.embed.one_pass import OnePass, Row, rows_beside
from suffice.embed.registry import build_loader
from suffice.embed.write import write_shard
from suffice.workflow import recording_failure, running_job

with running_job(snakemake):
    params, files, names = snakemake.params, snakemake.input, snakemake.wildcards
    shared = params.one_pass
    with recording_failure(params.failure, names.model, names.dataset):
        loader = build_loader(params.kind, params.settings, params.seed, params.device)
        corpus, made = Corpus(files.corpus), snakemake.output
        looks = looks_to_embed(files.looks, corpus, made.get("looks"))
        block = {"shard": int(names.shard), "n_shards": int(names.n_shards)}
        others = rows_beside(shared["others"], build_loader, params.device, Path(shared["cards"]))
        rows = [Row(names.model, loader, params.code), *others]
        together = OnePass(rows, shared["key"], corpus, shared["store"], looks, **block)
        if not together.move_block(Path(made.vectors)):
            write_shard(loader, corpus, made.vectors, model=names.model, looks=looks, **block)
