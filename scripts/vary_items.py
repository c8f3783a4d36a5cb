"""Rank the models on fewer items, or on fewer pairs of looks, with new fits of every density."""

import pandas as pd

from suffice.analyses.ablations import agreement_by_items, looks_of_models, ranker_of_items
from suffice.data.corpus import Corpus
from suffice.data.looks import read_looks
from suffice.storage.files import open_array, read_table, write_table
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    first, second = dict(zip(params.models, map(open_array, files.vectors), strict=True)), None
    groups = Corpus(files.corpus).together
    looks = read_looks(files.looks[0]) if files.looks else None
    if looks is not None and looks.n_pairs:
        first, second = looks_of_models(first, list(map(open_array, files.vectors_of_looks)), looks)
        groups = looks.group
    results = pd.concat(map(read_table, files.tasks), ignore_index=True) if files.tasks else None
    rank_items = ranker_of_items(first, groups, second, **params.how)
    table = agreement_by_items(rank_items, len(groups), results, seed=params.how["seed"])
    write_table(table, snakemake.output[0])
