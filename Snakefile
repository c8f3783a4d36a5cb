"""The workflow: a study's kind decides which rules make its page; see suffice.kinds.registry."""

from snakemake.utils import min_version

min_version("9.0")


include: "rules/study.smk"
include: str(KIND.rules(ROOT))


if workflow.is_main_process:
    let_content_decide(Path(RESULTS), FOLDER, overrides_in(config))


rule all:
    default_target: True
    input:
        final_files(),
