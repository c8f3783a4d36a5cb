"""Write the page of the recomputed numbers."""

from pathlib import Path

from suffice.published.study import PublishedSettings
from suffice.report.published import page_of_published
from suffice.workflow import running_job

with running_job(snakemake):
    page_of_published(PublishedSettings(**snakemake.params.settings), Path(snakemake.output[0]))
