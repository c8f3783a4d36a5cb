"""Draw all figures of one ranking."""

from pathlib import Path

from suffice.analyses.base import Ranked
from suffice.analyses.registry import get_figure
from suffice.plots.style import save_figure
from suffice.workflow import files_by_name, running_job

with running_job(snakemake):
    places, params = snakemake.wildcards, snakemake.params
    ranked = Ranked(places.dataset, places.estimator, files_by_name(snakemake.input), params.settings)
    for name in params.figures:
        save_figure(get_figure(name).draw(ranked), Path(snakemake.output[0]).with_name(name))
