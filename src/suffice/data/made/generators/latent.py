"""Generators with few hidden numbers: Gaussian factors, autoencoders and variational autoencoders."""

import math

import torch
from sklearn.decomposition import PCA

from suffice.data.made.generators.base import Generator, perceptron

WIDTHS = (256, 128)  # of the encoder; the decoder mirrors it
MIN_LOG_SD = math.log(0.02)  # of a pixel around the decoder's mean; a level's interval has sd 0.036
N_DRAWS = 64  # of the hidden numbers, for a likelihood


class GaussianFactors(Generator):
    """Probabilistic principal components: exact likelihood, nothing to train.

    Source: Tipping and Bishop 1999, doi 10.1111/1467-9868.00196.
    """

    def __init__(self, images: torch.Tensor, n_latent: int) -> None:
        super().__init__()
        self.fitted = PCA(n_latent, svd_solver="full").fit(images.double().numpy())
        self.mean = torch.from_numpy(self.fitted.mean_)
        self.covariance = torch.from_numpy(self.fitted.get_covariance())

    def loss(self, images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """Mean negative log-likelihood."""
        return -self.log_density(images, random).mean()

    def samples(self, n: int, random: torch.Generator) -> torch.Tensor:
        """Draws from the normal distribution."""
        return _normal_draws(self.mean, self.covariance, n, random).float()

    def vectors(self, images: torch.Tensor) -> torch.Tensor:
        """The leading principal components."""
        return torch.from_numpy(self.fitted.transform(images.double().numpy())).float()

    def log_density(self, images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """The exact log-density."""
        return torch.from_numpy(self.fitted.score_samples(images.double().numpy()))


class Autoencoder(Generator):
    """Encoder and decoder; samples are decoded from a normal distribution fitted to the codes.

    Source of the sampling: Ghosh et al. 2020, arXiv 1903.12436, section 4.
    """

    def __init__(self, images: torch.Tensor, n_latent: int) -> None:
        super().__init__()
        n_pixels = images.shape[1]
        self.examples = images
        self.encoder = perceptron(n_pixels, *WIDTHS, n_latent)
        self.decoder = perceptron(n_latent, *WIDTHS[::-1], n_pixels)

    def loss(self, images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """Squared error of an image, summed over pixels."""
        return (self.decoder(self.encoder(images)) - images).square().sum(dim=1).mean()

    def samples(self, n: int, random: torch.Generator) -> torch.Tensor:
        """Decoded draws from the distribution of the training images' codes."""
        codes = self.encoder(self.examples).double()
        spread = torch.cov(codes.T).reshape(codes.shape[1], -1)
        images: torch.Tensor = self.decoder(_normal_draws(codes.mean(dim=0), spread, n, random).float())
        return images

    def vectors(self, images: torch.Tensor) -> torch.Tensor:
        """The codes."""
        codes: torch.Tensor = self.encoder(images)
        return codes


class VariationalAutoencoder(Generator):
    """Hidden numbers z ~ N(0, I); pixels are normal around the decoder's mean, with one learned sd per pixel.

    Sources: Kingma and Welling 2014, arXiv 1312.6114; the weight of the divergence: Higgins et al. 2017
    (beta-VAE); the bound on the likelihood: Burda et al. 2016, arXiv 1509.00519, eq. 8.

    Args:
        images: those of the training, shape (n, n_pixels).
        n_latent: number of hidden numbers.
        beta: weight of the divergence from the prior; 1 is the variational bound.
    """

    def __init__(self, images: torch.Tensor, n_latent: int, beta: float = 1.0) -> None:
        super().__init__()
        n_pixels = images.shape[1]
        self.beta, self.n_latent = beta, n_latent
        self.encoder = perceptron(n_pixels, *WIDTHS, 2 * n_latent)
        self.decoder = perceptron(n_latent, *WIDTHS[::-1], n_pixels)
        self.log_sd = torch.nn.Parameter(torch.full((n_pixels,), -1.0))

    def posterior(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log of the sd of the hidden numbers, given the images."""
        mean, log_sd = self.encoder(images).chunk(2, dim=1)
        return mean, log_sd.clamp(-7, 3)

    def log_pixels(self, images: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        """Log-density of the images given the hidden numbers, shape (n,)."""
        return _log_normal(images, self.decoder(latent), self.log_sd.clamp(min=MIN_LOG_SD))

    def loss(self, images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """The negative bound on the log-likelihood, with its divergence times beta."""
        mean, log_sd = self.posterior(images)
        latent = mean + log_sd.exp() * torch.randn(mean.shape, generator=random)
        divergence = (mean.square() + (2 * log_sd).exp() - 1 - 2 * log_sd).sum(dim=1) / 2
        return (self.beta * divergence - self.log_pixels(images, latent)).mean()

    def samples(self, n: int, random: torch.Generator) -> torch.Tensor:
        """The decoder's means for draws from the prior."""
        images: torch.Tensor = self.decoder(torch.randn(n, self.n_latent, generator=random))
        return images

    def vectors(self, images: torch.Tensor) -> torch.Tensor:
        """The means of the approximate posterior."""
        return self.posterior(images)[0]

    def log_density(self, images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """The bound by importance-weighted draws of the hidden numbers."""
        mean, log_sd = self.posterior(images)
        weights = []
        for _ in range(N_DRAWS):
            latent = mean + log_sd.exp() * torch.randn(mean.shape, generator=random)
            prior = _log_normal(latent, torch.zeros(1), torch.zeros(1))
            weights.append(self.log_pixels(images, latent) + prior - _log_normal(latent, mean, log_sd))
        return torch.stack(weights).logsumexp(dim=0) - math.log(N_DRAWS)


def _log_normal(values: torch.Tensor, mean: torch.Tensor, log_sd: torch.Tensor) -> torch.Tensor:
    """Log-density of independent normal numbers, summed over each row."""
    errors = (values - mean) * (-log_sd).exp()
    return -(errors.square() / 2 + log_sd + math.log(2 * math.pi) / 2).sum(dim=1)


def _normal_draws(
    mean: torch.Tensor, covariance: torch.Tensor, n: int, random: torch.Generator
) -> torch.Tensor:
    """Draws from a normal distribution, also a degenerate one, shape (n, n_dims)."""
    values, axes = torch.linalg.eigh(covariance)
    noise = torch.randn(n, len(mean), generator=random, dtype=mean.dtype)
    return mean + (noise * values.clamp(min=0).sqrt()) @ axes.T
