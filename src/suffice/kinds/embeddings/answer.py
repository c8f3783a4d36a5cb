"""The answer in words: which model to take, how certain that is, and how far to trust the ranking."""

from dataclasses import dataclass

import pandas as pd

from suffice.analyses.decision import describe_decision
from suffice.analyses.recommendation import listed, recommend
from suffice.kinds.embeddings.content import PageContent, Section
from suffice.page.numbers import correlation, correlation_interval, integer
from suffice.ranking.table import tied_for_first

MEAN_RANK = "mean rank"
SPEARMAN = "spearman"
BASELINE = "baseline"
NO_TASKS = "The study has no tasks, so nothing here says how well the ranking agrees with labelled data."


@dataclass(frozen=True)
class Fact:
    """A number of the headline, what it is, and a line below it."""

    value: str
    name: str
    detail: str = ""


@dataclass(frozen=True)
class Answer:
    """The first screen.

    Attributes:
        headline: one sentence: which model to take, or to try first.
        details: sentences on the evidence.
        cautions: sentences on why not to rely on it.
        tied: the models that could be first, in the order of the ranking.
        facts: numbers at a glance.
        n_items: number of items of the data set, written.
        missing: "model (stage: reason)" for each model without a result.
    """

    headline: str
    details: list[str]
    cautions: list[str]
    tied: list[str]
    facts: list[Fact]
    n_items: str
    missing: list[str]


def answer(content: PageContent) -> Answer:
    """The answer of the first section."""
    section = content.sections[0]
    tied = tied_for_first(section.ranking)
    agreement, agreement_fact = describe_agreement(section, content)
    found = recommend(section.ranking, section.ways, section.cards, section.controls)
    return Answer(
        headline=found.headline,
        details=[*found.reasons, agreement, *_decision(section)],
        cautions=found.cautions,
        tied=tied,
        facts=[*_facts(section, tied), agreement_fact],
        n_items=integer(section.manifest["n_items"]),
        missing=[f"{row['model']} ({row['stage']}: {row['reason']})" for _, row in content.failed.iterrows()],
    )


def _decision(section: Section) -> list[str]:
    """What choosing by the score would have lost on the tasks."""
    if section.decision is None:
        return []
    return list(filter(None, [describe_decision(section.decision, section.estimator)]))


def headline(tied: list[str], n_models: int) -> str:
    """One sentence on who is first."""
    if n_models == 1:
        return f"{tied[0]} is the only model with a score."
    if len(tied) == n_models:
        return f"The data cannot tell these {n_models} models apart."
    if len(tied) == 1:
        others = f"other {n_models - 1}" if n_models > 2 else "other model"
        return f"{tied[0]} is first, ahead of the {others}."
    return f"{len(tied)} of {n_models} models could be first: {listed(tied)}."


def describe_agreement(section: Section, content: PageContent) -> tuple[str, Fact]:
    """How well the ranking agrees with the tasks, beside the best baseline."""
    if not content.has_tasks or section.correlation is None:
        return NO_TASKS, Fact("none", "tasks to compare with")
    overall = section.correlation[
        (section.correlation["task"] == MEAN_RANK) & (section.correlation["statistic"] == SPEARMAN)
    ]
    ours = overall[overall["predictor"] == section.estimator]
    if ours.empty or pd.isna(ours["value"].iloc[0]):
        text = "The agreement of the ranking with the tasks is not defined: too few models have both."
        return text, Fact("–", "agreement with the tasks")
    row = ours.iloc[0]
    n_tasks = tasks_of(section, content)["task"].nunique()
    bounds = correlation_interval(row["low"], row["high"])
    over = f"the mean rank over {integer(n_tasks)} task{'s' if n_tasks != 1 else ''}"
    text = f"Against {over}, the score has a Spearman correlation of {correlation(row['value'])}"
    models = f"{integer(row['n_models'])} models"
    text += f" (95 % interval {bounds}, {models})" if bounds else f" ({models})"
    fact = Fact(correlation(row["value"]), "Spearman with tasks", bounds or f"{models}, no interval")
    return f"{text}{_against_baselines(overall, section)}.", fact


def tasks_of(section: Section, content: PageContent) -> pd.DataFrame:
    """The results of the section's models on the tasks that its correlation table has."""
    assert content.results is not None and section.correlation is not None
    of_models = content.results["model"].isin(section.ranking["model"])
    return content.results[of_models & content.results["task"].isin(section.correlation["task"])]


def _against_baselines(overall: pd.DataFrame, section: Section) -> str:
    """The best baseline's correlation, and whether the score's is higher beyond the interval."""
    baselines = overall[(overall["predictor_kind"] == BASELINE) & overall["value"].notna()]
    if baselines.empty:
        return "; there is no baseline to compare with"
    best = baselines.sort_values("value", ascending=False, kind="stable").iloc[0]
    name, bounds = str(best["predictor"]), correlation_interval(best["low"], best["high"])
    others = f"of {len(baselines)} baselines ({', '.join(baselines['predictor'])}) the best, {name},"
    text = f"; {others if len(baselines) > 1 else f'the baseline {name}'} has {correlation(best['value'])}"
    return f"{text} ({bounds})" + _verdict(section, name) if bounds else text


def _verdict(section: Section, baseline: str) -> str:
    """Whether the difference from a baseline is beyond its interval; nothing if it was not measured."""
    table = section.differences
    if table is None:
        return ""
    row = table[
        (table["predictor"] == section.estimator)
        & (table["baseline"] == baseline)
        & (table["task"] == MEAN_RANK)
        & (table["statistic"] == SPEARMAN)
    ]
    if row.empty or pd.isna(row["low"].iloc[0]) or pd.isna(row["high"].iloc[0]):
        return ""
    low, high = float(row["low"].iloc[0]), float(row["high"].iloc[0])
    size = f"difference {correlation(row['difference'].iloc[0])}, {correlation_interval(low, high)}"
    if low > 0:
        return f", and the score is the better guide ({size})"
    if high < 0:
        return f", and the baseline is the better guide ({size})"
    return f", and the data do not say which is the better guide ({size})"


def _facts(section: Section, tied: list[str]) -> list[Fact]:
    scored = len(section.ranking)
    return [
        Fact(integer(scored), "models ranked" if scored != 1 else "model ranked", f"by {section.estimator}"),
        Fact(
            str(len(tied)), "could be first" if len(tied) > 1 else "is first on these items", f"of {scored}"
        ),
        Fact(integer(section.manifest["n_items"]), "items", f"of {section.dataset}"),
    ]
