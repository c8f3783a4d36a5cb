"""Estimate how much every source model tells of one target model."""

import logging
from pathlib import Path

from suffice.data.corpus import GROUP, Corpus
from suffice.estimators import get_estimator
from suffice.estimators.items import divide_items
from suffice.estimators.stored import StoredModel, pairs_of_target
from suffice.files import write_table
from suffice.store import ResultStore
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    corpus = Corpus(files.corpus)
    plan = divide_items(corpus.n_items, corpus.column(GROUP), params.seed)
    kind = get_estimator(params.estimator["kind"])
    estimator = kind(seed=params.seed, device=params.device, **params.estimator["settings"])
    stored = map(StoredModel, map(Path, files.vectors), map(Path, files.prepared))
    models = dict(zip(params.models, stored, strict=True))
    target = snakemake.wildcards.target
    pairs, n_made = pairs_of_target(estimator, models, target, plan, ResultStore(params.store))
    logging.getLogger("suffice").info(
        "%d pairs estimated, %d found in the store", n_made, len(pairs) - n_made
    )
    write_table(pairs, snakemake.output[0])
