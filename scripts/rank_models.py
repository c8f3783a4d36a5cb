"""Rank the models of one data set from their pairs with the targets."""

import pandas as pd

from suffice.files import open_array, read_json, read_table, write_table
from suffice.ranking.relatives import near_copies
from suffice.ranking.sample_size import ranking_by_items
from suffice.ranking.scores import rank_pairs, with_health_warnings
from suffice.ranking.settings import RankingSettings
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    pairs = pd.concat(map(read_table, files.pairs), ignore_index=True)
    settings = RankingSettings(**params.settings)
    vectors = dict(zip(params.families, map(open_array, files.vectors), strict=True))
    copies = near_copies(vectors, params.seed)
    ranking = rank_pairs(pairs, settings, params.seed, params.families, copies)
    health = {card["model"]: card["health"]["warnings"] for card in map(read_json, files.cards)}
    write_table(with_health_warnings(ranking, health), snakemake.output.ranking)
    by_items = ranking_by_items(pairs, settings, params.seed, params.families, copies)
    write_table(by_items, snakemake.output.by_items)
