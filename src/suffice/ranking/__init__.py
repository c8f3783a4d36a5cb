"""Scores of models over targets, their intervals, rank intervals and tie groups."""

from suffice.lazy import lazy_names

HOMES = {
    "Ranking": "suffice.ranking.rank",
    "RankingSettings": "suffice.ranking.settings",
    "rank_pairs": "suffice.ranking.scores",
    "with_health_warnings": "suffice.ranking.scores",
}
__all__ = list(HOMES)
__getattr__ = lazy_names(__name__, HOMES)
