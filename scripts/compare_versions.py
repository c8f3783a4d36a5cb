"""Compare tuned versions of models with their bases."""

import pandas as pd

from suffice.analyses.ablations import version_table
from suffice.analyses.pool_curves import Summary
from suffice.ranking.looks import ranked_pairs
from suffice.storage.files import read_table, write_table
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    pairs = ranked_pairs(files.pairs)
    results = pd.concat(map(read_table, files.tasks), ignore_index=True) if files.tasks else None
    table = version_table(pairs, params.versions, results, Summary(**params.summary), seed=params.seed)
    write_table(table, snakemake.output[0])
