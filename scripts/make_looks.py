"""Make pairs of looks at the items of a corpus."""

from suffice.data.corpus import Corpus
from suffice.data.look_pairs import build_looks
from suffice.workflow import running_job

with running_job(snakemake):
    params, corpus = snakemake.params, Corpus(snakemake.input.corpus)
    build_looks(corpus, params.kind, params.seed, snakemake.output.table, **params.how)
