"""Compare the ways to choose a model of one data set by what each would have lost on the tasks."""

import pandas as pd

from suffice.analyses.decision import decision_table, with_parameters
from suffice.baselines.stored import predictor_table
from suffice.embed.cards import cards_table
from suffice.storage.files import read_json, read_table, write_table
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    rankings = dict(zip(params.rankings, map(read_table, files.rankings), strict=True))
    cards = cards_table([read_json(path) for path in files.cards])
    scores = with_parameters(predictor_table(rankings, read_table(files.baselines)), cards)
    results = pd.concat(map(read_table, files.tasks), ignore_index=True)
    table = decision_table(scores, results, n_resamples=params.n_resamples, seed=params.seed)
    write_table(table, snakemake.output[0])
