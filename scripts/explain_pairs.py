"""Say what the source of some pairs of one data set does not give of the target."""

from suffice.analyses.explain import choose_pair, explain_pairs
from suffice.data.corpus import CONTENT, Corpus
from suffice.ranking.looks import one_look_pairs
from suffice.storage.files import read_table, write_table
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    pairs = params.pairs
    if pairs == "auto":
        pairs = [choose_pair(read_table(files.ranking), one_look_pairs(files.pairs))]
    corpus = Corpus(files.corpus)
    vectors = dict(zip(params.models, files.vectors, strict=True))
    texts, groups = corpus.column(CONTENT), corpus.together
    directions, items = explain_pairs(pairs, vectors, texts, groups, **params.settings, seed=params.seed)
    write_table(directions, snakemake.output.directions)
    write_table(items, snakemake.output.lost_items)
