"""Rank the models of one data set from their pairs with all targets."""

import pandas as pd

from suffice.files import read_json, read_table, write_table
from suffice.ranking.sample_size import ranking_by_items
from suffice.ranking.scores import rank_pairs, with_health_warnings
from suffice.ranking.settings import RankingSettings
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    pairs = pd.concat(map(read_table, files.pairs), ignore_index=True)
    settings = RankingSettings(**params.settings)
    ranking = rank_pairs(pairs, settings, params.seed)
    health = {card["model"]: card["health"]["warnings"] for card in map(read_json, files.cards)}
    write_table(with_health_warnings(ranking, health), snakemake.output.ranking)
    write_table(ranking_by_items(pairs, settings, params.seed), snakemake.output.by_items)
