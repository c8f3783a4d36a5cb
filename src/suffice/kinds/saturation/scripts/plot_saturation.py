"""Draw the figures of a study of equal test loss."""

from pathlib import Path

from suffice.kinds.saturation.figures import draw_saturation_figures
from suffice.workflow import running_job

with running_job(snakemake):
    draw_saturation_figures(Path(snakemake.input[0]).parent, Path(snakemake.output[0]).parent)
