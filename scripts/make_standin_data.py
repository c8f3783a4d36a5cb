"""Write stand-ins for data sets from the hub."""

from suffice.data.dataset_settings import DatasetSettings
from suffice.data.standin import write_standin_tables
from suffice.workflow import running_job

with running_job(snakemake):
    params = snakemake.params
    datasets = {name: (DatasetSettings(**settings), labels) for name, settings, labels in params.datasets}
    write_standin_tables(datasets, snakemake.output, params.seed)
