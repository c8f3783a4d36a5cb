"""Draw one figure of the recomputed numbers."""

from pathlib import Path

from suffice.plots.style import save_figure
from suffice.published.study import draw_published_figure
from suffice.workflow import start_job

start_job(snakemake)
params, tables = snakemake.params, Path(snakemake.input.tables[0]).parent
drawn = draw_published_figure(snakemake.wildcards.figure, Path(params.folder), tables, params.seed)
save_figure(drawn, Path(snakemake.output.png).with_suffix(""))
