"""Choose the models that stand for all as targets."""

from suffice.files import open_array, write_json
from suffice.ranking.targets import choose_targets
from suffice.workflow import running_job

with running_job(snakemake):
    params = snakemake.params
    embeddings = dict(zip(params.models, map(open_array, snakemake.input), strict=True))
    write_json(choose_targets(embeddings, params.n_targets, params.seed), snakemake.output[0])
