"""The columns of a ranking table, and the column that orders its models."""

import pandas as pd

RANKING_COLUMNS = [
    "model", "score", "score_low", "score_high", "rank", "rank_low", "rank_high", "tie_group",
    "could_be_first", "embed_dim", "win_rate", "win_rate_low", "win_rate_high", "rank_low_pools",
    "rank_high_pools", "could_be_first_pools", "median_nats", "published_score", "n_targets", "is_target",
    "relatives", "near_copies", "n_items", "items_needed", "looks", "aggregate", "warnings",
]  # fmt: skip


def ordering_column(ranking: pd.DataFrame) -> str:
    """The column that orders the models of a ranking; the score if the table does not say."""
    by_wins = "aggregate" in ranking and (ranking["aggregate"] == "ranks").all()
    return "win_rate" if by_wins else "score"


def interval_columns(measure: str) -> tuple[str, str, str]:
    """The columns of a ranking table with a measure and the ends of its interval."""
    return measure, f"{measure}_low", f"{measure}_high"


def ordering_values(ranking: pd.DataFrame) -> "pd.Series[float]":
    """The values that order the models of a ranking, by model; higher is better."""
    return ranking.set_index("model")[ordering_column(ranking)].astype(float)


def tied_for_first(ranking: pd.DataFrame) -> list[str]:
    """The models that could be first in this pool, in the order of the ranking."""
    best = ranking[ranking["could_be_first"].astype(bool)]
    return list(best.sort_values(["rank", "model"])["model"])
