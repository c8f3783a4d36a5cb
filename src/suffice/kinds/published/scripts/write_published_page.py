"""Write the page of the recomputed numbers."""

from pathlib import Path

from suffice.kinds.published.page import page_of_published
from suffice.kinds.published.study import PublishedSettings
from suffice.workflow import running_job

with running_job(snakemake):
    page_of_published(PublishedSettings(**snakemake.params.settings), Path(snakemake.output[0]))
