"""Correlate the scores of each estimator and each baseline with the results of the tasks."""

import pandas as pd

from suffice.analyses.correlation import correlation_table, paired_difference
from suffice.baselines.stored import predictor_table
from suffice.storage.files import read_table, write_table
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    rankings = dict(zip(params.rankings, map(read_table, files.rankings), strict=True))
    scores = predictor_table(rankings, read_table(files.baselines))
    results = pd.concat(map(read_table, files.tasks), ignore_index=True)
    settings = {"n_resamples": params.n_resamples, "seed": params.seed}
    write_table(correlation_table(scores, results, **settings), snakemake.output.correlation)
    write_table(paired_difference(scores, results, **settings), snakemake.output.differences)
