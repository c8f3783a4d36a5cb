"""Fine-tune twins of one network that compute the same function."""

from pathlib import Path

from suffice.kinds.saturation.fine_tuning import FineTuningSettings
from suffice.kinds.saturation.languages import get_language
from suffice.kinds.saturation.settings import TUNED_LANGUAGE
from suffice.kinds.saturation.tuned_twins import write_tuned_twins
from suffice.workflow import running_job

with running_job(snakemake):
    params, folder = snakemake.params, Path(snakemake.output.twins).parent
    letters = get_language(TUNED_LANGUAGE).letters
    model = Path(snakemake.input[0])
    write_tuned_twins(model, FineTuningSettings(**params.settings), letters, params.seed, folder)
