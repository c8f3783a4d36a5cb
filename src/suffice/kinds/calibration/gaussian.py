"""Gaussian channels; the truth follows from their canonical correlations."""

import numpy as np

from suffice.kinds.calibration.channel import (
    ChannelSize,
    Draw,
    Floats,
    check_component_nats,
    draw_mixed,
    gaussian_components,
    linear_nats_by_dim,
    mixed,
    profile_of,
    spectrum,
    spectrum_and_rotation,
)

SIGNAL_SHARE = 4  # a low-rank signal has a quarter of the dimensions
CERTAIN_NATS = 6.0  # of a nearly deterministic dimension, whose noise is a 400th of its spread
DUPLICATE_SHARE, CONSTANT_SHARE = 4, 8  # a quarter of the dimensions are copies, an eighth constant


def draw_gaussian(size: ChannelSize, generator: np.random.Generator) -> Draw:
    """Gaussian pairs with a power-law spectrum; strong components carry more information than weak ones."""
    return draw_mixed(gaussian_components(size, profile_of(size), generator), generator)


def draw_low_rank(size: ChannelSize, generator: np.random.Generator) -> Draw:
    """A shared signal in a quarter of the dimensions, plus private noise on both sides."""
    return draw_mixed(gaussian_components(size, low_rank_nats(size), generator), generator)


def low_rank_nats(size: ChannelSize) -> Floats:
    """Information of each component of the signal."""
    return profile_of(size, max(1, size.n_shared // SIGNAL_SHARE))


def draw_nearly_deterministic(size: ChannelSize, generator: np.random.Generator) -> Draw:
    """A few target dimensions that the source predicts almost exactly, and others that it cannot predict.

    The target is not rotated: in a real embedding, dimensions shared with another model are separate.
    """
    components = gaussian_components(size, nearly_deterministic_nats(size), generator)
    order = generator.permutation(size.target_dim)
    mixing = np.diag(spectrum(size.target_dim))[:, order]
    return Draw(
        source=mixed(components.source, spectrum_and_rotation(size.source_dim, generator)),
        target=mixed(components.target, mixing),
        truth_nats=components.truth_nats,
        linear_nats=float(linear_nats_by_dim(mixing, components.residual_variances).sum()),
        gaussian_nats=components.gaussian_nats,
        varying_dim=size.target_dim,
    )


def nearly_deterministic_nats(size: ChannelSize) -> Floats:
    """Information of each known component: about 6 nats, with the required total."""
    total = size.nats_per_dim * size.target_dim
    n_certain = min(max(1, round(total / CERTAIN_NATS)), size.n_shared)
    check_component_nats(total / n_certain)
    return np.full(n_certain, total / n_certain)


def draw_redundant(size: ChannelSize, generator: np.random.Generator) -> Draw:
    """Gaussian pairs in which a quarter of each side's dimensions are copies and an eighth are constant.

    Copies add nothing to I(U; V), but a family with a diagonal residual counts them again. Nats are per
    varying dimension, as in all results.
    """
    base = base_size(size)
    components = gaussian_components(base, profile_of(base), generator)
    source_mixing = _with_copies(size.source_dim, base.source_dim, generator)
    target_mixing = _with_copies(size.target_dim, base.target_dim, generator)
    varies = np.flatnonzero(np.abs(target_mixing).sum(axis=1))
    level = np.float32(0.25)
    return Draw(
        source=mixed(components.source, source_mixing) + level,
        target=mixed(components.target, target_mixing) + level,
        truth_nats=components.truth_nats,
        linear_nats=float(linear_nats_by_dim(target_mixing[varies], components.residual_variances).sum()),
        gaussian_nats=components.gaussian_nats,
        varying_dim=len(varies),
    )


def base_size(size: ChannelSize) -> ChannelSize:
    """The channel without copies and constants, which carries the same information."""
    source, target = (_base_dim(dim) for dim in (size.source_dim, size.target_dim))
    varying = size.target_dim - size.target_dim // CONSTANT_SHARE
    return ChannelSize(source, target, size.n_items, size.nats_per_dim * varying / target)


def _base_dim(dim: int) -> int:
    """Number of dimensions that are neither copies nor constant."""
    return dim - dim // DUPLICATE_SHARE - dim // CONSTANT_SHARE


def _with_copies(dim: int, base_dim: int, generator: np.random.Generator) -> np.ndarray:
    """A mixing matrix with repeated and empty rows in random order, shape (dim, base_dim)."""
    base = spectrum_and_rotation(base_dim, generator)
    copies = base[generator.choice(base_dim, dim // DUPLICATE_SHARE, replace=False)]
    constant = np.zeros((dim // CONSTANT_SHARE, base_dim))
    return np.concatenate([base, copies, constant])[generator.permutation(dim)]
