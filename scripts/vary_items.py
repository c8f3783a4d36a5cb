"""Rank the models on fewer items, every density fitted anew."""

import pandas as pd

from suffice.comparison.variation import agreement_by_items, ranker_of_items
from suffice.data.corpus import GROUP, Corpus
from suffice.files import open_array, read_table, write_table
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    arrays = dict(zip(params.models, map(open_array, files.vectors), strict=True))
    groups = Corpus(files.corpus).column(GROUP)
    results = pd.concat(map(read_table, files.tasks), ignore_index=True) if files.tasks else None
    rank_items = ranker_of_items(arrays, groups, **params.how)
    table = agreement_by_items(rank_items, len(groups), results, seed=params.how["seed"])
    write_table(table, snakemake.output[0])
