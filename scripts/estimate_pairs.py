"""Estimate how well every source model predicts one target model, with one look at the items and with two."""

import logging

import pandas as pd

from suffice.data.corpus import Corpus
from suffice.data.looks import read_looks
from suffice.estimators import get_estimator
from suffice.estimators.stored import pairs_of_target
from suffice.estimators.views import stored_models, views_of
from suffice.storage.files import write_table
from suffice.storage.store import ResultStore
from suffice.workflow import running_job

with running_job(snakemake):
    params, files, names = snakemake.params, snakemake.input, snakemake.wildcards
    looks = read_looks(files.looks[0]) if files.looks else None
    kind = get_estimator(params.estimator["kind"])
    estimator = kind(seed=params.seed, device=params.device, **params.estimator["settings"])
    views = views_of(estimator, Corpus(files.corpus).together, looks)
    models = stored_models(params.models, files.vectors, files.prepared, files.vectors_of_looks)
    store = ResultStore(params.store)
    made = [pairs_of_target(estimator, models, names.target, view, store) for view in views]
    pairs = pd.concat([table for table, _ in made], ignore_index=True)
    n_made = sum(n for _, n in made)
    logging.getLogger("suffice").info(
        "%d pairs estimated, %d found in the store", n_made, len(pairs) - n_made
    )
    write_table(pairs.assign(estimator=names.estimator), snakemake.output[0])
