"""Do an estimator's work on one model that all pairs of the model share."""

from pathlib import Path

from suffice.data.corpus import Corpus
from suffice.data.looks import read_looks
from suffice.estimators import get_estimator
from suffice.estimators.views import StoredModel, prepare_views, views_of
from suffice.workflow import recording_failure, running_job

with running_job(snakemake):
    params, files, names = snakemake.params, snakemake.input, snakemake.wildcards
    looks = read_looks(files.looks[0]) if files.looks else None
    kind = get_estimator(params.estimator["kind"])
    estimator = kind(seed=params.seed, device=params.device, **params.estimator["settings"])
    views = views_of(estimator, Corpus(files.corpus).together, looks)
    of_looks = Path(files.vectors_of_looks[0]) if files.vectors_of_looks else None
    with recording_failure(params.failure, names.model, names.dataset):
        model = StoredModel(Path(files.vectors), Path(snakemake.output[0]), of_looks)
        prepare_views(estimator, model, views)
