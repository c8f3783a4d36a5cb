"""Tables of the page: columns with a heading, a unit and a way to write their cells."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from suffice.comparison.sensitivity import pool_warnings
from suffice.files import csv_of
from suffice.report.answer import MEAN_RANK, SPEARMAN, tasks_of
from suffice.report.content import PageContent, Section
from suffice.report.numbers import (
    correlation,
    correlation_interval,
    integer,
    interval,
    number,
    percent,
    ranks,
    share,
    text,
)


@dataclass(frozen=True)
class Column:
    """A column of a page's table: the key in the data, its heading, and what turns a value into text.

    With `low` and `high` the cell is an interval of those two columns.
    """

    key: str
    heading: str
    write: Callable[..., str] = text
    low: str = ""
    high: str = ""

    @property
    def is_number(self) -> bool:
        """Whether cells are numbers, hence set flush right."""
        return self.write is not text


@dataclass(frozen=True)
class Cell:
    """A written cell with the value it is sorted by."""

    text: str
    sort: str
    is_number: bool


@dataclass(frozen=True)
class Table:
    """A table to be put on the page.

    Attributes:
        caption: what the table shows; also its name for screen readers.
        headings: heading and whether the column holds numbers.
        rows: the written cells; the first cell of a row that `names` the row comes from column `name_at`.
        name_at: place of the column that names a row.
        download: the table as CSV in a data URI, empty for none.
        file_name: the name under which the browser saves it.
    """

    caption: str
    headings: list[tuple[str, bool]]
    rows: list[list[Cell]]
    name_at: int = 0
    download: str = ""
    file_name: str = ""


RANKING = (
    Column("rank", "Rank", integer),
    Column("rank_low", "On this pool", ranks, "rank_low", "rank_high"),
    Column("model", "Model"),
    Column("family", "Family"),
    Column("rank_low_pools", "On pools like it", ranks, "rank_low_pools", "rank_high_pools"),
    Column("win_rate", "Win rate", share),
    Column("score", "Nats per dimension", number),
    Column("score_low", "Interval", interval, "score_low", "score_high"),
    Column("published_score", "Published score", number),
    Column("tie_group", "Tie group", integer),
    Column("embed_dim", "Width", integer),
    Column("seconds_per_1000_items", "s per 1,000 items", number),
    Column("n_warnings", "Warnings", integer),
)
HEALTH = (
    Column("model", "Model"),
    Column("truncated_share", "Truncated items", percent),
    Column("n_zero_rows", "Zero vectors", integer),
    Column("n_duplicate_rows", "Duplicate vectors", integer),
    Column("n_constant_dims", "Constant dimensions", integer),
    Column("effective_rank", "Effective rank", number),
    Column("embed_dim", "of width", integer),
)
COST = (
    Column("model", "Model"),
    Column("seconds_per_1000_items", "Seconds per 1,000 items", number),
    Column("n_parameters", "Parameters", integer),
    Column("embed_dim", "Width", integer),
    Column("bytes_per_vector", "Bytes per vector", integer),
    Column("device", "Device"),
)
PREDICTORS = (
    Column("predictor", "Predictor"),
    Column("predictor_kind", "Kind"),
    Column("task", "Task"),
    Column("value", "Spearman", correlation),
    Column("low", "95 % interval", correlation_interval, "low", "high"),
    Column("n_models", "Models", integer),
)


def warnings_of(section: Section) -> dict[str, str]:
    """The warnings of the ranking and of the embedding's card by model, in the order of the ranking."""
    found: dict[str, list[str]] = {}
    for model in section.ranking.sort_values(["rank", "model"])["model"]:
        found[model] = []
        for table in (section.ranking, section.cards):
            if "warnings" in table:
                given = table.loc[table["model"] == model, "warnings"].dropna()
                found[model].extend(part for line in given for part in line.split("; ") if part)
    if section.sensitivity is not None:
        first = next(iter(found))
        found[first].extend(pool_warnings(section.sensitivity))
    return {model: "; ".join(dict.fromkeys(parts)) for model, parts in found.items() if parts}


def ranking_table(section: Section, content: PageContent) -> Table:
    """The ranking with family and cost, from first to last."""
    ranking = section.ranking.sort_values(["rank", "model"])
    for extra, keys in (
        (content.models, ["family"]),
        (section.cards, ["embed_dim", "seconds_per_1000_items"]),
    ):
        new = ["model", *(key for key in keys if key in extra and key not in ranking)]
        ranking = ranking.merge(extra[new], on="model", how="left")
    warned = warnings_of(section)
    ranking = ranking.drop(columns="warnings", errors="ignore")
    ranking["warnings"] = [warned.get(model, "") for model in ranking["model"]]
    ranking["n_warnings"] = [len(lines.split("; ")) if lines else 0 for lines in ranking["warnings"]]
    units = "ranks with 95 % intervals, win rate as a share of comparisons, width in dimensions"
    caption = f"Ranking on {section.dataset} by {section.estimator}: {units}"
    name = f"ranking-{section.dataset}-{section.estimator}.csv"
    return make_table(ranking, RANKING, caption, name_at=2, file_name=name)


def health_table(section: Section) -> Table:
    """What is odd about the embeddings."""
    return make_table(section.cards, HEALTH, f"Health of the embeddings of {section.dataset}")


def cost_table(section: Section) -> Table:
    """What the embeddings cost."""
    return make_table(section.cards, COST, f"Cost of the embeddings of {section.dataset}")


def predictors_table(section: Section) -> Table | None:
    """Spearman's correlation of every predictor with every task, the mean rank first."""
    if section.correlation is None:
        return None
    rows = section.correlation[section.correlation["statistic"] == SPEARMAN]
    rows = rows.assign(is_task=rows["task"] != MEAN_RANK, order=-rows["value"])
    rows = rows.sort_values(["is_task", "task", "order"], kind="stable")
    return make_table(rows, PREDICTORS, "Predictors of the tasks' results")


def results_table(section: Section, content: PageContent) -> Table | None:
    """A row a model in the order of the ranking, a column a task with value and standard error."""
    if not content.has_tasks or section.correlation is None:
        return None
    results = tasks_of(section, content)
    if results.empty:
        return None
    models = list(section.ranking.sort_values(["rank", "model"])["model"])
    named = results.assign(task=results["task"] + " (" + results["metric"].str.replace("_", " ") + ")")
    tasks = list(dict.fromkeys(named["task"]))
    wide = named.pivot(index="model", columns="task", values="value").reindex(models).reset_index()
    columns = (Column("model", "Model"), *(Column(task, task, number) for task in tasks))
    return make_table(wide, columns, "Results on the tasks, in the order of the ranking")


def overview_table(content: PageContent) -> Table:
    """A row a section: what is first in each ranking of each data set."""
    rows = []
    for section in content.sections:
        ranking = section.ranking
        rows.append(
            {
                "dataset": section.dataset,
                "estimator": section.estimator,
                "n_items": section.manifest["n_items"],
                "n_models": len(ranking),
                "first": ranking.sort_values(["rank", "model"])["model"].iloc[0],
                "n_tied": int(ranking["could_be_first"].sum()),
            }
        )
    columns = (
        Column("dataset", "Data set"),
        Column("estimator", "Ranked by"),
        Column("n_items", "Items", integer),
        Column("n_models", "Models", integer),
        Column("first", "First"),
        Column("n_tied", "Could be first", integer),
    )
    return make_table(pd.DataFrame(rows), columns, "All rankings of the study")


def make_table(
    data: pd.DataFrame, columns: tuple[Column, ...], caption: str, name_at: int = 0, file_name: str = ""
) -> Table:
    """The columns that `data` has, written; the name column stays in its place since it is always there."""
    shown = [column for column in columns if column.key in data]
    name_at = shown.index(columns[name_at])
    rows = [[_cell(row, column) for column in shown] for _, row in data.iterrows()]
    headings = [(column.heading, column.is_number) for column in shown]
    download = ""
    if file_name:
        encoded = base64.b64encode(csv_of(data).encode()).decode()
        download = f"data:text/csv;charset=utf-8;base64,{encoded}"
    return Table(caption, headings, rows, name_at, download, file_name)


def _cell(row: pd.Series, column: Column) -> Cell:
    value = row[column.key]
    written = column.write(row[column.low], row[column.high]) if column.low else column.write(value)
    return Cell(written or "–", "" if pd.isna(value) else str(value), column.is_number)
