"""Autoregressive spline flows whose parameters change by a low-rank function of the source."""

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from zuko.nn import MaskedMLP
from zuko.transforms import MonotonicRQSTransform

from suffice.estimators.neural.mixture_network import HALF_LOG_2_PI

LATENT_BATCH = 4096


class SplineTransform(nn.Module):
    r"""A monotone rational-quadratic spline of each coordinate; its knots depend on earlier coordinates.

    Source: Durkan et al., Neural Spline Flows, NeurIPS 2019, arXiv 1906.04032, with the masked networks of
    Germain et al., MADE, ICML 2015, arXiv 1502.03509. A coordinate outside [-5, 5] is not changed. Before
    training, no coordinate is changed.

    Args:
        dim: number of coordinates.
        hidden_dims: widths of the hidden layers.
        n_bins: bins of a spline.
        backwards: whether a coordinate depends on later coordinates instead.
    """

    def __init__(self, dim: int, hidden_dims: list[int], n_bins: int, backwards: bool) -> None:
        super().__init__()
        self.sizes = [n_bins, n_bins, n_bins - 1]
        self.n_parameters = dim * sum(self.sizes)
        order = torch.arange(dim).flip(0) if backwards else torch.arange(dim)
        before = torch.cat([order[:, None] > order, torch.ones(dim, 1, dtype=torch.bool)], dim=1)
        adjacency = before.repeat_interleave(sum(self.sizes), dim=0)  # the last input is a constant
        self.network = MaskedMLP(adjacency, hidden_dims, activation=nn.SiLU)
        nn.init.zeros_(self.network[-1].weight)
        nn.init.zeros_(self.network[-1].bias)

    def forward(self, rows: Tensor, moved: Tensor | None) -> tuple[Tensor, Tensor]:
        """Rows (n, dim) transformed, and log-determinants (n,); `moved` is added to the parameters."""
        parameters = self.network(torch.cat([rows, torch.ones_like(rows[:, :1])], dim=1)).float()
        parameters = parameters if moved is None else parameters + moved.float()
        splines = MonotonicRQSTransform(*parameters.unflatten(1, (-1, sum(self.sizes))).split(self.sizes, -1))
        transformed, log_slope = splines.call_and_ladj(rows)
        return transformed, log_slope.sum(-1)


class MarginalFlow(nn.Module):
    """A flow from the target's coordinates to standard normal ones. Before training it is the identity.

    Args:
        dim: number of coordinates.
        hidden_dims: widths of the hidden layers of each transform.
        n_transforms: number of transforms, in alternating order of the coordinates.
        n_bins: bins of a spline.
        seed: seed of the initial weights.
    """

    def __init__(self, dim: int, hidden_dims: list[int], n_transforms: int, n_bins: int, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.steps = [
                SplineTransform(dim, hidden_dims, n_bins, backwards=bool(number % 2))
                for number in range(n_transforms)
            ]
        self.transforms = nn.ModuleList(self.steps)

    def forward(self, rows: Tensor) -> Tensor:
        """Log-density of rows (n, dim) in nats, shape (n,)."""
        latent, log_determinant = self.latent(rows, [None] * len(self.steps))
        return standard_normal(latent) + log_determinant

    def latent(self, rows: Tensor, moved: list[Tensor] | list[None]) -> tuple[Tensor, Tensor]:
        """Latent rows (n, dim) and log-determinants (n,)."""
        log_determinant = torch.zeros(len(rows), device=rows.device)
        for transform, move in zip(self.steps, moved, strict=True):
            rows, log_slope = transform(rows, move)
            log_determinant = log_determinant + log_slope
        return rows, log_determinant


class ConditionalFlow(nn.Module):
    r"""A fitted marginal flow that the source changes, with a conditional normal in its latent coordinates.

    .. math:: h = h_0 + B A(u)

    for the parameters h of every spline, where h_0 are those of the marginal flow, A is a network with few
    outputs, and B is a matrix that starts at 0. The mean and the log scale of the latent residual have the
    same form, with h_0 = 0.

    Args:
        flow: fitted to the target; training continues together with the rest.
        canonical: rotation to the canonical coordinates of the latent rows, shape (dim, dim), and scale of
            the latent residual there, shape (dim,).
        floor: smallest scale of the latent residual.
        widths: widths of the network A, from the source to its few outputs.
        seed: seed of the initial weights.
    """

    rotation: Tensor
    scale: Tensor
    log_floor: Tensor

    def __init__(
        self,
        flow: MarginalFlow,
        canonical: tuple[Tensor, Tensor],
        floor: float,
        widths: list[int],
        seed: int,
    ) -> None:
        super().__init__()
        self.flow = flow
        rotation, scale = canonical
        self.register_buffer("rotation", rotation)
        self.register_buffer("scale", scale)
        self.register_buffer("log_floor", torch.clamp(math.log(floor) - torch.log(scale), max=0.0))
        n_parameters = [transform.n_parameters for transform in flow.steps]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = _hidden_layers(widths)
        self.moves = nn.ModuleList(nn.Linear(widths[-1], each, bias=False) for each in n_parameters)
        self.normal = nn.Linear(widths[-1], 2 * len(scale))
        for layer in (*self.moves, self.normal):
            nn.init.zeros_(layer.weight)
        nn.init.zeros_(self.normal.bias)

    def forward(self, rows: Tensor, prediction: Tensor, source: Tensor) -> Tensor:
        """Log-density in nats of the latent residual and of the rows' map to it, shape (n,).

        Args:
            rows: coordinates of the target, shape (n, dim).
            prediction: of the latent rows in canonical coordinates, shape (n, dim).
            source: shape (n, d_u).
        """
        hidden = self.network(source)
        latent, log_determinant = self.flow.latent(rows, [move(hidden) for move in self.moves])
        shift, log_scale = self.normal(hidden).float().chunk(2, dim=-1)
        log_scale = torch.maximum(log_scale, self.log_floor)
        with torch.autocast(rows.device.type, enabled=False):
            residual = (latent @ self.rotation - prediction) / self.scale
        standard = (residual - shift) * torch.exp(-log_scale)
        return standard_normal(standard) - log_scale.sum(-1) + log_determinant


def standard_normal(rows: Tensor) -> Tensor:
    """Log-density of rows (n, dim) under the standard normal, shape (n,)."""
    return -0.5 * rows.square().sum(-1) - rows.shape[1] * HALF_LOG_2_PI


def _hidden_layers(widths: list[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(before, after), nn.SiLU()]
    return nn.Sequential(*layers[:-1])


@torch.no_grad()
def latent_rows(flow: MarginalFlow, rows: npt.NDArray[np.float32], device: str) -> npt.NDArray[np.float32]:
    """Latent coordinates of rows (n, dim), batch by batch."""
    flow.to(device)
    unmoved = [None] * len(flow.steps)
    parts = [
        flow.latent(torch.from_numpy(rows[start : start + LATENT_BATCH]).to(device), unmoved)[0].cpu()
        for start in range(0, len(rows), LATENT_BATCH)
    ]
    return torch.cat(parts).numpy()
