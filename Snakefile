"""The workflow: a study's kind decides which rules make its page; see rules/kinds/."""

from snakemake.utils import min_version

min_version("9.0")


include: "rules/study.smk"
include: f"rules/kinds/{KIND}.smk"


rule all:
    default_target: True
    input:
        final_files(),
