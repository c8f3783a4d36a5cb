"""Make tiny stand-ins for checkpoints from the hub."""

from pathlib import Path

from suffice.data.standin import standin_texts
from suffice.embed.standin import write_standin
from suffice.workflow import running_job

with running_job(snakemake):
    params = snakemake.params
    texts = standin_texts(params.seed)
    for folder, (architecture, loader, seed) in zip(snakemake.output, params.models, strict=True):
        write_standin(Path(folder), architecture, loader, texts, seed)
