"""Relate the agreement of one ranking with each task to what the tasks are like."""

import pandas as pd

from suffice.analyses.task_dependence import task_agreement, task_dependence
from suffice.ranking.table import ordering_values
from suffice.storage.files import read_table, write_table
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    scores = ordering_values(read_table(files.ranking))
    results = pd.concat(map(read_table, files.tasks), ignore_index=True)
    tasks = task_agreement(scores, results)
    write_table(tasks, snakemake.output.tasks)
    write_table(
        task_dependence(tasks, n_resamples=params.n_resamples, seed=params.seed), snakemake.output.traits
    )
