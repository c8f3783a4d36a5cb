"""A normalising flow of affine coupling layers: exact likelihood."""

import math

import torch

from suffice.data.made.generators.base import Generator, perceptron

N_COUPLINGS, WIDTH = 6, 256
MAX_LOG_SCALE = 2.0  # of one coupling


class Coupling(torch.nn.Module):
    """Half of the numbers are scaled and shifted by what the other half says; the identity at first.

    Args:
        stays: whether each number stays as it is, shape (n_dims,).
        width: of the hidden layer.
    """

    def __init__(self, stays: torch.Tensor, width: int) -> None:
        super().__init__()
        self.kept = torch.nonzero(stays)[:, 0]
        self.moved = torch.nonzero(~stays)[:, 0]
        n_kept, n_moved = int(stays.sum()), int((~stays).sum())
        self.network = perceptron(n_kept, width, width, 2 * n_moved)
        for parameter in self.network[-1].parameters():
            torch.nn.init.zeros_(parameter)

    def _scale_and_shift(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        raw, shift = self.network(values[:, self.kept]).chunk(2, dim=1)
        return MAX_LOG_SCALE * torch.tanh(raw / MAX_LOG_SCALE), shift

    def forward(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The mapped values and the logarithm of the determinant, shapes (n, n_dims) and (n,)."""
        log_scale, shift = self._scale_and_shift(values)
        moved = values[:, self.moved] * log_scale.exp() + shift
        return values.index_copy(1, self.moved, moved), log_scale.sum(dim=1)

    def inverse(self, values: torch.Tensor) -> torch.Tensor:
        """The values that `forward` maps to these."""
        log_scale, shift = self._scale_and_shift(values)
        return values.index_copy(1, self.moved, (values[:, self.moved] - shift) * (-log_scale).exp())


class CouplingFlow(Generator):
    """Affine couplings between random halves of the pixels, on top of standardised pixels.

    Source: Dinh et al. 2017, arXiv 1605.08803, eq. 3 and 6-8.
    """

    def __init__(self, images: torch.Tensor, n_couplings: int = N_COUPLINGS, width: int = WIDTH) -> None:
        super().__init__()
        self.mean = images.mean(dim=0)
        self.sd = images.std(dim=0)
        n_pixels = images.shape[1]
        halves = []
        for _ in range(n_couplings // 2):
            half = torch.zeros(n_pixels, dtype=torch.bool)
            half[torch.randperm(n_pixels)[: n_pixels // 2]] = True
            halves += [half, ~half]
        self.chain = [Coupling(half, width) for half in halves]
        self.couplings = torch.nn.ModuleList(self.chain)  # so that their weights are found

    def latent(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The latent values, and the logarithm of the determinant of the whole map."""
        values = (images - self.mean) / self.sd
        determinant = -self.sd.log().sum().expand(len(images))
        for coupling in self.chain:
            values, change = coupling(values)
            determinant = determinant + change
        return values, determinant

    def log_density(self, images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        r"""The exact log-density, .. math:: \log \phi(f(x)) + \log |\det f'(x)|."""
        values, determinant = self.latent(images)
        return determinant - (values.square() + math.log(2 * math.pi)).sum(dim=1) / 2

    def loss(self, images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """Mean negative log-likelihood."""
        return -self.log_density(images, random).mean()

    def samples(self, n: int, random: torch.Generator) -> torch.Tensor:
        """Normal draws through the inverse map."""
        values = torch.randn(n, len(self.mean), generator=random)
        for coupling in reversed(self.chain):
            values = coupling.inverse(values)
        return values * self.sd + self.mean

    def vectors(self, images: torch.Tensor) -> torch.Tensor:
        """The latent values."""
        return self.latent(images)[0]
