"""Build the corpus of a data set."""

from pathlib import Path

from suffice.data.build import DatasetSettings, build_corpus
from suffice.data.made.registry import maker_of
from suffice.workflow import running_job

with running_job(snakemake):
    params = snakemake.params
    settings = DatasetSettings(**params.settings)
    maker = maker_of(settings.path)
    if maker is not None:
        made = {"path": str(Path(snakemake.input.files[0]).absolute()), "content": maker.content}
        settings = settings.model_copy(update=made)
    parts = dict(zip(settings.parts, snakemake.input.parts, strict=True))
    build_corpus(settings, params.seed, snakemake.output.table, parts)
