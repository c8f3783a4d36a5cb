"""Compare the hidden states of the trained in-context pairs, on documents and on prompts."""

from pathlib import Path

from suffice.kinds.saturation.contexts import compare_contexts
from suffice.kinds.saturation.network_files import load_network
from suffice.kinds.saturation.settings import BridgeSettings, TwinSettings
from suffice.storage.files import write_table
from suffice.workflow import running_job

with running_job(snakemake):
    params = snakemake.params
    networks = dict(zip(params.models, map(load_network, map(Path, snakemake.input)), strict=True))
    settings, bridge = TwinSettings(**params.settings), BridgeSettings(**params.bridge)
    write_table(compare_contexts(networks, settings, bridge, params.seed), snakemake.output[0])
