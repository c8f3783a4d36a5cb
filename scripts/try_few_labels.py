"""Try how a few labels update the ranking of one data set by one estimator."""

import pandas as pd

from suffice.analyses.label_trials import Effort, labelled_data, try_tasks
from suffice.ranking.table import ordering_values
from suffice.storage.files import read_table, write_table
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    data = labelled_data(params.datasets, files.corpora, params.models, files.vectors)
    score = ordering_values(read_table(files.ranking))
    results = pd.concat(map(read_table, files.tasks), ignore_index=True)
    effort = Effort(**params.effort, seed=params.seed)
    write_table(try_tasks(params.tasks, data, score, results, effort), snakemake.output[0])
