"""Read public scores: results of the study's models on public tasks, and which are missing."""

from pathlib import Path

from suffice.storage.files import write_table
from suffice.tasks.public_scores import read_public_scores, task_table_of_scores
from suffice.workflow import running_job

with running_job(snakemake):
    public = snakemake.params.public
    places = {key: Path(public[key]) if public[key] else None for key in ("tree", "table")}
    found = read_public_scores(public["models"], public["tasks"], revisions=public["revisions"], **places)
    write_table(task_table_of_scores(found.scores), snakemake.output.tasks)
    write_table(found.gaps, snakemake.output.gaps)
