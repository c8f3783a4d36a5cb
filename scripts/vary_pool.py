"""Measure the agreement with tasks with fewer models and fewer targets."""

import pandas as pd

from suffice.analyses.ablations import pool_curves
from suffice.analyses.pool_curves import Summary
from suffice.ranking.looks import ranked_pairs
from suffice.storage.files import read_table, write_table
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    pairs = ranked_pairs(files.pairs)
    results = pd.concat(map(read_table, files.tasks), ignore_index=True)
    write_table(pool_curves(pairs, results, Summary(**params.summary), seed=params.seed), snakemake.output[0])
