"""Analyses: answer questions about a ranking.

Takes rankings, pairs, vectors, tasks and baselines, as far as an analysis needs them. Makes the tables of all
analyses that the study asks for, in one job per ranking and one per data set. A heavy analysis has its own job.
"""

from suffice.analyses.registry import jobs_of
from suffice.jobs import AnalysisJobs

ANALYSES = AnalysisJobs(STUDY)


for job, analyses in jobs_of(STUDY).items():
    modules = [each.tables.__module__ for each in analyses]

    rule:
        name:
            f"analyse_{job}"
        input:
            **ANALYSES.read_by(each.needs for each in analyses),
        output:
            **reported_tables(analyses),
        resources:
            mem_mb=growing(max(2000, *(each.memory_mb for each in analyses))),
            runtime=growing(max(each.minutes for each in analyses)),
        params:
            settings={each.name: stable(each.parameters(STUDY)) for each in analyses},
            code=code_of("analyse_ranking", *modules),
        script:
            "../scripts/analyse_ranking.py"
