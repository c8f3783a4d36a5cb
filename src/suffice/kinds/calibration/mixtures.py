r"""Channels with hidden classes: two for each component, or eight that all components share."""

from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp

from suffice.kinds.calibration.channel import (
    ChannelSize,
    Components,
    Draw,
    Floats,
    Floats32,
    draw_mixed,
    even_nats,
    gaussian_components,
    gaussian_nats_of,
    mixed,
    normals,
    padded,
    profile_of,
    rotation,
)

MOST_CLASS_NATS = 5.0  # of a component; above this, the quadrature would need a finer grid
N_GRID = 4001
N_CLASSES = 8
CLASS_SEPARATION = 3.0  # length of a class mean, in standard deviations within a class
N_MONTE_CARLO = 200_000


def draw_mixture(size: ChannelSize, generator: np.random.Generator) -> Draw:
    r"""Components with two hidden classes each; in every second one linear correlation is exactly zero.

    With class c = +-1 and within-class correlation r, X = m c + s z, Y = m c + s z', s^2 = 1 - m^2 and
    r s^2 = m^2 or -m^2: classes and noise pull together, or against each other.
    """
    nats = even_nats(size, MOST_CLASS_NATS)
    together, against = class_share(nats, together=True), class_share(nats, together=False)
    aligned = np.arange(size.n_shared) % 2 == 0
    share = np.where(aligned, together, against)  # m^2, shape (n_shared,)
    sides = _class_pairs(size.n_items, share, aligned, generator)
    source, target = (
        np.concatenate([side, normals(size.n_items, dim - size.n_shared, generator)], axis=1)
        for side, dim in zip(sides, (size.source_dim, size.target_dim), strict=True)
    )
    residual_variances = np.where(aligned, 1 - np.square(2 * share), 1.0)
    components = Components(source, target, padded(residual_variances, size.target_dim), nats * size.n_shared)
    return draw_mixed(components, generator)


def _class_pairs(
    n_items: int, share: Floats, aligned: np.ndarray, generator: np.random.Generator
) -> tuple[Floats32, Floats32]:
    """Both sides of the pairs from their sum and difference, which are independent within a class."""
    classes = generator.choice(np.array([-1, 1], dtype=np.float32), size=(n_items, len(share)))
    along = np.where(aligned, 1.0, 1 - 2 * share)  # variance of (X + Y) / sqrt(2) within a class
    across = np.where(aligned, 1 - 2 * share, 1.0)
    noise = (normals(n_items, len(share), generator) for _ in range(2))
    total, difference = (
        values * np.sqrt(variance / 2).astype(np.float32)
        for values, variance in zip(noise, (along, across), strict=True)
    )
    centre = np.sqrt(share).astype(np.float32) * classes
    return centre + total + difference, centre + total - difference


@cache
def class_share(nats: float, together: bool) -> float:
    """The squared class mean m^2 in [0, 1/2) at which a component carries the given nats."""
    if nats == 0:
        return 0.0
    return float(brentq(lambda share: class_nats(share, together) - nats, 0.0, 0.5 - 1e-9, xtol=1e-15))


def class_nats(share: float, together: bool) -> float:
    r"""Mutual information of one component pair with squared class mean `share`, to 1e-6 nats.

    .. math:: I = h(X) + h(Y) - h\big(\tfrac{X+Y}{\sqrt2}\big) - h\big(\tfrac{X-Y}{\sqrt2}\big)

    The difference does not depend on the class, so it is normal and independent of the sum. The other three
    are mixtures of two normals in one dimension, integrated by the trapezoid rule.
    """
    along, across = (1.0, 1 - 2 * share) if together else (1 - 2 * share, 1.0)
    difference = 0.5 * np.log(2 * np.pi * np.e * across)
    each = two_class_entropy(np.sqrt(share), np.sqrt(1 - share))
    return 2 * each - two_class_entropy(np.sqrt(2 * share), np.sqrt(along)) - float(difference)


def two_class_entropy(mean: float, spread: float) -> float:
    """Entropy of an even mixture of normals at -mean and mean, in nats."""
    reach = 9 * spread
    grid = np.linspace(-mean - reach, mean + reach, N_GRID)
    scaled = np.stack([(grid - mean) / spread, (grid + mean) / spread])
    log_density = logsumexp(-0.5 * np.square(scaled), axis=0) - np.log(2 * spread * np.sqrt(2 * np.pi))
    return float(-np.trapezoid(np.exp(log_density) * log_density, grid))


def draw_clusters(size: ChannelSize, generator: np.random.Generator) -> Draw:
    r"""Gaussian pairs around the means of eight classes that both sides share.

    .. math:: I(U; V) = I(U; V \mid C) + I(U; C) + I(V; C) - I((U, V); C)

    `nats_per_dim` sets the first term, which is exact. The three terms about the class are Monte Carlo means
    with a known error.
    """
    nats = profile_of(size)
    components = gaussian_components(size, nats, generator)
    source_means, target_means = means = [
        CLASS_SEPARATION / np.sqrt(dim) * generator.standard_normal((N_CLASSES, dim))
        for dim in (size.source_dim, size.target_dim)
    ]
    correlation = np.sqrt(-np.expm1(-2 * nats))
    class_information, error = _information_from_classes(source_means, target_means, correlation, generator)
    classes = generator.integers(N_CLASSES, size=size.n_items)
    turns = [rotation(dim, generator) for dim in (size.source_dim, size.target_dim)]
    sides = zip((components.source, components.target), means, turns, strict=True)
    source, target = (mixed(side + mean[classes].astype(np.float32), turn) for side, mean, turn in sides)
    covariances = _covariances_of_clusters(source_means, target_means, correlation)
    return Draw(
        source=source,
        target=target,
        truth_nats=components.truth_nats + class_information,
        truth_error_nats=error,
        linear_nats=_linear_nats_after(turns[1], *covariances),
        gaussian_nats=gaussian_nats_of(*covariances),
        varying_dim=size.target_dim,
    )


def _covariance_across(source_dim: int, target_dim: int, correlation: Floats) -> Floats:
    """Covariance of the two sides within a class, shape (source_dim, target_dim)."""
    across = np.zeros((source_dim, target_dim))
    np.fill_diagonal(across, correlation)
    return across


def _covariances_of_clusters(
    source_means: Floats, target_means: Floats, correlation: Floats
) -> tuple[Floats, Floats, Floats]:
    """Covariances of the whole mixture before the rotations: (d_u, d_u), (d_v, d_v) and (d_u, d_v)."""
    centred = [means - means.mean(axis=0) for means in (source_means, target_means)]
    source, target = (np.eye(means.shape[1]) + means.T @ means / N_CLASSES for means in centred)
    across = _covariance_across(len(source), len(target), correlation)
    return source, target, across + centred[0].T @ centred[1] / N_CLASSES


def _linear_nats_after(turn: Floats, source: Floats, target: Floats, across: Floats) -> float:
    """The limit of a linear family after a rotation of the target."""
    residual = target - across.T @ np.linalg.solve(source, across)
    left, total = (((turn @ matrix) * turn).sum(axis=1) for matrix in (residual, target))
    return float(-0.5 * np.log(left / total).sum())


def _information_from_classes(
    source_means: Floats, target_means: Floats, correlation: Floats, generator: np.random.Generator
) -> tuple[float, float]:
    """I(U; C) + I(V; C) - I((U, V); C) and its standard error, in nats.

    The log-likelihood of a class is linear in the item. Only its values at the eight means have to be drawn,
    for any number of dimensions.
    """
    across = _covariance_across(source_means.shape[1], target_means.shape[1], correlation)
    within = np.block([[np.eye(len(across)), across], [across.T, np.eye(across.shape[1])]])
    both = np.concatenate([source_means, target_means], axis=1)
    of_source, of_target = np.zeros_like(both), np.zeros_like(both)
    of_source[:, : len(across)], of_target[:, len(across) :] = source_means, target_means
    weights = [of_source, of_target, _by_precision(source_means, target_means, correlation)]
    maps = np.concatenate(weights)  # (3 * n_classes, d_u + d_v)
    centres = both @ maps.T  # (n_classes, 3 * n_classes)
    classes = generator.integers(N_CLASSES, size=N_MONTE_CARLO)
    root = _square_root(maps @ within @ maps.T)
    values = centres[classes] + generator.standard_normal((N_MONTE_CARLO, len(root))) @ root
    offsets = np.concatenate([(weight * both).sum(axis=1) / 2 for weight in weights])
    likelihoods = (values - offsets).reshape(N_MONTE_CARLO, 3, N_CLASSES)
    own = np.take_along_axis(likelihoods, classes[:, None, None], axis=2)[:, :, 0]
    known = own + np.log(N_CLASSES) - logsumexp(likelihoods, axis=2)  # (n, 3)
    each = known[:, 0] + known[:, 1] - known[:, 2]
    return float(each.mean()), float(each.std() / np.sqrt(N_MONTE_CARLO))


def _by_precision(source_means: Floats, target_means: Floats, correlation: Floats) -> Floats:
    """Class means times the joint precision within a class, shape (n_classes, d_u + d_v)."""
    shared = len(correlation)
    source, target = source_means.copy(), target_means.copy()
    left = 1 - np.square(correlation)
    source[:, :shared] = (source_means[:, :shared] - correlation * target_means[:, :shared]) / left
    target[:, :shared] = (target_means[:, :shared] - correlation * source_means[:, :shared]) / left
    return np.concatenate([source, target], axis=1)


def _square_root(covariance: Floats) -> Floats:
    """A matrix R with R^T R = covariance, which may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T)
