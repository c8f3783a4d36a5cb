"""Tables of the page: columns with a heading, a unit and a format for their cells."""

import pandas as pd

from suffice.embed.cards import CPU, DEVICE, PARAMETERS, PRICE
from suffice.kinds.embeddings.content import PageContent, Section
from suffice.numbers import (
    Column,
    integer,
    interval,
    number,
    percent,
    ranks,
    share,
)
from suffice.page.tables import Table, make_table

COSTS = (
    Column(PRICE, "Price per million items", number, is_filter=True),
    Column(DEVICE, "GPU seconds per 1,000 items", number, is_filter=True),
    Column(CPU, "CPU seconds per 1,000 items", number, is_filter=True),
)
RANKING = (
    Column("rank", "Rank", integer),
    Column("rank_low", "In this pool", ranks, "rank_low", "rank_high"),
    Column("model", "Model"),
    Column("family", "Family", is_filter=True),
    Column("rank_low_pools", "In pools like it", ranks, "rank_low_pools", "rank_high_pools"),
    Column("win_rate", "Win rate", share),
    Column("score", "Nats per dimension", number),
    Column("score_low", "Interval", interval, "score_low", "score_high"),
    Column("published_score", "Published score", number),
    Column("tie_group", "Tie group", integer),
    Column("embed_dim", "Width", integer, is_filter=True),
    *COSTS,
    Column("n_warnings", "Warnings", integer),
)
MODELS = (
    Column("model", "Model"),
    Column("family", "Family"),
    Column("rank", "Rank", integer),
    Column("rank_low", "Rank in this pool", ranks, "rank_low", "rank_high"),
    Column("win_rate", "Win rate", share),
    Column("score", "Nats per dimension", number),
    Column("score_low", "Interval", interval, "score_low", "score_high"),
    Column("embed_dim", "Width", integer),
    *COSTS,
    Column("best_task", "Best task"),
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
    *COSTS,
    Column(PARAMETERS, "Parameters", integer),
    Column("embed_dim", "Width", integer),
    Column("bytes_per_vector", "Bytes per vector", integer),
    Column("device", "Device"),
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
    first = next(iter(found))
    found[first].extend(warning for finding in section.findings for warning in finding.warnings)
    return {model: "; ".join(dict.fromkeys(parts)) for model, parts in found.items() if parts}


def _with_family_and_cost(section: Section, content: PageContent) -> pd.DataFrame:
    """The ranking from first to last, with each model's family, width and costs."""
    ranking = section.ranking.sort_values(["rank", "model"])
    for extra, keys in (
        (content.models, ["family"]),
        (section.cards, ["embed_dim", *(each.key for each in COSTS)]),
    ):
        new = ["model", *(key for key in keys if key in extra and key not in ranking)]
        ranking = ranking.merge(extra[new], on="model", how="left")
    return ranking


def ranking_table(section: Section, content: PageContent) -> Table:
    """The ranking with family and cost, from first to last."""
    ranking = _with_family_and_cost(section, content)
    warned = warnings_of(section)
    ranking = ranking.drop(columns="warnings", errors="ignore")
    ranking["warnings"] = [warned.get(model, "") for model in ranking["model"]]
    ranking["n_warnings"] = [len(lines.split("; ")) if lines else 0 for lines in ranking["warnings"]]
    units = "ranks with 95 % intervals, win rate as a share of comparisons, width in dimensions"
    caption = f"Ranking on {section.dataset} by {section.estimator}: {units}"
    name = f"ranking-{section.dataset}-{section.estimator}.csv"
    return make_table(ranking, RANKING, caption, name_at=2, file_name=name)


def models_table(section: Section, content: PageContent) -> Table:
    """The table for comparing two models."""
    ranking = _with_family_and_cost(section, content)
    best = best_tasks(section)
    ranking["best_task"] = [best.get(model, "") for model in ranking["model"]]
    caption = f"All models on {section.dataset} by {section.estimator}"
    return make_table(ranking, MODELS, caption, file_name=f"models-{section.dataset}-{section.estimator}.csv")


def best_tasks(section: Section) -> dict[str, str]:
    """The task on which each model ranks highest among the models, with that rank; empty without tasks."""
    results = section.task_results[section.task_results["model"].isin(section.ranking["model"])]
    if results.empty:
        return {}
    place = results.groupby("task")["value"].rank(ascending=False, method="min")
    best = results.assign(place=place).sort_values("place", kind="stable").dropna(subset="place")
    rows = best.drop_duplicates("model")
    return {
        model: f"{task} (rank {integer(rank)})"
        for model, task, rank in zip(rows["model"], rows["task"], rows["place"], strict=True)
    }


def health_table(section: Section) -> Table:
    """The table of the embeddings' health."""
    return make_table(section.cards, HEALTH, f"Health of the embeddings of {section.dataset}")


def cost_table(section: Section) -> Table:
    """The table of the embeddings' cost."""
    return make_table(section.cards, COST, f"Cost of the embeddings of {section.dataset}")


def overview_table(content: PageContent) -> Table:
    """One row per section: the first model in each ranking of each data set."""
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
