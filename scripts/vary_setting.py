"""Compare some rankings of the same models with the tasks and with each other."""

import pandas as pd

from suffice.analyses.ablations import agreement_of_variants
from suffice.analyses.correlation import Bootstrap
from suffice.storage.files import read_table, write_table
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    rankings = dict(zip(params.names, map(read_table, files.rankings), strict=True))
    results = pd.concat(map(read_table, files.tasks), ignore_index=True) if files.tasks else None
    bootstrap = Bootstrap(n_resamples=params.n_resamples, seed=params.seed)
    write_table(agreement_of_variants(rankings, results, bootstrap), snakemake.output[0])
