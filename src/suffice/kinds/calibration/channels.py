"""All channels by name: a new channel needs a function, and one line here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from suffice.errors import DataError
from suffice.kinds.calibration.channel import ChannelSize, Draw, even_nats, profile_of
from suffice.kinds.calibration.gaussian import (
    base_size,
    draw_gaussian,
    draw_low_rank,
    draw_nearly_deterministic,
    draw_redundant,
    low_rank_nats,
    nearly_deterministic_nats,
)
from suffice.kinds.calibration.heavy_tails import draw_student, student_nats
from suffice.kinds.calibration.mixtures import MOST_CLASS_NATS, draw_clusters, draw_mixture
from suffice.kinds.calibration.networks import (
    MOST_FUNCTION_NATS,
    draw_network_of_source,
    draw_networks_of_both,
    draw_noisy_function,
)
from suffice.kinds.calibration.warps import draw_heavy_margins, draw_warped
from suffice.seeds import derive_seed
from suffice.settings import did_you_mean


@dataclass(frozen=True)
class Channel:
    """A channel with known truth.

    Attributes:
        family: channels of one family share a colour.
        summary: one line for tables and figures.
        draw: draws the two embeddings.
        check: raises DataError for a size that the channel cannot have.
    """

    family: str
    summary: str
    draw: Callable[[ChannelSize, np.random.Generator], Draw]
    check: Callable[[ChannelSize], Any] = profile_of


GAUSSIAN, COPULA, TAILS, NETWORK, CLASSES = "Gaussian", "Gaussian copula", "joint tails", "network", "classes"
CHANNELS: dict[str, Channel] = {
    "gaussian": Channel(GAUSSIAN, "Gaussian pairs with a power-law spectrum", draw_gaussian),
    "low-rank": Channel(
        GAUSSIAN, "a shared signal in a quarter of the dimensions", draw_low_rank, low_rank_nats
    ),
    "nearly-deterministic": Channel(
        GAUSSIAN,
        "a few dimensions known almost exactly",
        draw_nearly_deterministic,
        nearly_deterministic_nats,
    ),
    "redundant": Channel(
        GAUSSIAN,
        "copied and constant dimensions",
        draw_redundant,
        lambda size: profile_of(base_size(size)),
    ),
    "warped": Channel(COPULA, "dimensions stretched by exponentials and cubes", draw_warped),
    "heavy-margins": Channel(COPULA, "Student t dimensions, Gaussian dependence", draw_heavy_margins),
    "student": Channel(TAILS, "multivariate Student t", draw_student, student_nats),
    "network-of-source": Channel(
        NETWORK, "an invertible network of the source, plus noise", draw_network_of_source
    ),
    "networks-of-both": Channel(NETWORK, "both sides through invertible networks", draw_networks_of_both),
    "noisy-function": Channel(
        NETWORK,
        "a network that cannot be inverted, plus noise",
        draw_noisy_function,
        lambda size: even_nats(size, MOST_FUNCTION_NATS),
    ),
    "mixture": Channel(
        CLASSES,
        "two hidden classes in each component",
        draw_mixture,
        lambda size: even_nats(size, MOST_CLASS_NATS),
    ),
    "clusters": Channel(CLASSES, "eight classes that all dimensions share", draw_clusters),
}


def get_channel(name: str) -> Channel:
    """The channel of this name.

    Raises:
        DataError: the name is unknown.
    """
    if name not in CHANNELS:
        raise DataError(f"unknown channel {name!r}{did_you_mean(name, list(CHANNELS))}")
    return CHANNELS[name]


def check_channel(name: str, size: ChannelSize) -> None:
    """Raise DataError, naming the channel, if it cannot be drawn at this size."""
    try:
        get_channel(name).check(size)
    except DataError as error:
        raise DataError(
            f"channel {name!r} at widths {size.source_dim} and {size.target_dim} and {size.nats_per_dim:g} "
            f"nats per dimension: {error}"
        ) from None


def draw_channel(name: str, size: ChannelSize, seed: int = 0) -> Draw:
    """Draw a source and a target with known mutual information.

    Args:
        name: one of `CHANNELS`.
        size: widths, number of items and nats per target dimension.
        seed: seed of the channel and of the items.

    Raises:
        DataError: unknown channel, or it cannot carry so many (or so few) nats at these widths.

    Example:
        >>> draw = draw_channel("gaussian", ChannelSize(8, 8, 100, 0.5))
        >>> round(draw.truth_nats, 6)
        4.0
    """
    check_channel(name, size)
    return get_channel(name).draw(size, np.random.default_rng(derive_seed(seed, "channel", name)))
