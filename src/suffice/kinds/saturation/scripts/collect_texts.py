"""Write the texts of installed packages as tokens, for language models of real text."""

from suffice.kinds.saturation.real_texts import TextSettings, read_texts, write_texts
from suffice.workflow import running_job

with running_job(snakemake):
    params = snakemake.params
    write_texts(read_texts(TextSettings(**params.settings), params.seed), snakemake.output[0])
