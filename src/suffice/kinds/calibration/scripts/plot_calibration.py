"""Draw one figure of a calibration study."""

from pathlib import Path

from suffice.kinds.calibration.figures import draw_figure
from suffice.plots.style import save_figure
from suffice.storage.files import read_table
from suffice.workflow import running_job

with running_job(snakemake):
    drawn = draw_figure(snakemake.wildcards.figure, read_table(snakemake.input[0]))
    save_figure(drawn, Path(snakemake.output.png).with_suffix(""))
