"""Draw one figure of a study of equal test loss."""

from pathlib import Path

from suffice.kinds.saturation.figures import draw_saturation_figure
from suffice.plots.style import save_figure
from suffice.workflow import running_job

with running_job(snakemake):
    drawn = draw_saturation_figure(snakemake.wildcards.figure, Path(snakemake.input[0]).parent)
    save_figure(drawn, Path(snakemake.output.png).with_suffix(""))
