"""Draw all figures of one ranking."""

from pathlib import Path

from suffice.kinds.embeddings.figures import StudyTables, draw_figure
from suffice.plots.style import save_figure
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    ranked = files.ranking, files.by_items
    decision = files.pareto, files.sensitivity, files.dependence
    extras, models = (files.few_labels, files.explained), params.models
    tables = StudyTables.read(files.pairs, ranked, files.correlation, files.tasks, models, decision, extras)
    for name in params.figures:
        drawn = draw_figure(name, tables, snakemake.wildcards.estimator, params.seed)
        save_figure(drawn, Path(snakemake.output[0]).with_name(name))
