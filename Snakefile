"""The workflow: a study's kind decides which rules make its page; see rules/kinds/."""

from snakemake.utils import min_version

min_version("9.0")


include: "rules/study.smk"
include: f"rules/kinds/{KIND}.smk"


if workflow.is_main_process:
    let_content_decide(Path(RESULTS), study_folder(config, ROOT), overrides_in(config))


rule all:
    default_target: True
    input:
        final_files(),
