"""Train a small masked language model on a corpus and save its checkpoints."""

from suffice.data.corpus import Corpus
from suffice.embed.training.masked_language_model import (
    MaskedLanguageModelSettings,
    train_masked_language_model,
)
from suffice.workflow import running_job

with running_job(snakemake):
    params = snakemake.params
    settings = MaskedLanguageModelSettings(**params.settings)
    train_masked_language_model(
        Corpus(snakemake.input[0], params.seed),
        settings,
        snakemake.output[0],
        seed=params.seed,
        device=params.device,
    )
