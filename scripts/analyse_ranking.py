"""Answer the questions of one job about a ranking, or about all rankings of a data set."""

from suffice.analyses.base import Ranked
from suffice.analyses.registry import get_analysis
from suffice.storage.files import write_table
from suffice.workflow import files_by_name, running_job

with running_job(snakemake):
    files, places = files_by_name(snakemake.input), dict(snakemake.wildcards)
    for name, settings in snakemake.params.settings.items():
        ranked = Ranked(places["dataset"], places.get("estimator", ""), files, settings)
        for table, rows in get_analysis(name).tables(ranked).items():
            write_table(rows, files_by_name(snakemake.output)[table][0])
