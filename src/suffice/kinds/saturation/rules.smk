"""Saturation: networks of equal test loss -> their behaviour -> equivalence, bridge, figures and page."""

import re

from suffice.kinds.saturation.figures import FIGURES
from suffice.kinds.saturation.study import folder_of
from suffice.kinds.saturation.extrapolation import Group
from suffice.kinds.saturation.in_context import ARMS as IN_CONTEXT_ARMS
from suffice.kinds.saturation.settings import NetworkSettings
from suffice.kinds.saturation.tables import TABLES
from suffice.kinds.saturation.text_models import TextModelSettings
from suffice.workflow import stable

STUDY = opened_study()
RESULTS = f"results/{STUDY.name}"
SCALE = STUDY.scale
SETTINGS = stable(STUDY.settings.model_dump(mode="json"))
PAIR_SEEDS = list(range(SCALE.in_context.n_seeds))
SEEDS = list(range(SCALE.n_seeds))
KINDS = SCALE.generalisation
PRACTICE = SCALE.practice


wildcard_constraints:
    study=re.escape(STUDY.name),
    language=any_of(SCALE.languages),
    architecture=any_of(
        dict.fromkeys(
            [
                *SCALE.architectures,
                *KINDS.architectures,
                *PRACTICE.architectures,
                *SCALE.design.architectures,
            ]
        )
    ),
    kind=any_of(KINDS.kinds),
    arm=any_of(SCALE.arms),
    seed=r"\d+",


def group_of(wildcards):
    """Language, architecture and arm of a job."""
    return Group(wildcards.language, wildcards.architecture, wildcards.arm)


def starts_of_group(wildcards):
    """The networks that a group's training begins with."""
    return STUDY.starts(RESULTS, group_of(wildcards))


def job_of_group(wildcards):
    """The settings that the networks of a group depend on, in addition to its names."""
    wanted = set(NetworkSettings.model_fields)
    return stable(
        {
            "cut": SCALE.languages[wildcards.language].model_dump(mode="json"),
            "settings": SCALE.model_dump(mode="json", include=wanted),
            "seed": STUDY.settings.seed,
        }
    )


def files_of_groups(name):
    """One file of every group."""
    return [f"{folder_of(RESULTS, group)}/{name}" for group in STUDY.groups()]


def tuned_model(wildcards):
    """The checkpoint that a job fine-tunes."""
    return STUDY.tuned_models(RESULTS)[int(wildcards.seed)]


def groups_to_compare(wildcards):
    """The groups of one language and architecture."""
    own = (wildcards.language, wildcards.architecture)
    return [
        group for group in STUDY.groups() if (group.language, group.architecture) == own
    ]


def models_to_compare(wildcards):
    """Checkpoints of one language and architecture."""
    groups = groups_to_compare(wildcards)
    return [path for group in groups for path in STUDY.models(RESULTS, group)]


def names_to_compare(wildcards):
    """Arm and seed of each of these checkpoints."""
    return [
        f"{group.arm}/{seed}"
        for group in groups_to_compare(wildcards)
        for seed in SEEDS
    ]


def job_of_bridge(wildcards):
    """The settings that a comparison of hidden states depends on, in addition to the networks."""
    return stable(
        {
            "cut": SCALE.languages[wildcards.language].model_dump(mode="json"),
            "settings": SCALE.bridge.model_dump(mode="json"),
            "factor": max(SCALE.fine_tuning.factors),
            "seed": STUDY.settings.seed,
        }
    )


def files_of_bridge():
    """The comparisons of every language and architecture."""
    return expand(
        f"{RESULTS}/bridge/{{language}}/{{architecture}}.parquet",
        language=SCALE.languages,
        architecture=SCALE.architectures,
    )


def files_of_kinds(name):
    """One file of every kind of generalisation."""
    return [f"{RESULTS}/generalisation/{kind}/{name}" for kind in KINDS.kinds]


def files_of_practice(name):
    """One file of every architecture of the language models of real text."""
    return [
        f"{RESULTS}/practice/{architecture}/{name}"
        for architecture in PRACTICE.architectures
    ]


def final_files():
    """The final files of a study."""
    return [f"{RESULTS}/report.html"]


include: "train.smk"
include: "tabulate.smk"


report: "workflow.rst"
