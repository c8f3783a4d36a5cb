"""Which way of choosing a model would have been right on this study's tasks?"""

from typing import TYPE_CHECKING, Any

import pandas as pd

from suffice.analyses import decision
from suffice.analyses.base import Analysis, Finding, Made, Place, Ranked, ShownTable
from suffice.analyses.decision import RANDOM, WIDEST
from suffice.analyses.recommendation import listed
from suffice.baselines.shown import shown_way
from suffice.numbers import Column, correlation, correlation_interval, integer, interval, number, percent

if TYPE_CHECKING:
    from suffice.study.model import Study

WAYS = (
    Column("predictor", "Way to choose"),
    Column("picks", "Picks"),
    Column("regret_at_1", "Regret", number),
    Column("regret_at_1_low", "95 % interval", interval, "regret_at_1_low", "regret_at_1_high"),
    Column("regret_at_3", "Regret, best of 3", number),
    Column("regret_at_3_low", "95 % interval", interval, "regret_at_3_low", "regret_at_3_high"),
    Column("beats_widest", "Beats the widest", percent),
    Column("spearman", "Spearman", correlation),
    Column("spearman_low", "95 % interval", correlation_interval, "spearman_low", "spearman_high"),
    Column("kendall", "Kendall", correlation),
    Column("top_k_spearman", "Spearman, top models", correlation),
    Column("top_k", "of", integer),
    Column("n_models", "Models", integer),
    Column("predictor_kind", "Kind"),
)
CAPTION = "Ways to choose, smallest regret first; regret in task units"
ABOUT = (
    'Regret is the best model\'s mean over the tasks minus that of the pick; "best of 3" tries the first '
    "three "
    'models. "Beats the widest" is the share of resamples of models in which the pick is better than the '
    "widest model; equal picks count half. Correlations are with the mean rank over tasks and keep their "
    "sign."
)


def _findings(ranked: Ranked) -> list[Finding]:
    if "decision" not in ranked:
        return []
    ways = ranked["decision"]
    return [
        Finding(
            place=Place.CHOICE,
            title="Which way of choosing would have been right?",
            sentence=describe_decision(ways, ranked.name),
            is_answer=True,
            about=ABOUT,
            tables=(ShownTable(_with_few_picks(ways), WAYS, CAPTION),),
        )
    ]


def _with_few_picks(ways: pd.DataFrame) -> pd.DataFrame:
    """The ways to choose, by their names; a long list of tied picks is cut, with the number of the others."""
    written = [listed(picks.split(", ")) if isinstance(picks, str) else "" for picks in ways["picks"]]
    return ways.assign(picks=written, predictor=ways["predictor"].map(shown_way))


def describe_decision(table: pd.DataFrame, predictor: str) -> str:
    """One sentence on the loss from choosing by a predictor, compared with the widest model and with chance.

    Args:
        table: as `decision_table` gives it.
        predictor: the way to choose that the sentence is about.
    """
    rows = table.set_index("predictor")
    if predictor not in rows.index or pd.isna(rows["regret_at_1"][predictor]):
        return ""
    ours = rows["regret_at_1"][predictor]
    picks = str(rows["picks"][predictor])
    lost = "nothing" if ours < 5e-4 else f"{ours:.3f}"
    others = [
        f"{words} {rows['regret_at_1'][name]:.3f}"
        for name, words in ((WIDEST, "taking the widest model"), (RANDOM, "choosing at random"))
        if name in rows.index and pd.notna(rows["regret_at_1"][name])
    ]
    beside = f"; {' and '.join(others)}" if others else ""
    who = f"Choosing by {predictor} ({picks}) loses" if picks else f"Choosing by {predictor} loses"
    return f"{who} {lost} of the best model's mean over tasks{beside}."


def _parameters(study: "Study") -> dict[str, Any]:
    return {"n_resamples": study.settings.correlation.n_resamples, "seed": study.settings.seed}


DECISION = Analysis(
    name="decision",
    needs=("rankings", "baselines", "tasks", "cards"),
    makes={"decision": Made("decision/{dataset}.csv", "ways to choose")},
    tables=decision.tables,
    parameters=_parameters,
    is_asked=lambda study: study.has_tasks,
    findings=_findings,
)
