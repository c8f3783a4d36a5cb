r"""Channels through random networks, with exact truth.

An invertible network does not change the mutual information: I(f(X); g(Y)) = I(X; Y). If only the source is
transformed, U = f(X) and V = A f^{-1}(U) + noise: the target is a random network of the source plus Gaussian
noise. A network that cannot be inverted works component by component, where the entropy of V = a f(U) + noise
is an integral in one dimension.
"""

from functools import cache

import numpy as np
from scipy.optimize import brentq

from suffice.kinds.calibration.channel import (
    ChannelSize,
    Components,
    Draw,
    Floats,
    Floats32,
    draw_mixed,
    even_nats,
    gaussian_components,
    mixed,
    normals,
    padded,
    profile_of,
    rotation,
    spectrum_and_rotation,
)

N_LAYERS = 3
LEAK = 0.2  # slope of the units below zero
STRETCH = 2.0  # the singular values of a layer are between 1/2 and 2
BIAS_SPREAD = 0.5
WIDEST_LINEAR = 256  # up to this width the linear value is computed, on a separate sample
LINEAR_ITEMS, LINEAR_ITEMS_PER_DIM = 30_000, 40

MOST_FUNCTION_NATS = 3.0
N_FUNCTIONS = 8
N_HIDDEN = 6
FUNCTION_SEED = 20_240_607
GRID = np.linspace(-8.0, 8.0, 2001)  # of a standard normal


class InvertibleNetwork:
    """A random network of square layers with leaky units: continuous, and with a continuous inverse.

    Args:
        dim: width of all layers.
        generator: draws weights and biases.
    """

    def __init__(self, dim: int, generator: np.random.Generator) -> None:
        self.weights = [self._layer(dim, generator) for _ in range(N_LAYERS)]
        self.biases = [BIAS_SPREAD * generator.standard_normal(dim) for _ in range(N_LAYERS)]

    def __call__(self, values: Floats32) -> Floats32:
        """The network's output, (n, dim) -> (n, dim)."""
        for weight, bias in zip(self.weights, self.biases, strict=True):
            values = mixed(values, weight) + bias.astype(np.float32)
            values = np.maximum(values, np.float32(LEAK) * values)
        return values

    def inverse(self, values: Floats) -> Floats:
        """The input for this output, in double precision."""
        for weight, bias in zip(self.weights[::-1], self.biases[::-1], strict=True):
            values = np.where(values > 0, values, values / LEAK)
            values = np.asarray(np.linalg.solve(weight, (values - bias).T).T)
        return values

    @staticmethod
    def _layer(dim: int, generator: np.random.Generator) -> Floats:
        stretch = STRETCH ** generator.uniform(-1, 1, size=dim)
        return rotation(dim, generator) * stretch @ rotation(dim, generator)


def draw_network_of_source(size: ChannelSize, generator: np.random.Generator) -> Draw:
    """The target is a random invertible network of the source, plus Gaussian noise."""
    return _draw_bent(size, generator, bend_target=False)


def draw_networks_of_both(size: ChannelSize, generator: np.random.Generator) -> Draw:
    """A Gaussian pair with each side through its own random invertible network."""
    return _draw_bent(size, generator, bend_target=True)


def _draw_bent(size: ChannelSize, generator: np.random.Generator, bend_target: bool) -> Draw:
    nats = profile_of(size)
    bend_source = InvertibleNetwork(size.source_dim, generator)
    bend = InvertibleNetwork(size.target_dim, generator) if bend_target else None
    mixing = spectrum_and_rotation(size.target_dim, generator)

    def draw(n_items: int) -> tuple[Floats32, Floats32, float]:
        sized = ChannelSize(size.source_dim, size.target_dim, n_items, size.nats_per_dim)
        components = gaussian_components(sized, nats, generator)
        target = bend(components.target) if bend else mixed(components.target, mixing)
        return bend_source(components.source), target, components.truth_nats

    source, target, truth = draw(size.n_items)
    linear, gaussian = None, None
    if max(size.source_dim, size.target_dim) <= WIDEST_LINEAR:
        n_sample = LINEAR_ITEMS + LINEAR_ITEMS_PER_DIM * size.source_dim
        linear, gaussian = sample_nats(*draw(n_sample)[:2])
    return Draw(source, target, truth, linear, gaussian, size.target_dim)


def sample_nats(source: Floats32, target: Floats32) -> tuple[float, float]:
    """The limits of a linear and a joint Gaussian family, by least squares on a large sample.

    Variances use degrees of freedom, and the bias d_u d_v / 2n of the log determinants is subtracted.
    """
    source, target = source - source.mean(axis=0), target - target.mean(axis=0)
    weights = np.linalg.lstsq(source, target, rcond=None)[0]
    left, total = (np.cov(values.T.astype(float), ddof=1) for values in (target - source @ weights, target))
    left, total = np.atleast_2d(left), np.atleast_2d(total)
    freedom = (len(source) - 1) / (len(source) - 1 - source.shape[1])
    linear = -0.5 * np.log(freedom * np.diag(left) / np.diag(total)).sum()
    bias = source.shape[1] * target.shape[1] / (2 * len(source))
    gaussian = 0.5 * (np.linalg.slogdet(total)[1] - np.linalg.slogdet(left)[1]) - bias
    return float(linear), float(gaussian)


def draw_noisy_function(size: ChannelSize, generator: np.random.Generator) -> Draw:
    """The target is a random network of the source that cannot be inverted, plus Gaussian noise.

    In rotated coordinates, each output is a one-dimensional network of one input. The rotations make every
    dimension depend on every other.
    """
    nats = even_nats(size, MOST_FUNCTION_NATS)
    source = normals(size.n_items, size.source_dim, generator)
    target = normals(size.n_items, size.target_dim, generator)
    residual_variances = np.empty(size.n_shared)
    for index in range(size.n_shared):
        which = index % N_FUNCTIONS
        share = function_share(which, nats)
        signal = random_function(which, source[:, index].astype(float))
        target[:, index] = np.sqrt(share) * signal + np.sqrt(1 - share) * target[:, index]
        residual_variances[index] = 1 - share * np.square(
            _mean_over_inputs(random_function(which, GRID) * GRID)
        )
    components = Components(source, target, padded(residual_variances, size.target_dim), nats * size.n_shared)
    return draw_mixed(components, generator)


def random_function(which: int, values: Floats) -> Floats:
    """One of eight fixed random networks of one variable, standardised for a standard normal input."""
    mean, spread = _moments(which)
    return (_raw_function(which, values) - mean) / spread


def _raw_function(which: int, values: Floats) -> Floats:
    generator = np.random.default_rng([FUNCTION_SEED, which])
    output, slope, shift = generator.standard_normal((3, N_HIDDEN))
    return np.asarray(np.tanh(np.multiply.outer(values, 2 * slope) + 2 * shift) @ output)


@cache
def _moments(which: int) -> tuple[float, float]:
    values = _raw_function(which, GRID)
    mean = _mean_over_inputs(values)
    return mean, float(np.sqrt(_mean_over_inputs(np.square(values - mean))))


def _mean_over_inputs(values: Floats) -> float:
    """Mean under a standard normal of values on the grid, by the trapezoid rule."""
    return float((values * _grid_weights()).sum())


def _grid_weights() -> Floats:
    weights = np.exp(-np.square(GRID) / 2)
    return weights / weights.sum()


@cache
def function_share(which: int, nats: float) -> float:
    """The share of the target's variance that is signal at which a component carries the given nats."""
    if nats == 0:
        return 0.0
    return float(brentq(lambda share: function_nats(which, share) - nats, 0.0, 1 - 1e-4, xtol=1e-10))


def function_nats(which: int, share: float) -> float:
    """Mutual information of U and sqrt(share) f(U) + sqrt(1 - share) noise, to 1e-6 nats.

    The entropy of the output is integrated over a grid of outputs, and its density over a grid of inputs.
    """
    signal = np.sqrt(share) * random_function(which, GRID)
    noise = np.sqrt(1 - share)
    step = min(noise / 4, 0.02)
    outputs = np.arange(signal.min() - 8 * noise, signal.max() + 8 * noise, step)
    density = np.zeros_like(outputs)
    for centre, weight in zip(signal, _grid_weights(), strict=True):
        if weight > 1e-14:
            density += weight * np.exp(-0.5 * np.square((outputs - centre) / noise))
    density /= noise * np.sqrt(2 * np.pi)
    positive = density[density > 0]
    entropy = -(positive * np.log(positive)).sum() * step
    return float(entropy - 0.5 * np.log(2 * np.pi * np.e * np.square(noise)))
