"""The workflow: a study's kind decides which rules make its page; see suffice.kinds.registry.

Rules say what they take, make and do. The rest is at one place each: the environment, the log and the file with
the time of every job in `complete_rules`; memory and time limits in the profiles.
"""

from snakemake.utils import min_version

min_version("9.0")


include: "rules/study.smk"
include: str(KIND.rules(ROOT))


complete_rules(workflow.rules, ROOT / "envs" / "suffice.yaml")


if workflow.is_main_process:
    let_content_decide(Path(RESULTS), FOLDER, overrides_in(config))


rule all:
    default_target: True
    input:
        final_files(),
