"""Train language models of real text to one loss, and ask them all the same."""

from pathlib import Path

from suffice.kinds.saturation.real_texts import open_texts
from suffice.kinds.saturation.text_models import TextModelSettings, write_text_models
from suffice.workflow import running_job

with running_job(snakemake):
    params, folder = snakemake.params, Path(snakemake.output.runs).parent
    texts = open_texts(snakemake.input[0])
    write_text_models(
        snakemake.wildcards.architecture, texts, TextModelSettings(**params.settings), params.seed, folder
    )
