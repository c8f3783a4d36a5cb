"""Cut texts of a corpus in two halves."""

from suffice.data.corpus import Corpus
from suffice.data.halves import build_halves
from suffice.workflow import running_job

with running_job(snakemake):
    build_halves(Corpus(snakemake.input.corpus), snakemake.params.seed, snakemake.output.table)
