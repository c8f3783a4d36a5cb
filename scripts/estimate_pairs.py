"""Estimate how well all models predict some target models, with one look at the items and with two."""

import logging
from collections.abc import Sequence
from functools import partial

import pandas as pd

from suffice.data.corpus import Corpus
from suffice.data.looks import read_looks
from suffice.estimators import get_estimator
from suffice.estimators.stored import folder_beside, stored_pairs
from suffice.estimators.views import prepare_views, stored_models, views_of
from suffice.storage.files import write_table
from suffice.storage.store import ResultStore
from suffice.workflow import ModelsInOneJob, running_job


def prepare_one(name: str) -> None:
    """Do the estimator's work on one model that all its pairs share."""
    prepare_views(estimator, models[name], views)


def prepare(needed: Sequence[str]) -> set[str]:
    """Prepare some models; returns the names of all that failed."""
    left = [name for name in needed if name not in alone.failed]
    estimator.over_models(partial(alone.work, prepare_one), left)
    return alone.failed


with running_job(snakemake):
    params, files, names = snakemake.params, snakemake.input, snakemake.wildcards
    looks = read_looks(files.looks[0]) if files.looks else None
    kind = get_estimator(params.estimator["kind"])
    estimator = kind(seed=params.seed, device=params.device, **params.estimator["settings"])
    views = views_of(estimator, Corpus(files.corpus).together, looks)
    store = ResultStore(params.store)
    with folder_beside(store) as folder:
        earlier = files.get("prepared")
        prepared = earlier or [folder / f"{number}.npz" for number in range(len(params.models))]
        models = stored_models(params.models, files.vectors, prepared, files.vectors_of_looks)
        alone = ModelsInOneJob(
            {} if earlier else dict(zip(models, params.failures, strict=True)), names.dataset
        )
        prepare_all = None if earlier else prepare
        made = [stored_pairs(estimator, models, params.targets, view, store, prepare_all) for view in views]
        alone.check()
    pairs = pd.concat([table for table, _ in made], ignore_index=True)
    n_made = sum(n for _, n in made)
    logging.getLogger("suffice").info(
        "%d pairs estimated, %d found in the store", n_made, len(pairs) - n_made
    )
    for target, path in zip(params.targets, snakemake.output, strict=True):
        of_target = pairs[pairs["target"] == target].reset_index(drop=True)
        write_table(of_target.assign(estimator=names.estimator), path)
