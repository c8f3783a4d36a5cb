"""All analyses, in the order of their sentences in the answer."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from suffice.analyses.base import Analysis, Figure, Finding, Key, Ranked
from suffice.analyses.questions.ablations import ABLATIONS
from suffice.analyses.questions.correlation import CORRELATION
from suffice.analyses.questions.cost import COST
from suffice.analyses.questions.decision import DECISION
from suffice.analyses.questions.few_labels import FEW_LABELS
from suffice.analyses.questions.lost_directions import LOST_DIRECTIONS
from suffice.analyses.questions.ranking import BARS, CHECKPOINTS, GRAPH, MATRIX
from suffice.analyses.questions.sample_size import SAMPLE_SIZE
from suffice.analyses.questions.smaller_pools import SMALLER_POOLS
from suffice.analyses.questions.task_dependence import TASK_DEPENDENCE

if TYPE_CHECKING:
    from suffice.study.model import Study

ANALYSES: tuple[Analysis, ...] = (
    BARS,
    MATRIX,
    CORRELATION,
    DECISION,
    FEW_LABELS,
    GRAPH,
    SAMPLE_SIZE,
    CHECKPOINTS,
    COST,
    SMALLER_POOLS,
    TASK_DEPENDENCE,
    LOST_DIRECTIONS,
    ABLATIONS,
)


def keys_of_analyses() -> list[Key]:
    """The keys of study.yaml that analyses have."""
    return [each.key for each in ANALYSES if each.key is not None]


def fields_of_keys() -> dict[str, Any]:
    """The keys as fields of a settings model."""
    return {
        key.name: (key.kind, Field(default=key.default, description=key.description))
        for key in keys_of_analyses()
    }


def analyses_of(study: "Study") -> list[Analysis]:
    """The analyses that a study asks for."""
    return [each for each in ANALYSES if each.is_asked(study)]


def figures_of(study: "Study") -> list[Figure]:
    """The figures that each ranking of a study has."""
    return [figure for each in analyses_of(study) for figure in each.figures]


def jobs_of(study: "Study") -> dict[str, list[Analysis]]:
    """The analyses of each job, by its name: light ones share a job, a heavy one has its own."""
    jobs: dict[str, list[Analysis]] = {}
    for each in analyses_of(study):
        if each.makes:
            shared = "ranking" if each.is_per_ranking else "data_set"
            jobs.setdefault(each.name if each.memory_mb else shared, []).append(each)
    return jobs


def get_analysis(name: str) -> Analysis:
    """The analysis of that name."""
    return next(each for each in ANALYSES if each.name == name)


def get_figure(name: str) -> Figure:
    """The figure of that name."""
    return next(figure for each in ANALYSES for figure in each.figures if figure.name == name)


def findings_of(ranked: Ranked) -> Iterator[Finding]:
    """The findings of all analyses about one ranking."""
    for each in ANALYSES:
        yield from each.findings(ranked)
