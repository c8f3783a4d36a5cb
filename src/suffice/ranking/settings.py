"""How scores are made from pairs."""

from typing import Literal

from pydantic import Field

from suffice.settings import Settings


class RankingSettings(Settings):
    """How scores are made from pairs, and how sure the intervals are."""

    aggregate: Literal["mean", "median"] = Field(
        default="median", description="how a model's pairs are summarised over targets"
    )
    self_pairs: bool = Field(default=False, description="whether a model is a target of itself")
    n_resamples: int = Field(
        default=1000, ge=100, le=1_000_000, description="bootstrap resamples of items and targets"
    )
