"""The keys of a calibration study: its channels, their sizes, and its estimators."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from suffice.estimators.items import MIN_ITEMS
from suffice.kinds.calibration.chains import ChainSize, check_chain
from suffice.kinds.calibration.channel import ChannelSize
from suffice.kinds.calibration.channels import check_channel, get_channel
from suffice.settings import Settings, did_you_mean

KIND = "calibration"


class ChannelGroup(Settings):
    """Channels that are measured at the same sizes, in one job per estimator."""

    channels: tuple[str, ...] = Field(min_length=1, description="names of channels")
    widths: tuple[int | tuple[int, int], ...] = Field(
        min_length=1, description="widths of both sides, or pairs of source and target: `[16, [64, 32]]`"
    )
    n_items: tuple[int, ...] = Field(min_length=1, description="numbers of items")
    nats_per_dim: tuple[float, ...] = Field(
        min_length=1, description="information per varying target dimension"
    )
    n_draws: int = Field(default=1, ge=1, description="draws of each setting, each with its own seed")

    @field_validator("channels")
    @classmethod
    def _channels_exist(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            get_channel(name)
        return value

    @model_validator(mode="after")
    def _sizes_are_possible(self) -> "ChannelGroup":
        for size in self.sizes():
            if min(size.source_dim, size.target_dim) < 1 or size.nats_per_dim < 0:
                raise ValueError("widths must be at least 1 and nats_per_dim at least 0")
            if size.n_items < MIN_ITEMS:
                raise ValueError(f"n_items is {size.n_items}; an estimate needs at least {MIN_ITEMS}")
            for name in self.channels:
                check_channel(name, size)
        return self

    def sizes(self) -> Iterator[ChannelSize]:
        """Every combination of widths, items and nats."""
        for width in self.widths:
            source, target = (width, width) if isinstance(width, int) else width
            for n_items in self.n_items:
                for nats in self.nats_per_dim:
                    yield ChannelSize(source, target, n_items, nats)


class ChainGroup(Settings):
    """Chains of known order that are ranked at the same sizes, in one job per estimator."""

    chains: tuple[str, ...] = Field(min_length=1, description="noise, projection, quantisation, rotation")
    n_models: int = Field(default=5, ge=3, description="models in a chain")
    dim: int = Field(ge=2, description="width of the best model")
    n_items: int = Field(ge=MIN_ITEMS, description="number of items")
    step_nats_per_dim: float = Field(
        default=0.1, gt=0, description="loss of information about the signal from each model to the next"
    )
    n_draws: int = Field(default=1, ge=1, description="draws of each chain, each with its own seed")

    @model_validator(mode="after")
    def _chains_are_possible(self) -> "ChainGroup":
        for chain in self.chains:
            check_chain(chain, self.size())
        return self

    def size(self) -> ChainSize:
        """The size of every chain of the group."""
        return ChainSize(self.n_models, self.dim, self.n_items, self.step_nats_per_dim)


class Limit(Settings):
    """The largest settings for a slow estimator; larger ones are left out and counted."""

    max_dim: int = Field(ge=0, description="widest side; 0 leaves the estimator out of the grid")
    max_items: int = Field(ge=MIN_ITEMS, description="most items")


class Grid(Settings):
    """The measurements of one run of a calibration study."""

    channels: dict[str, ChannelGroup] = Field(default={}, description="groups of channels, by name")
    chains: dict[str, ChainGroup] = Field(default={}, description="groups of chains, by name")
    invariance: dict[str, ChannelGroup] = Field(
        default={}, description="groups of channels with rotated, scaled and shifted sides, by name"
    )
    limits: dict[str, Limit] = Field(default={}, description="limits of estimators, by name")

    @model_validator(mode="after")
    def _has_channels(self) -> "Grid":
        if not self.channels:
            raise ValueError("a grid needs at least one group of channels")
        return self


class CalibrationSettings(Settings):
    """The keys of `study.yaml` in a study of the kind `calibration`."""

    title: str = Field(description="the question of the study, in a few words; the headline of the page")
    kind: Literal["calibration"] = Field(description="calibration: compare estimators with known truth")
    seed: int = Field(default=0, ge=0, description="base seed; every other seed derives from it and a name")
    device: Literal["cpu", "cuda", "mps"] = Field(default="cpu", description="torch device of the estimators")
    estimators: dict[str, dict[str, Any]] = Field(
        min_length=1,
        description="name of each estimator with its settings. A variant has its own name and the key "
        "`estimator`",
    )
    grid: str = Field(description="name of the grid to run")
    grids: dict[str, Grid] = Field(min_length=1, description="grids, by name")

    @field_validator("estimators", mode="before")
    @classmethod
    def _empty_means_defaults(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: settings or {} for name, settings in value.items()}

    @model_validator(mode="after")
    def _names_agree(self) -> "CalibrationSettings":
        if self.grid not in self.grids:
            raise ValueError(f"unknown grid {self.grid!r}{did_you_mean(self.grid, list(self.grids))}")
        for grid in self.grids.values():
            for name in grid.limits:
                if name not in self.estimators:
                    known = did_you_mean(name, list(self.estimators))
                    raise ValueError(f"limits: unknown estimator {name!r}{known}")
        return self

    @property
    def chosen_grid(self) -> Grid:
        """The grid to run."""
        return self.grids[self.grid]
