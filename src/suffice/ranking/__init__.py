"""Scores of models over targets, their intervals, rank intervals and tie groups."""

from suffice.ranking.rank import Ranking, rank
from suffice.ranking.scores import rank_pairs, with_health_warnings
from suffice.ranking.settings import RankingSettings

__all__ = ["Ranking", "RankingSettings", "rank", "rank_pairs", "with_health_warnings"]
