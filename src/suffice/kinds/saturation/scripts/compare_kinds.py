"""Compare the hidden states of every two networks of one kind of generalisation and architecture."""

from suffice.kinds.saturation.kind_bridge import compare_kinds, load_kinds
from suffice.kinds.saturation.settings import BridgeSettings
from suffice.storage.files import write_table
from suffice.workflow import running_job

with running_job(snakemake):
    settings = BridgeSettings(**snakemake.params.bridge)
    compared = compare_kinds(load_kinds(snakemake.input), settings, snakemake.params.seed)
    write_table(compared, snakemake.output[0])
