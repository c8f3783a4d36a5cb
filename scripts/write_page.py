"""Write the page that answers the study's question."""

from pathlib import Path

from suffice.kinds.embeddings.study import page_of_study
from suffice.workflow import running_job

with running_job(snakemake):
    params = snakemake.params
    page_of_study(Path(params.folder), params.overrides, params.missing, Path(snakemake.output[0]))
