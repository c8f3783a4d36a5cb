"""How well does the score agree with the tasks, and is it a better guide than free baselines?"""

from typing import TYPE_CHECKING, Any

import pandas as pd

from suffice.analyses import correlation as arithmetic
from suffice.analyses.base import Analysis, Fact, Figure, Finding, Made, Place, Ranked, ShownTable
from suffice.analyses.correlation import MEAN_RANK, mean_rank_table
from suffice.baselines import BASELINE
from suffice.baselines.shown import shown_way
from suffice.numbers import Column, correlation, correlation_interval, integer, number
from suffice.plots.predictors import draw_predictors
from suffice.plots.score_against_tasks import Evidence, draw_score_against_tasks
from suffice.plots.style import Drawn, Families

if TYPE_CHECKING:
    from suffice.study.model import Study

SPEARMAN = "spearman"
NO_TASKS = "The study has no tasks, so the agreement of the ranking with labelled data is not measured."
UNCONFIRMED = (
    "The labelled tasks of the study do not confirm the ranking: it may agree with them only by chance."
)
TOO_FEW = "The agreement of the ranking with the tasks is not defined: too few models have both."
PREDICTORS = (
    Column("predictor", "Predictor"),
    Column("predictor_kind", "Kind"),
    Column("task", "Task"),
    Column("value", "Spearman", correlation),
    Column("low", "95 % interval", correlation_interval, "low", "high"),
    Column("n_models", "Models", integer),
)


def _findings(ranked: Ranked) -> list[Finding]:
    if "correlation" not in ranked or "tasks" not in ranked:
        return [Finding(doubts=(NO_TASKS,), facts=(Fact("none", "tasks to compare with"),))]
    answer, fact = describe_agreement(ranked)
    return [
        Finding(
            place=Place.RANKING,
            answer=answer,
            doubts=_doubts(ranked),
            facts=(fact,),
            figures=(AGAINST_TASKS, GUIDES),
            alt="The correlations are in the table of predictors.",
        ),
        Finding(place=Place.NUMBERS, sentence=_name_of_best(ranked), tables=(_predictors(ranked),)),
        Finding(place=Place.RESULTS, tables=_results(ranked)),
    ]


def _doubts(ranked: Ranked) -> tuple[str, ...]:
    """A warning that the tasks do not confirm the ranking, if the interval includes no agreement."""
    table = own_correlation(ranked)
    ours = table[
        (table["predictor"] == ranked.name)
        & (table["task"] == MEAN_RANK)
        & (table["statistic"] == SPEARMAN)
        & (table["low"] <= 0)
    ]
    return (UNCONFIRMED,) if len(ours) else ()


def own_correlation(ranked: Ranked) -> pd.DataFrame:
    """The correlation table without the other rankings."""
    table = ranked["correlation"]
    return table[~table["predictor"].isin(set(ranked.rankings) - {ranked.name})]


def describe_agreement(ranked: Ranked) -> tuple[str, Fact]:
    """How well the ranking agrees with the tasks, compared with the best baseline."""
    table = own_correlation(ranked)
    overall = table[(table["task"] == MEAN_RANK) & (table["statistic"] == SPEARMAN)]
    ours = overall[overall["predictor"] == ranked.name]
    if ours.empty or pd.isna(ours["value"].iloc[0]):
        return TOO_FEW, Fact("–", "agreement with the tasks")
    row = ours.iloc[0]
    n_tasks = _tasks_of(ranked)["task"].nunique()
    bounds = correlation_interval(row["low"], row["high"])
    over = f"the mean rank over {integer(n_tasks)} task{'s' if n_tasks != 1 else ''}"
    text = f"Against {over}, the score has a Spearman correlation of {correlation(row['value'])}"
    models = f"{integer(row['n_models'])} models"
    text += f" (95 % interval {bounds}, {models})" if bounds else f" ({models})"
    fact = Fact(correlation(row["value"]), "Spearman with tasks", bounds or f"{models}, no interval")
    return f"{text}{_against_baselines(overall, ranked)}.", fact


def _tasks_of(ranked: Ranked) -> pd.DataFrame:
    """The results of the ranked models on the tasks that the correlation table has."""
    results = ranked["tasks"]
    of_models = results["model"].isin(ranked["ranking"]["model"])
    return results[of_models & results["task"].isin(own_correlation(ranked)["task"])]


def _against_baselines(overall: pd.DataFrame, ranked: Ranked) -> str:
    """The best baseline's correlation, and whether the score's differs from it beyond the interval."""
    baselines = _best_first(overall)
    if baselines.empty:
        return "; the study has no baseline to compare with"
    best = baselines.iloc[0]
    name, bounds = str(best["predictor"]), correlation_interval(best["low"], best["high"])
    which = f"the best of {len(baselines)} baselines" if len(baselines) > 1 else "the baseline"
    text = f"; {which} has {correlation(best['value'])}"
    return f"{text} ({bounds})" + _verdict(ranked, name) if bounds else text


def _best_first(overall: pd.DataFrame) -> pd.DataFrame:
    """The baselines, highest correlation first."""
    baselines = overall[(overall["predictor_kind"] == BASELINE) & overall["value"].notna()]
    return baselines.sort_values("value", ascending=False, kind="stable")


def _name_of_best(ranked: Ranked) -> str:
    table = own_correlation(ranked)
    best = _best_first(table[(table["task"] == MEAN_RANK) & (table["statistic"] == SPEARMAN)])
    return f"The best baseline is {shown_way(best['predictor'].iloc[0])}." if len(best) else ""


def _verdict(ranked: Ranked, baseline: str) -> str:
    """Which predictor is the better guide, by the interval of the difference; empty if not measured."""
    if "differences" not in ranked:
        return ""
    table = ranked["differences"]
    row = table[
        (table["predictor"] == ranked.name)
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
    return f", and the data do not show which is the better guide ({size})"


def _predictors(ranked: Ranked) -> ShownTable:
    """Spearman's correlation of every predictor with every task, the mean rank first."""
    table = own_correlation(ranked)
    rows = table[table["statistic"] == SPEARMAN]
    rows = rows.assign(is_task=rows["task"] != MEAN_RANK, order=-rows["value"])
    rows = rows.sort_values(["is_task", "task", "order"], kind="stable")
    return ShownTable(rows, PREDICTORS, "Predictors of the tasks' results", "Correlations in numbers")


def _results(ranked: Ranked) -> tuple[ShownTable, ...]:
    """One row per model in the order of the ranking, one column per task."""
    results = _tasks_of(ranked)
    if results.empty:
        return ()
    models = list(ranked["ranking"].sort_values(["rank", "model"])["model"])
    named = results.assign(task=results["task"] + " (" + results["metric"].str.replace("_", " ") + ")")
    tasks = list(dict.fromkeys(named["task"]))
    wide = named.pivot(index="model", columns="task", values="value").reindex(models).reset_index()
    columns = (Column("model", "Model"), *(Column(task, task, number) for task in tasks))
    caption = "Results on the tasks, in the order of the ranking"
    return (ShownTable(wide, columns, caption, "Results on the tasks in numbers"),)


def _draw_against_tasks(ranked: Ranked) -> Drawn:
    tasks = ranked["tasks"]
    evidence = Evidence(tasks, mean_rank_table(tasks), ranked["correlation"])
    families = Families.from_table(ranked.models)
    return draw_score_against_tasks(ranked["ranking"], evidence, families, ranked.name)


def _parameters(study: "Study") -> dict[str, Any]:
    return {"n_resamples": study.settings.correlation.n_resamples, "seed": study.settings.seed}


AGAINST_TASKS = Figure(
    name="score_against_tasks",
    title="The score against the tasks",
    caption="Each point is a model. The line is the least-squares fit with its 95 % interval; ρ is "
    "Spearman's correlation with its interval over models.",
    draw=_draw_against_tasks,
    reads=("ranking", "tasks", "correlation"),
)
GUIDES = Figure(
    name="predictors",
    title="Is the score a better guide than free baselines?",
    caption="Correlation with the tasks of the score (blue) and of baselines that need no estimate (grey); "
    "lines are 95 % intervals over models.",
    draw=lambda ranked: draw_predictors(ranked["correlation"]),
    reads=("correlation",),
)
CORRELATION = Analysis(
    name="correlation",
    needs=("rankings", "baselines", "tasks"),
    makes={
        "correlation": Made("correlation/{dataset}.csv", "correlation"),
        "differences": Made("correlation/{dataset}.differences.csv", "advantage over baselines"),
    },
    tables=arithmetic.tables,
    parameters=_parameters,
    figures=(AGAINST_TASKS, GUIDES),
    is_asked=lambda study: study.has_tasks,
    category="Correlation with tasks",
    findings=_findings,
)
