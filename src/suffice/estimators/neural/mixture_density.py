"""Mixtures of diagonal normal densities, or of bits, marginal and conditional, and their fit.

A density's `forward` returns the log-density of the target rows. Its loss is therefore the mean of
`-density(target, source)`.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from suffice.errors import EstimationError

LOG_2_PI = math.log(2 * math.pi)
SCORE_BATCH = 4096
MAX_GRID_VALUES = 1 << 25  # of (rows, components, dimensions) at once while scoring


def mixture_log_prob(rows: Tensor, means: Tensor, raw_scales: Tensor, logits: Tensor) -> Tensor:
    """Log-density of a mixture whose inverse standard deviations are exp(tanh(raw_scales)).

    Args:
        rows: shape (n, d).
        means: shape (K, d) or (n, K, d).
        raw_scales: of the same shape as `means`.
        logits: unnormalised log-weights, shape (K,) or (n, K).

    Returns:
        Log-densities in nats, shape (n,).
    """
    log_inverse_std = torch.tanh(raw_scales)
    standard = torch.exp(log_inverse_std) * (rows.unsqueeze(1) - means)  # (n, K, d)
    component = -0.5 * standard.square().sum(-1) + log_inverse_std.sum(-1) - 0.5 * rows.shape[-1] * LOG_2_PI
    return torch.logsumexp(component + torch.log_softmax(logits, dim=-1), dim=-1)


def bits_log_prob(rows: Tensor, raw_shares: Tensor, logits: Tensor) -> Tensor:
    """Log-probability of rows of bits under a mixture of products of Bernoulli distributions.

    Args:
        rows: zeros and ones, shape (n, d).
        raw_shares: logits of the probability of a one, shape (K, d) or (n, K, d).
        logits: unnormalised log-weights, shape (K,) or (n, K).

    Returns:
        Log-probabilities in nats, shape (n,).
    """
    component = (rows.unsqueeze(1) * raw_shares).sum(-1) - nn.functional.softplus(raw_shares).sum(-1)
    return torch.logsumexp(component + torch.log_softmax(logits, dim=-1), dim=-1)


class MarginalMixture(nn.Module):
    """A mixture with free parameters; `source` is ignored.

    Args:
        dim: width d of the rows.
        n_components: number K of components.
        initial_spread: standard deviation of the initial means and raw scales.
        seed: seed of the initial values.
        bernoulli: whether rows are zeros and ones, whose logits then stand in the place of means.
    """

    def __init__(
        self, dim: int, n_components: int, initial_spread: float, seed: int, *, bernoulli: bool = False
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        shape = (n_components, dim)
        self.means = nn.Parameter(initial_spread * torch.randn(shape, generator=generator))
        if not bernoulli:
            self.raw_scales = nn.Parameter(initial_spread * torch.randn(shape, generator=generator))
        self.logits, self.bernoulli = nn.Parameter(torch.ones(n_components)), bernoulli

    def forward(self, rows: Tensor, source: Tensor | None = None) -> Tensor:
        """Log-density of `rows` (n, d) in nats, shape (n,)."""
        if self.bernoulli:
            return bits_log_prob(rows, self.means, self.logits)
        return mixture_log_prob(rows, self.means, self.raw_scales, self.logits)


class ConditionalMixture(nn.Module):
    """A mixture whose means, raw scales and weights come from one network of the source, or from three.

    Args:
        source_dim: width d_u of the source.
        target_dim: width d_v of the rows.
        n_components: number K of components.
        hidden_dims: widths of the hidden layers, each a LayerNorm, a linear map and a ReLU.
        merged: one network for all outputs, or one for means, one for raw scales and one for weights.
        seed: seed of the initial weights.
        bernoulli: as of `MarginalMixture`.
    """

    def __init__(
        self,
        source_dim: int,
        target_dim: int,
        *,
        n_components: int,
        hidden_dims: list[int],
        merged: bool,
        seed: int,
        bernoulli: bool = False,
    ) -> None:
        super().__init__()
        self.grid = (n_components, target_dim)
        self.outputs = [n_components * target_dim] * (1 if bernoulli else 2) + [n_components]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            output_dims = [sum(self.outputs)] if merged else self.outputs
            self.networks = nn.ModuleList(_network([source_dim, *hidden_dims], dim) for dim in output_dims)

    def forward(self, rows: Tensor, source: Tensor) -> Tensor:
        """Log-density of `rows` (n, d_v) given `source` (n, d_u) in nats, shape (n,)."""
        outputs = [network(source) for network in self.networks]
        parts = outputs if len(outputs) > 1 else list(torch.split(outputs[0], self.outputs, dim=-1))
        logits, grids = parts[-1], [part.reshape(-1, *self.grid) for part in parts[:-1]]
        if len(grids) == 1:
            return bits_log_prob(rows, grids[0], logits)
        return mixture_log_prob(rows, grids[0], grids[1], logits)


def _network(widths: list[int], output_dim: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.LayerNorm(before), nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], output_dim))


@dataclass(frozen=True)
class Fit:
    """The result of a fit.

    Attributes:
        log_prob: log-density of each scored item in nats, shape (n_scored,).
        losses: mean negative log-density over each epoch's steps in nats, shape (n_epochs,).
    """

    log_prob: npt.NDArray[np.float64]
    losses: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Descent:
    """Settings of a fit.

    Attributes:
        n_epochs: passes over the items.
        learning_rate: Adam's step.
        batch_size: items in one step.
        seed: seed of the order of the items.
        device: torch device.
    """

    n_epochs: int
    learning_rate: float
    batch_size: int
    seed: int
    device: str


def fit_density(
    density: nn.Module,
    target: npt.NDArray[np.float32],
    source: npt.NDArray[np.float32] | None,
    items: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    descent: Descent,
) -> Fit:
    """Maximise the likelihood of the target given the source with Adam for a fixed number of epochs.

    Args:
        density: gives the log-density of target rows given source rows.
        target: standardised, shape (n_items, d_v).
        source: standardised, shape (n_items, d_u), or None for a marginal.
        items: positions to fit on and positions to score.
        descent: settings of the fit.

    Raises:
        EstimationError: the loss is no longer finite.
    """
    train, scored = items
    density = density.to(descent.device)
    target_rows = torch.from_numpy(target).to(descent.device)
    source_rows = None if source is None else torch.from_numpy(source).to(descent.device)
    optimiser = torch.optim.Adam(density.parameters(), lr=descent.learning_rate, fused=True)
    losses = np.zeros(descent.n_epochs)
    with denormals_flushed():
        for epoch, batch in _shuffled_batches(train, descent):
            optimiser.zero_grad(set_to_none=True)
            rows = torch.from_numpy(batch).to(descent.device)
            loss = -density(target_rows[rows], None if source_rows is None else source_rows[rows]).mean()
            if not torch.isfinite(loss):
                where = f"epoch {epoch + 1}"
                raise EstimationError(f"the loss is {loss.item()} in {where}; lower the learning rate")
            loss.backward()
            optimiser.step()
            losses[epoch] += loss.item() * len(batch) / len(train)
        return Fit(_score(density, target_rows, source_rows, scored), losses)


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Treat numbers below 1e-38 as 0. Components far from a row have such gradients.

    They slow a processor down: without them, a step of 384 dimensions takes 0.04 s instead of 0.25 s.
    """
    before = bool(torch.tensor(1e-40).double() == 0)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def _shuffled_batches(
    items: npt.NDArray[np.int64], descent: Descent
) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Epoch number and positions of the items of each step."""
    generator = np.random.default_rng(descent.seed)
    for epoch in range(descent.n_epochs):
        order = generator.permutation(items)
        for start in range(0, len(order), descent.batch_size):
            yield epoch, order[start : start + descent.batch_size]


@torch.no_grad()
def _score(
    density: nn.Module, target: Tensor, source: Tensor | None, items: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Log-density of the given items, in batches that keep the grid of components small."""
    batch = max(1, min(SCORE_BATCH, MAX_GRID_VALUES // (8 * target.shape[1])))
    parts = []
    for start in range(0, len(items), batch):
        rows = torch.from_numpy(items[start : start + batch]).to(target.device)
        parts.append(density(target[rows], None if source is None else source[rows]).double().cpu().numpy())
    return np.concatenate(parts)
