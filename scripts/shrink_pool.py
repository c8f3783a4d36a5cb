"""Rank the models of smaller pools from the pairs of all."""

from suffice.analyses.pool_sensitivity import pool_sensitivity
from suffice.ranking.arrays import counts_self_pairs
from suffice.ranking.looks import ranked_pairs
from suffice.ranking.table import tied_for_first
from suffice.storage.files import read_table, write_table
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    pairs = ranked_pairs(files.pairs)
    families = {row["model"]: row["family"] for row in params.models}
    first = tied_for_first(read_table(files.ranking))
    how, self_pairs = params.settings["aggregate"], params.settings["self_pairs"]
    table = pool_sensitivity(pairs, families, first, how, counts_self_pairs(pairs, self_pairs))
    write_table(table, snakemake.output[0])
