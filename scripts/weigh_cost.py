"""Weigh the scores of one ranking against what the models cost."""

from suffice.analyses.cost import pareto_table
from suffice.embed.cards import cards_table
from suffice.storage.files import read_json, read_table, write_table
from suffice.workflow import running_job

with running_job(snakemake):
    cards = cards_table([read_json(path) for path in snakemake.input.cards])
    write_table(pareto_table(read_table(snakemake.input.ranking), cards), snakemake.output[0])
