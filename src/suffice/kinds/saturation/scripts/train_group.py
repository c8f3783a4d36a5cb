"""Train the networks of one language, architecture and arm, and complete all prompts with them."""

from pathlib import Path

from suffice.kinds.saturation.extrapolation import Group, GroupJob, write_group
from suffice.kinds.saturation.settings import LanguageChoice, NetworkSettings
from suffice.workflow import running_job

with running_job(snakemake):
    names, job = snakemake.wildcards, snakemake.params.job
    group = Group(names.language, names.architecture, names.arm)
    settings = NetworkSettings(**job["settings"])
    wanted = GroupJob(group, LanguageChoice(**job["cut"]), settings, job["seed"])
    write_group(wanted, list(map(Path, snakemake.input)), Path(snakemake.output.runs).parent)
