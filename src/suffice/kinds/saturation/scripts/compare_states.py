"""Compare the hidden states of every two networks of one language and architecture."""

from pathlib import Path

from suffice.kinds.saturation.compared import ComparisonJob, compare_networks
from suffice.kinds.saturation.network_files import load_network
from suffice.kinds.saturation.settings import BridgeSettings, LanguageChoice
from suffice.storage.files import write_table
from suffice.workflow import running_job

with running_job(snakemake):
    job = snakemake.params.job
    wanted = ComparisonJob(
        language=snakemake.wildcards.language,
        cut=LanguageChoice(**job["cut"]),
        settings=BridgeSettings(**job["settings"]),
        factor=job["factor"],
        seed=job["seed"],
    )
    networks = map(load_network, map(Path, snakemake.input))
    named = dict(zip(snakemake.params.models, networks, strict=True))
    write_table(compare_networks(wanted, named), snakemake.output[0])
