"""Rank the models of one data set from all their pairs."""

import pandas as pd

from suffice.files import read_table, write_table
from suffice.ranking import RankingSettings, rank_pairs
from suffice.workflow import start_job

start_job(snakemake)
params = snakemake.params
pairs = pd.concat(map(read_table, snakemake.input), ignore_index=True)
write_table(rank_pairs(pairs, RankingSettings(**params.settings), params.seed), snakemake.output[0])
