"""Embeddings: items -> vectors -> pairs -> ranking -> tasks -> correlation -> figures and page."""


include: "../common.smk"
include: "../corpora.smk"
include: "../embed.smk"
include: "../estimate.smk"
include: "../rank.smk"
include: "../probe.smk"
include: "../analyse.smk"
include: "../figures.smk"
include: "../ablate.smk"


if STUDY.settings.offline_standins:

    include: "../standins.smk"


report: "../../report/workflow.rst"
