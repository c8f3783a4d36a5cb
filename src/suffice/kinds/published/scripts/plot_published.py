"""Draw all figures of the recomputed numbers."""

from pathlib import Path

from suffice.kinds.published.figures import draw_published
from suffice.plots.style import save_figure
from suffice.workflow import running_job

with running_job(snakemake):
    params, tables = snakemake.params, Path(snakemake.input.tables[0]).parent
    for name, drawn in draw_published(params.figures, Path(params.folder), tables, params.seed):
        save_figure(drawn, Path(snakemake.output[0]).with_name(name))
