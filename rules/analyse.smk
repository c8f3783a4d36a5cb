"""From rankings to the answers of questions about them; a heavy question has a job of its own."""

from functools import partial

from suffice.analyses.registry import figures_of, jobs_of
from suffice.analyses.sources import sources
from suffice.workflow import stable


def source(name, wildcards):
    """The files of one kind that an analysis or a figure reads."""
    ranking = wildcards.get("estimator", "")
    return sources(STUDY, RESULTS, wildcards.dataset, ranking)[name]


def read_by(readers):
    """Input functions for all that some analyses or figures read, by name."""
    return {
        name: partial(source, name)
        for name in dict.fromkeys(name for names in readers for name in names)
    }


def reported_tables(analyses):
    """The tables that some analyses make, by name; those with a label are in Snakemake's report."""
    tables = {}
    for analysis in analyses:
        for name, made in analysis.makes.items():
            path = f"results/{{study}}/{made.path}"
            of_ranking = ", {estimator}" if analysis.is_per_ranking else ""
            tables[name] = path
            if made.label:
                tables[name] = report(
                    path,
                    caption="../report/table.rst",
                    category=analysis.category,
                    labels={
                        "data set": "{dataset}",
                        "table": f"{made.label}{of_ranking}",
                    },
                )
    return tables


for job, analyses in jobs_of(STUDY).items():
    modules = [each.tables.__module__ for each in analyses]

    rule:
        name:
            f"analyse_{job}"
        input:
            **read_by(each.needs for each in analyses),
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
