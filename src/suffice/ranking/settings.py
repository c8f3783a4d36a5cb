"""How a ranking is made from pairs, and what source and target see."""

from typing import Literal

from pydantic import Field

from suffice.settings import Settings

Aggregate = Literal["ranks", "mean", "median"]
LooksChoice = Literal["auto", "same", "files", "group"]


class RankingSettings(Settings):
    """How a ranking is made from pairs, and how many resamples its intervals rest on."""

    aggregate: Aggregate = Field(
        default="ranks",
        description="what orders the models: `ranks`, the share of comparisons with other models on common "
        "targets that a model wins; or the `mean` or `median` over targets of nats per target dimension",
    )
    self_pairs: bool | None = Field(
        default=None,
        description="whether a model is a target of itself; left out, it is where source and target see "
        "different looks of an item",
    )
    n_resamples: int = Field(
        default=1000, ge=100, le=1_000_000, description="random resamples that intervals are made from"
    )
