"""The answer in sentences: which model to take, how certain that is, and how far to trust the ranking."""

from dataclasses import dataclass

from suffice.analyses.base import Fact
from suffice.analyses.recommendation import recommend
from suffice.data.modalities.registry import modality_of
from suffice.kinds.embeddings.content import PageContent, Section
from suffice.numbers import integer
from suffice.ranking.table import tied_for_first


@dataclass(frozen=True)
class Answer:
    """The first screen.

    Attributes:
        headline: one sentence: which model to take, or to try first.
        cheaper: a sentence on a cheaper model that may be as good; may be empty.
        doubts: reasons not to rely on it, in sentences; at least one.
        certainty: sentences on how certain this is.
        evidence: sentences on the reasons.
        next_steps: sentences on what to do next.
        facts: key numbers.
        n_items: number of items of the data set, formatted.
        missing: "model (stage: reason)" for each model without a result.
    """

    headline: str
    cheaper: str
    doubts: list[str]
    certainty: list[str]
    evidence: list[str]
    next_steps: list[str]
    facts: list[Fact]
    n_items: str
    missing: list[str]


NO_DOUBT = (
    "Nothing measured in this study contradicts the ranking, but a ranking cannot detect information "
    "that all models miss."
)
HOW_TO_LABEL = (
    "Write the labels into a column of the data, name it in a row of tasks.tsv, and run the study again. "
    "Items without a label are left out."
)
UNSETTLED = "Other models could be first: these items cannot distinguish them."


def answer(content: PageContent) -> Answer:
    """The answer of the first section."""
    section = content.sections[0]
    modality = modality_of(section.manifest)
    found = recommend(section.ranking, section.ways, section.cards, section.controls, modality)
    warned = [f"{_sentence(text)}." for each in section.findings for text in each.warnings]
    doubts = [text for each in section.findings for text in each.doubts]
    labels_missing = len(found.to_label) > 1 and not content.has_tasks
    facts = _facts(section, tied_for_first(section.ranking))
    return Answer(
        headline=found.headline,
        cheaper=found.cheaper,
        doubts=[*found.cautions, *warned, *doubts] or [NO_DOUBT if found.is_settled else UNSETTLED],
        certainty=found.certainty,
        evidence=[*found.agreement, *_from_findings(section)],
        next_steps=[*found.next_steps, *([HOW_TO_LABEL] if labels_missing else [])],
        facts=[*facts, *(fact for each in section.findings for fact in each.facts)],
        n_items=integer(section.manifest["n_items"]),
        missing=[f"{row['model']} ({row['stage']}: {row['reason']})" for _, row in content.failed.iterrows()],
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _from_findings(section: Section) -> list[str]:
    """The parts of the first screen that come from the analyses."""
    said = [each.answer or (each.sentence if each.is_answer else "") for each in section.findings]
    return list(filter(None, said))


def _facts(section: Section, tied: list[str]) -> list[Fact]:
    scored = len(section.ranking)
    return [
        Fact(integer(scored), "models ranked" if scored != 1 else "model ranked", f"by {section.estimator}"),
        Fact(
            str(len(tied)), "could be first" if len(tied) > 1 else "is first on these items", f"of {scored}"
        ),
        Fact(integer(section.manifest["n_items"]), "items", f"of {section.dataset}"),
    ]
