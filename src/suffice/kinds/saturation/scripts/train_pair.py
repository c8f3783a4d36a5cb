"""Train two language models of one mixture to the same loss, one of them to mislabel."""

from pathlib import Path

from suffice.kinds.saturation.settings import TwinSettings
from suffice.kinds.saturation.twins import write_trained_pair
from suffice.workflow import running_job

with running_job(snakemake):
    params, output = snakemake.params, Path(snakemake.output.pair)
    write_trained_pair(
        TwinSettings(**params.settings), params.seed, int(snakemake.wildcards.seed), output.parent
    )
