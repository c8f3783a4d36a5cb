"""Mixtures of normal densities, and mixtures that a network of the source shifts, scales and re-weights."""

import math

import torch
from torch import Tensor, nn

HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)
INITIAL_SPREAD = 0.5  # distance of a component's initial mean from 0, about


class NormalMixture(nn.Module):
    r"""A mixture of K normal densities with diagonal covariances that starts nearly standard normal.

    .. math:: q(r) = \sum_k w_k \prod_j s_{kj}^{-1} \phi((r_j - m_{kj}) / s_{kj})

    Args:
        dim: width of the rows.
        n_components: number K of components.
        log_floor: smallest log s of each coordinate, shape (dim,), at most 0.
        seed: seed of the initial means.
    """

    log_floor: Tensor

    def __init__(self, dim: int, n_components: int, log_floor: Tensor, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        means = torch.randn((n_components, dim), generator=generator)
        self.means = nn.Parameter(means * INITIAL_SPREAD / dim**0.5)
        self.log_scales = nn.Parameter(torch.zeros(n_components, dim))
        self.logits = nn.Parameter(torch.zeros(n_components))
        self.register_buffer("log_floor", log_floor)

    def forward(self, rows: Tensor, logits: Tensor | None = None) -> Tensor:
        """Log-density of rows (n, dim) in nats, shape (n,); `logits` (n, K) are added to the weights'."""
        with torch.autocast(rows.device.type, enabled=False):
            return self._log_prob(rows, self.logits if logits is None else self.logits + logits)

    def _log_prob(self, rows: Tensor, logits: Tensor) -> Tensor:
        log_scales = torch.maximum(self.log_scales, self.log_floor)
        precision = torch.exp(-2 * log_scales)
        # The square of (row - mean) / scale, multiplied out: no array of rows, components and dimensions.
        distance = (
            rows.square() @ precision.T
            - 2 * rows @ (precision * self.means).T
            + (precision * self.means.square()).sum(-1)
        )  # (n, K)
        component = -0.5 * distance - log_scales.sum(-1) - rows.shape[1] * HALF_LOG_2_PI
        return torch.logsumexp(component + torch.log_softmax(logits, dim=-1), dim=-1)


class ConditionalMixture(nn.Module):
    """A mixture that a network of the source shifts, scales and re-weights; it starts without any effect.

    Args:
        mixture: density of the rows after shift and scale are undone.
        source_dim: width of the source.
        hidden_dims: widths of the hidden layers.
        log_floor: smallest logarithm of the network's scale of each coordinate, shape (dim,).
        seed: seed of the initial weights.
    """

    log_floor: Tensor

    def __init__(
        self, mixture: NormalMixture, source_dim: int, hidden_dims: list[int], log_floor: Tensor, seed: int
    ) -> None:
        super().__init__()
        self.mixture = mixture
        n_components, dim = mixture.means.shape
        self.outputs = [dim, dim, n_components]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = network([source_dim, *hidden_dims], sum(self.outputs))
        self.register_buffer("log_floor", log_floor)

    def forward(self, rows: Tensor, source: Tensor) -> Tensor:
        """Log-density of rows (n, dim) given `source` (n, d_u) in nats, shape (n,)."""
        shift, log_scale, logits = torch.split(self.network(source).float(), self.outputs, dim=-1)
        log_scale = torch.maximum(log_scale, self.log_floor)
        return self.mixture((rows - shift) * torch.exp(-log_scale), logits) - log_scale.sum(-1)


def network(widths: list[int], output_dim: int) -> nn.Sequential:
    """A multilayer perceptron whose output is 0 until it is trained."""
    layers: list[nn.Module] = []
    for before, after in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(before, after), nn.SiLU()]
    last = nn.Linear(widths[-1], output_dim)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)
