"""Draw how the agreement with tasks changes when one thing is varied."""

from pathlib import Path

from suffice.analyses.questions.ablations import draw_ablations
from suffice.plots.style import save_figure
from suffice.storage.files import read_table
from suffice.workflow import running_job

with running_job(snakemake):
    files = snakemake.input
    settings = dict(zip(snakemake.params.ablations, map(read_table, files.settings), strict=True))
    drawn = draw_ablations(read_table(files.pool), read_table(files.by_items), settings)
    save_figure(drawn, Path(snakemake.output.png).with_suffix(""))
