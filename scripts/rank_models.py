"""Rank the models of one data set from all their pairs."""

import pandas as pd

from suffice.files import read_json, read_table, write_table
from suffice.ranking import RankingSettings, rank_pairs, with_health_warnings
from suffice.workflow import start_job

start_job(snakemake)
params, files = snakemake.params, snakemake.input
pairs = pd.concat(map(read_table, files.pairs), ignore_index=True)
ranking = rank_pairs(pairs, RankingSettings(**params.settings), params.seed)
health = {card["model"]: card["health"]["warnings"] for card in map(read_json, files.cards)}
write_table(with_health_warnings(ranking, health), snakemake.output[0])
