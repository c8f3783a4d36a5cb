"""All channels by name: a new one is a function and one line here."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from suffice.calibration.channel import ChannelSize, Draw
from suffice.calibration.gaussian import (
    draw_gaussian,
    draw_low_rank,
    draw_nearly_deterministic,
    draw_redundant,
)
from suffice.calibration.heavy_tails import draw_student
from suffice.calibration.mixtures import draw_clusters, draw_mixture
from suffice.calibration.networks import draw_network_of_source, draw_networks_of_both, draw_noisy_function
from suffice.calibration.warps import draw_heavy_margins, draw_warped
from suffice.errors import DataError
from suffice.seeds import derive_seed
from suffice.settings import did_you_mean


@dataclass(frozen=True)
class Channel:
    """A channel of known truth.

    Attributes:
        family: channels of one family share a colour.
        summary: one line for tables and figures.
        draw: makes the two embeddings.
    """

    family: str
    summary: str
    draw: Callable[[ChannelSize, np.random.Generator], Draw]


GAUSSIAN, COPULA, TAILS, NETWORK, CLASSES = "Gaussian", "Gaussian copula", "joint tails", "network", "classes"
CHANNELS: dict[str, Channel] = {
    "gaussian": Channel(GAUSSIAN, "Gaussian pairs with a power-law spectrum", draw_gaussian),
    "low-rank": Channel(GAUSSIAN, "a shared signal of a quarter of the dimensions", draw_low_rank),
    "nearly-deterministic": Channel(
        GAUSSIAN, "a few dimensions known almost exactly", draw_nearly_deterministic
    ),
    "redundant": Channel(GAUSSIAN, "copied and constant dimensions", draw_redundant),
    "warped": Channel(COPULA, "dimensions stretched by exponentials and cubes", draw_warped),
    "heavy-margins": Channel(COPULA, "Student t dimensions, Gaussian dependence", draw_heavy_margins),
    "student": Channel(TAILS, "multivariate Student t", draw_student),
    "network-of-source": Channel(
        NETWORK, "an invertible network of the source, plus noise", draw_network_of_source
    ),
    "networks-of-both": Channel(NETWORK, "both sides through invertible networks", draw_networks_of_both),
    "noisy-function": Channel(NETWORK, "a network that cannot be inverted, plus noise", draw_noisy_function),
    "mixture": Channel(CLASSES, "two hidden classes in each component", draw_mixture),
    "clusters": Channel(CLASSES, "eight classes that all dimensions share", draw_clusters),
}


def get_channel(name: str) -> Channel:
    """The channel of this name.

    Raises:
        DataError: there is none.
    """
    if name not in CHANNELS:
        raise DataError(f"no channel {name!r}{did_you_mean(name, list(CHANNELS))}")
    return CHANNELS[name]


def draw_channel(name: str, size: ChannelSize, seed: int = 0) -> Draw:
    """Draw a source and a target with known mutual information.

    Args:
        name: one of `CHANNELS`.
        size: widths, number of items and nats per target dimension.
        seed: seed of the channel and of the items.

    Raises:
        DataError: unknown channel, or one that cannot carry so many nats (or so few) at these widths.

    Example:
        >>> draw = draw_channel("gaussian", ChannelSize(8, 8, 100, 0.5))
        >>> round(draw.truth_nats, 6)
        4.0
    """
    channel = get_channel(name)
    return channel.draw(size, np.random.default_rng(derive_seed(seed, "channel", name)))
