"""The workflow: items -> embeddings -> pairs -> ranking -> tasks -> correlation -> figures and page."""

from snakemake.utils import min_version

min_version("9.0")


include: "rules/common.smk"
include: "rules/corpora.smk"
include: "rules/embed.smk"
include: "rules/estimate.smk"
include: "rules/rank.smk"
include: "rules/probe.smk"
include: "rules/correlate.smk"
include: "rules/figures.smk"


report: "report/workflow.rst"


rule all:
    default_target: True
    input:
        final_files(),
