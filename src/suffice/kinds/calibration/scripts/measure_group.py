"""Measure one estimator on one group of channels or chains of known truth."""

import logging

from suffice.kinds.calibration.measure import measure_group
from suffice.storage.files import write_table
from suffice.storage.store import ResultStore
from suffice.study.estimators import EstimatorChoice
from suffice.workflow import running_job

with running_job(snakemake):
    params = snakemake.params
    choice, store = EstimatorChoice(**params.choice), ResultStore(params.store)
    rows, n_made = measure_group(
        snakemake.wildcards.part, params.settings, choice, params.seed, params.device, store
    )
    logging.getLogger("suffice").info("%d of %d settings measured now", n_made, len(params.settings))
    write_table(rows, snakemake.output[0])
