"""Put the measured rows of a calibration study together into its tables."""

from pathlib import Path

from suffice.kinds.calibration.tables import write_tables
from suffice.workflow import running_job

with running_job(snakemake):
    files = {part: list(snakemake.input[part]) for part in ("channels", "chains", "invariance")}
    write_tables(files, Path(snakemake.output[0]).parent, Path(snakemake.output.summary))
