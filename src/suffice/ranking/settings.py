"""Settings of a ranking, and what source and target see."""

from typing import Literal

from pydantic import Field

from suffice.settings import Settings

Aggregate = Literal["ranks", "mean", "median"]
LooksChoice = Literal["auto", "same", "files", "group"]


class RankingSettings(Settings):
    """How a ranking is computed from pairs, and the number of resamples for its intervals."""

    aggregate: Aggregate = Field(
        default="ranks",
        description="what orders the models: `ranks`, the share of comparisons with other models on common "
        "targets that a model wins; or the `mean` or `median` over targets of nats per target dimension",
    )
    self_pairs: bool | None = Field(
        default=None,
        description="whether a model is a target of itself; by default, it is if source and target see "
        "different looks at an item",
    )
    n_resamples: int = Field(
        default=1000, ge=100, le=1_000_000, description="number of random resamples for intervals"
    )
