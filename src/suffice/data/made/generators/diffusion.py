r"""A diffusion model: a network removes noise, and new images are noise that is removed step by step.

With :math:`\gamma` the negative log of the ratio of signal to noise,

.. math:: z_\gamma = \alpha x + \sigma \epsilon, \quad \sigma^2 = 1 - \alpha^2 = \mathrm{sigmoid}(\gamma)

Source: Kingma et al. 2021, arXiv 2107.00630, with :math:`\gamma` linear in time. The network predicts v
(Salimans and Ho 2022, arXiv 2202.00512).
"""

import math

import torch

from suffice.data.made.generators.base import Generator, perceptron

LEAST, MOST = -6.5, 5.0  # gamma without noise (sd 0.039, that of a level's interval) and of nearly pure noise
N_STEPS = 100
WIDTH, N_WAVES = 256, 16
NOISE_LEVELS = {"low": -4.0, "middle": -1.0, "high": 2.0}
"""Gamma at which vectors are read; the sd of the noise is 0.13, 0.52 and 0.94."""
N_NOISES = 8  # draws of noise, the same for each image, over which vectors are averaged


class Denoiser(torch.nn.Module):
    """A residual network of noisy images and their gamma."""

    def __init__(self, n_pixels: int, width: int) -> None:
        super().__init__()
        self.waves = torch.exp(torch.linspace(-1.5, 2.0, N_WAVES))
        self.first = torch.nn.Linear(n_pixels, width)
        self.blocks = torch.nn.ModuleList([perceptron(width, width, width) for _ in range(3)])
        self.times = torch.nn.ModuleList([torch.nn.Linear(2 * N_WAVES, width) for _ in range(3)])
        self.last = torch.nn.Linear(width, n_pixels)

    def hidden(self, noisy: torch.Tensor, gamma: torch.Tensor) -> torch.Tensor:
        """The last hidden layer; `gamma` has shape (n, 1)."""
        phases = gamma * self.waves
        time = torch.cat([phases.sin(), phases.cos()], dim=1)
        values: torch.Tensor = self.first(noisy)
        for block, of_time in zip(self.blocks, self.times, strict=True):
            values = values + block(torch.nn.functional.silu(values + of_time(time)))
        return torch.nn.functional.silu(values)

    def noise(self, noisy: torch.Tensor, gamma: torch.Tensor) -> torch.Tensor:
        """The predicted noise, shape of `noisy`."""
        velocity: torch.Tensor = self.last(self.hidden(noisy, gamma))
        return torch.sigmoid(gamma).sqrt() * noisy + torch.sigmoid(-gamma).sqrt() * velocity


class Diffusion(Generator):
    """A diffusion model with a bound on the likelihood."""

    def __init__(self, images: torch.Tensor, width: int = WIDTH) -> None:
        super().__init__()
        self.n_pixels = images.shape[1]
        self.denoiser = Denoiser(self.n_pixels, width)

    def _error(self, images: torch.Tensor, gamma: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """Squared error of the predicted noise, summed over pixels."""
        noise = torch.randn(images.shape, generator=random)
        noisy = torch.sigmoid(-gamma).sqrt() * images + torch.sigmoid(gamma).sqrt() * noise
        return (self.denoiser.noise(noisy, gamma) - noise).square().sum(dim=1)

    def loss(self, images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """The error at a random gamma, which is the bound up to a factor and constants."""
        gamma = LEAST + (MOST - LEAST) * torch.rand(len(images), 1, generator=random)
        return self._error(images, gamma, random).mean()

    def log_density(self, images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """The variational bound for infinitely many steps, by draws of noise at evenly spaced gammas."""
        final = torch.tensor(MOST)
        signal, spread = torch.sigmoid(-final), torch.sigmoid(final)
        prior = (spread + signal * images.square() - 1 - spread.log()).sum(dim=1) / 2
        noise = torch.randn(images.shape, generator=random)
        pixels = (noise.square() + math.log(2 * math.pi) + LEAST).sum(dim=1) / 2
        steps = torch.zeros(len(images))
        for before, after in _steps():
            gamma = torch.full((len(images), 1), (before + after) / 2)
            steps += (after - before) / 2 * self._error(images, gamma, random)
        return -(prior + pixels + steps)

    def samples(self, n: int, random: torch.Generator) -> torch.Tensor:
        """Images from noise, by ancestral sampling."""
        noisy = torch.randn(n, self.n_pixels, generator=random)
        for before, after in reversed(_steps()):
            gamma = torch.full((n, 1), after)
            share = -math.expm1(before - after)
            less = noisy - torch.sigmoid(gamma).sqrt() * share * self.denoiser.noise(noisy, gamma)
            ratio = (torch.sigmoid(-torch.tensor(before)) / torch.sigmoid(-gamma)).sqrt()
            sd = (torch.sigmoid(torch.tensor(before)) * share).sqrt()
            noisy = ratio * less + sd * torch.randn(noisy.shape, generator=random)
        return noisy / torch.sigmoid(torch.tensor(-LEAST)).sqrt()

    def vectors(self, images: torch.Tensor, gamma_read: float = NOISE_LEVELS["middle"]) -> torch.Tensor:
        """The denoiser's last hidden layer at one level of noise, averaged over draws of it."""
        gamma = torch.full((len(images), 1), gamma_read)
        random = torch.Generator().manual_seed(0)
        total = torch.zeros(1)
        for _ in range(N_NOISES):
            noise = torch.randn(1, images.shape[1], generator=random)
            noisy = torch.sigmoid(-gamma).sqrt() * images + torch.sigmoid(gamma).sqrt() * noise
            total = total + self.denoiser.hidden(noisy, gamma)
        return total / N_NOISES


def _steps() -> list[tuple[float, float]]:
    """Gamma before and after each step of adding noise."""
    gammas = [LEAST + (MOST - LEAST) * step / N_STEPS for step in range(N_STEPS + 1)]
    return list(zip(gammas, gammas[1:], strict=False))
