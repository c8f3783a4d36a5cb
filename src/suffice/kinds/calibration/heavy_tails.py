r"""A multivariate Student t pair: one radius for all dimensions, which both sides reveal.

.. math:: I = -\tfrac12 \sum_i \log(1 - \rho_i^2) + \Phi(d_u) + \Phi(d_v) - \Phi(d_u + d_v)

where the entropy of a d-dimensional t with scale matrix S is 1/2 log |S| + Phi(d). Source: the entropy in
Kotz and Nadarajah, Multivariate t Distributions and Their Applications (2004), section 1.12; the same
correction in Czyz et al., NeurIPS 2023, arXiv 2306.11078.
"""

from dataclasses import replace

import numpy as np
from scipy.special import digamma, gammaln

from suffice.errors import DataError
from suffice.kinds.calibration.channel import (
    ChannelSize,
    Components,
    Draw,
    Floats,
    draw_mixed,
    gaussian_components,
    profile_of,
)

DEGREES_OF_FREEDOM = 5.0


def draw_student(size: ChannelSize, generator: np.random.Generator) -> Draw:
    """A multivariate t with 5 degrees of freedom, with a power-law spectrum.

    Raises:
        DataError: the common radius alone carries more nats than requested.
    """
    nats, common = student_nats(size)
    gaussian = gaussian_components(size, nats, generator)
    squared = generator.chisquare(DEGREES_OF_FREEDOM, (size.n_items, 1)) / (DEGREES_OF_FREEDOM - 2)
    radius = (1 / np.sqrt(squared)).astype(np.float32)  # unit variance
    source, target = gaussian.source * radius, gaussian.target * radius
    components = Components(source, target, gaussian.residual_variances, gaussian.truth_nats + common)
    return draw_mixed(components, generator)


def student_nats(size: ChannelSize) -> tuple[Floats, float]:
    """Information of each component without the radius, and the information of the radius."""
    common = radius_nats(size.source_dim, size.target_dim, DEGREES_OF_FREEDOM)
    left = size.nats_per_dim - common / size.target_dim
    if left < 0:
        raise DataError(
            f"a multivariate t of {size.source_dim} and {size.target_dim} dimensions carries at least "
            f"{common / size.target_dim:.3g} nats per dimension, so {size.nats_per_dim:g} is too low"
        )
    return profile_of(replace(size, nats_per_dim=left)), common


def radius_nats(source_dim: int, target_dim: int, degrees: float) -> float:
    """Mutual information of two uncorrelated blocks of one multivariate t, in nats."""
    parts = (_entropy_term(dim, degrees) for dim in (source_dim, target_dim, source_dim + target_dim))
    source, target, both = parts
    return source + target - both


def _entropy_term(dim: int, degrees: float) -> float:
    """Entropy of the standard t of this dimension, in nats."""
    half = (degrees + dim) / 2
    constant = gammaln(degrees / 2) - gammaln(half) + dim / 2 * np.log(degrees * np.pi)
    return float(constant + half * (digamma(half) - digamma(degrees / 2)))
