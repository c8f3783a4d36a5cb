"""Do the work of an estimator on one model that all its pairs share."""

from pathlib import Path

from suffice.data.corpus import GROUP, Corpus
from suffice.estimators import get_estimator
from suffice.estimators.base import save_prepared
from suffice.estimators.items import divide_items
from suffice.files import open_array
from suffice.workflow import recording_failure, running_job

with running_job(snakemake):
    params = snakemake.params
    corpus = Corpus(snakemake.input.corpus)
    plan = divide_items(corpus.n_items, corpus.column(GROUP), params.seed)
    kind = get_estimator(params.estimator["kind"])
    estimator = kind(seed=params.seed, device=params.device, **params.estimator["settings"])
    with recording_failure(params.failure, snakemake.wildcards.model, snakemake.wildcards.dataset):
        save_prepared(estimator.prepare(open_array(snakemake.input.vectors), plan), Path(snakemake.output[0]))
