r"""The parts of every channel with known truth: sizes, components, spectra, rotations and draws.

Most channels start with *components*: independent pairs (X_i, Y_i). The truth is the sum of the mutual
informations of the pairs. The components get a power-law spectrum and are rotated. This does not change the
mutual information, but dimensions and residuals become correlated, as in real embeddings.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suffice.errors import DataError

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

MAX_COMPONENT_NATS = 8.0  # above this, the noise of a component is close to single-precision rounding
SPECTRUM_EXPONENT = 1.0  # variance of component i is i ** -1, as in many embeddings
PROFILE_SLOPE = 0.8  # the first component carries 1.8 times the mean information, the last 0.2 times


@dataclass(frozen=True)
class ChannelSize:
    """The size of a channel.

    Attributes:
        source_dim: width of the source U.
        target_dim: width of the target V.
        n_items: number of items.
        nats_per_dim: required I(U; V) per varying dimension of the target.
    """

    source_dim: int
    target_dim: int
    n_items: int
    nats_per_dim: float

    @property
    def n_shared(self) -> int:
        """Number of component pairs that can carry information."""
        return min(self.source_dim, self.target_dim)


@dataclass(frozen=True)
class Draw:
    """Two embeddings of the same items, and their known values.

    Attributes:
        source: U, shape (n_items, source_dim).
        target: V, shape (n_items, target_dim).
        truth_nats: I(U; V).
        truth_error_nats: standard error of `truth_nats` if it is a Monte Carlo mean; 0 if it is exact to 1e-6
            nats per component.
        linear_nats: sum over target dimensions of -1/2 log(1 - R_j^2) in the population, the limit of a
            linear family with a diagonal residual; None if it is unknown.
        gaussian_nats: mutual information of the Gaussian pair with the same covariances, the limit of a
            family of joint Gaussians; None if it is unknown.
        varying_dim: number of target dimensions that vary.
    """

    source: Floats32
    target: Floats32
    truth_nats: float
    linear_nats: float | None
    gaussian_nats: float | None
    varying_dim: int
    truth_error_nats: float = 0.0


@dataclass(frozen=True)
class Components:
    """Independent pairs of uncorrelated components with zero mean and unit variance.

    Attributes:
        source: X, shape (n_items, source_dim).
        target: Y, shape (n_items, target_dim); component i depends only on component i of the source.
        residual_variances: variance of each target component given the best linear function of the source,
            shape (target_dim,).
        truth_nats: mutual information of the two sides.
    """

    source: Floats32
    target: Floats32
    residual_variances: Floats
    truth_nats: float

    @property
    def gaussian_nats(self) -> float:
        """Mutual information of the Gaussian pair with the same covariances."""
        return float(-0.5 * np.log(self.residual_variances).sum())


def information_profile(total_nats: float, n_components: int) -> Floats:
    """Information per component, falling evenly from 1.8 to 0.2 times the mean, shape (n_components,)."""
    place = (np.arange(n_components) + 0.5) / n_components
    return total_nats / n_components * (1 + PROFILE_SLOPE * (1 - 2 * place))


def check_component_nats(most_nats: float, limit: float = MAX_COMPONENT_NATS) -> None:
    """Raise DataError if one component would carry more than can be drawn or computed."""
    if most_nats > limit:
        raise DataError(
            f"one component would carry {most_nats:.3g} nats, but at most {limit:g} are possible; "
            "lower nats_per_dim or widen the narrower side"
        )


def profile_of(size: ChannelSize, n_components: int | None = None) -> Floats:
    """Information of each of the first components, by default of all that can be shared.

    Raises:
        DataError: one component would carry too much.
    """
    total = size.nats_per_dim * size.target_dim
    nats = information_profile(total, size.n_shared if n_components is None else n_components)
    check_component_nats(float(nats.max()))
    return nats


def even_nats(size: ChannelSize, limit: float) -> float:
    """Information of each component if all shared components carry the same.

    Raises:
        DataError: it is more than `limit`.
    """
    nats = size.nats_per_dim * size.target_dim / size.n_shared
    check_component_nats(nats, limit)
    return nats


def residual_variance_of(nats: Floats) -> Floats:
    r"""Residual variance, as a share, in a Gaussian pair with the given mutual information.

    .. math:: 1 - \rho^2 = e^{-2 I}

    Source: Cover and Thomas, Elements of Information Theory, 2nd ed., example 8.5.1.
    """
    return np.exp(-2 * nats)


def gaussian_components(size: ChannelSize, nats: Floats, generator: np.random.Generator) -> Components:
    """Gaussian pairs that carry the given nats each; components beyond `len(nats)` are private noise."""
    left = residual_variance_of(nats)
    source = normals(size.n_items, size.source_dim, generator)
    target = normals(size.n_items, size.target_dim, generator)
    shared = slice(0, len(nats))
    target[:, shared] *= np.sqrt(left).astype(np.float32)
    target[:, shared] += np.sqrt(-np.expm1(-2 * nats)).astype(np.float32) * source[:, shared]
    return Components(source, target, padded(left, size.target_dim), float(nats.sum()))


def normals(n_items: int, dim: int, generator: np.random.Generator) -> Floats32:
    """Standard normal values in single precision, shape (n_items, dim)."""
    return generator.standard_normal((n_items, dim), dtype=np.float32)


def padded(residual_variances: Floats, target_dim: int) -> Floats:
    """The shares of shared components, then 1 for each component that is private."""
    return np.r_[residual_variances, np.ones(target_dim - len(residual_variances))]


def spectrum(dim: int) -> Floats:
    """Standard deviations of a power-law spectrum, shape (dim,)."""
    return np.asarray(np.arange(1, dim + 1) ** (-SPECTRUM_EXPONENT / 2))


def rotation(dim: int, generator: np.random.Generator) -> Floats:
    """A rotation (or reflection) drawn uniformly, shape (dim, dim).

    Source: Mezzadri, Notices of the AMS 54 (2007), arXiv math-ph/0609050: QR with corrected signs.
    """
    factor, triangle = np.linalg.qr(generator.standard_normal((dim, dim)))
    return np.asarray(factor * np.sign(np.diag(triangle)))


def mixed(components: Floats32, mixing: Floats) -> Floats32:
    """Dimensions from components: row i of `mixing` gives dimension i, (n, k) -> (n, dim)."""
    return components @ mixing.T.astype(np.float32)


def spectrum_and_rotation(dim: int, generator: np.random.Generator) -> Floats:
    """A mixing matrix: a power-law spectrum, then a rotation, shape (dim, dim)."""
    return rotation(dim, generator) * spectrum(dim)


def linear_nats_by_dim(mixing: Floats, residual_variances: Floats) -> Floats:
    r"""-1/2 log(1 - R_j^2) of each target dimension, from uncorrelated components, shape (target_dim,).

    .. math:: 1 - R_j^2 = \sum_k M_{jk}^2 q_k / \sum_k M_{jk}^2

    with mixing M and residual variances q, because residuals of uncorrelated components are uncorrelated.
    """
    weights = np.square(mixing)
    return -0.5 * np.log(weights @ residual_variances / weights.sum(axis=1))


def gaussian_nats_of(source: Floats, target: Floats, across: Floats) -> float:
    r"""Mutual information of a Gaussian pair from its covariances, (d_u, d_u), (d_v, d_v) and (d_u, d_v).

    .. math:: I = \tfrac12 \log (|\Sigma_V| / |\Sigma_{V \mid U}|)

    Source: Cover and Thomas, Elements of Information Theory, 2nd ed., theorem 8.4.1.
    """
    left = target - across.T @ np.linalg.solve(source, across)
    return float(0.5 * (np.linalg.slogdet(target)[1] - np.linalg.slogdet(left)[1]))


def draw_mixed(components: Components, generator: np.random.Generator) -> Draw:
    """Both sides, each with its own spectrum and rotation."""
    source_mixing = spectrum_and_rotation(components.source.shape[1], generator)
    target_mixing = spectrum_and_rotation(components.target.shape[1], generator)
    return Draw(
        source=mixed(components.source, source_mixing),
        target=mixed(components.target, target_mixing),
        truth_nats=components.truth_nats,
        linear_nats=float(linear_nats_by_dim(target_mixing, components.residual_variances).sum()),
        gaussian_nats=components.gaussian_nats,
        varying_dim=components.target.shape[1],
    )
