r"""Gaussian pairs with monotone functions of their dimensions: the truth is unchanged, the shape is not.

The covariances of transformed dimensions are exact. With g = sum_k a_k He_k the expansion in probabilists'
Hermite polynomials, and X, Y standard normal with correlation r,

.. math:: \mathrm{Cov}(g(X), h(Y)) = \sum_{k \ge 1} k! \, a_k b_k r^k

Source: Mehler's formula, Lancaster (1957), Biometrika 44, doi 10.2307/2333274. The limit of a linear family
follows from these covariances.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np
import scipy.linalg
from scipy.special import ndtr, stdtrit

from suffice.kinds.calibration.channel import (
    ChannelSize,
    Draw,
    Floats,
    Floats32,
    gaussian_components,
    gaussian_nats_of,
    mixed,
    profile_of,
    residual_variance_of,
    spectrum_and_rotation,
)

N_COEFFICIENTS = 60
TAIL = 11.0  # a standard normal is never beyond this
MARGIN_DEGREES = 3.0
Warp = Callable[[Floats], Floats]


def _cubic(values: Floats) -> Floats:
    return np.asarray(values**3)


def _stretched_up(values: Floats) -> Floats:
    return np.asarray(np.exp(values))


def _stretched_down(values: Floats) -> Floats:
    return np.asarray(-np.exp(-values))


def _student(values: Floats, degrees: float = MARGIN_DEGREES) -> Floats:
    """The value of the same rank under a Student t, from the lower tail for precision."""
    return np.asarray(-np.sign(values) * stdtrit(degrees, ndtr(-np.abs(values))))


SOURCE_WARPS: tuple[Warp, ...] = (_stretched_up, _cubic)
TARGET_WARPS: tuple[Warp, ...] = (_stretched_down, _cubic)
HEAVY_WARPS: tuple[Warp, ...] = (_student,)
MILD_TAILS: Warp = partial(_student, degrees=5.0)  # with a finite fourth moment


def draw_warped(size: ChannelSize, generator: np.random.Generator) -> Draw:
    """Dimensions stretched by exponentials and cubes, differently on each side: a Gaussian copula."""
    return _draw_bent(size, SOURCE_WARPS, TARGET_WARPS, generator)


def draw_heavy_margins(size: ChannelSize, generator: np.random.Generator) -> Draw:
    """A Gaussian copula whose dimensions are Student t with 3 degrees of freedom."""
    return _draw_bent(size, HEAVY_WARPS, HEAVY_WARPS, generator)


def _draw_bent(
    size: ChannelSize,
    source_warps: Sequence[Warp],
    target_warps: Sequence[Warp],
    generator: np.random.Generator,
) -> Draw:
    nats = profile_of(size)
    components = gaussian_components(size, nats, generator)
    source_mixing = unit_rows(spectrum_and_rotation(size.source_dim, generator))
    target_mixing = unit_rows(spectrum_and_rotation(size.target_dim, generator))
    correlation = np.sqrt(1 - residual_variance_of(nats))
    shared = slice(0, size.n_shared)
    across = (source_mixing[:, shared] * correlation) @ target_mixing[:, shared].T  # (d_u, d_v)
    source_warp = _cycled(source_warps, size.source_dim)
    target_warp = _cycled(target_warps, size.target_dim)
    covariances = (
        bent_covariance(source_mixing @ source_mixing.T, source_warp, source_warp),
        bent_covariance(target_mixing @ target_mixing.T, target_warp, target_warp),
        bent_covariance(across, source_warp, target_warp),
    )
    return Draw(
        source=bend(mixed(components.source, source_mixing), source_warp),
        target=bend(mixed(components.target, target_mixing), target_warp),
        truth_nats=components.truth_nats,
        linear_nats=linear_nats_of(*covariances),
        gaussian_nats=gaussian_nats_of(*covariances),
        varying_dim=size.target_dim,
    )


def unit_rows(mixing: Floats) -> Floats:
    """The mixing scaled to unit variance of the dimensions, as the warps expect."""
    return np.asarray(mixing / np.linalg.norm(mixing, axis=1, keepdims=True))


def _cycled(warps: Sequence[Warp], dim: int) -> list[Warp]:
    return [warps[index % len(warps)] for index in range(dim)]


def bend(values: Floats32, warps: Sequence[Warp]) -> Floats32:
    """Each dimension through its warp, in double precision, one column at a time."""
    for index, warp in enumerate(warps):
        values[:, index] = warp(values[:, index].astype(float))
    return values


@cache
def _hermite_coefficients(warp: Warp) -> Floats:
    """a_k sqrt(k!) for k = 0 .. 60, by the trapezoid rule, which is exact for smooth tails like these."""
    grid = np.linspace(-TAIL, TAIL, 20_001)
    weight = np.exp(-np.square(grid) / 2) / np.sqrt(2 * np.pi) * (grid[1] - grid[0])
    before, polynomial = np.zeros_like(grid), np.ones_like(grid)  # He_k / sqrt(k!)
    bent, coefficients = warp(grid), []
    for order in range(N_COEFFICIENTS + 1):
        coefficients.append((weight * bent * polynomial).sum())
        following = (grid * polynomial - np.sqrt(order) * before) / np.sqrt(order + 1)
        before, polynomial = polynomial, following
    return np.array(coefficients)


def bent_covariance(correlation: Floats, rows: Sequence[Warp], columns: Sequence[Warp]) -> Floats:
    """Covariance of warped dimensions from the correlation before, shape (len(rows), len(columns))."""
    left = np.stack([_hermite_coefficients(warp) for warp in rows])
    right = np.stack([_hermite_coefficients(warp) for warp in columns])
    covariance = np.zeros_like(correlation)
    for order in range(N_COEFFICIENTS, 0, -1):  # Horner's scheme
        covariance = (covariance + np.outer(left[:, order], right[:, order])) * correlation
    return covariance


def linear_nats_of(source: Floats, target: Floats, across: Floats) -> float:
    """Sum of -1/2 log(1 - R_j^2) from covariances: (d_u, d_u), (d_v, d_v) and (d_u, d_v)."""
    predicted = (across * scipy.linalg.solve(source, across, assume_a="pos")).sum(axis=0)
    return float(-0.5 * np.log1p(-predicted / np.diag(target)).sum())
