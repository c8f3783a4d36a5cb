"""What every generator of images does: it learns, draws samples, gives vectors, and may have a likelihood.

Images are vectors of pixels from -1 to 1. A level of grey k of 16 is the interval from k/8 - 1 to
(k + 1)/8 - 1. Training and likelihoods take a random point of it, vectors its middle. The log-density,
averaged over the interval, bounds the log-probability of the level from below (Theis et al. 2016, arXiv
1511.01844).
"""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from suffice.data.made.generators.small_digits import N_LEVELS, Levels

BATCH, RATE, MAX_NORM = 128, 1e-3, 5.0  # of training


class Generator(torch.nn.Module, ABC):
    """A model of images that can draw new ones.

    Its first argument is the images that it will be trained on, for what is fitted before the first step.
    """

    @abstractmethod
    def loss(self, images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """What training decreases, a scalar; images have shape (n, n_pixels)."""

    @abstractmethod
    def samples(self, n: int, random: torch.Generator) -> torch.Tensor:
        """New images, shape (n, n_pixels)."""

    @abstractmethod
    def vectors(self, images: torch.Tensor) -> torch.Tensor:
        """Its representation of images, shape (n, n_dims)."""

    def log_density(self, images: torch.Tensor, random: torch.Generator) -> torch.Tensor | None:
        """Log-density of each image in nats, or a lower bound, shape (n,); None if it has no density."""
        return None


def perceptron(*widths: int) -> torch.nn.Sequential:
    """Linear layers of given widths, with SiLU between them."""
    layers: list[torch.nn.Module] = []
    for before, after in zip(widths, widths[1:], strict=False):
        layers += [torch.nn.Linear(before, after), torch.nn.SiLU()]
    return torch.nn.Sequential(*layers[:-1])


def middles(levels: Levels) -> torch.Tensor:
    """The middle of each level's interval, float32, same shape."""
    return torch.from_numpy((levels.astype(np.float32) + np.float32(0.5)) * (2 / N_LEVELS) - 1)


def random_points(levels: Levels, random: torch.Generator) -> torch.Tensor:
    """A random point of each level's interval, float32, same shape."""
    return middles(levels) + (torch.rand(levels.shape, generator=random) - 0.5) * (2 / N_LEVELS)


def nearest_levels(images: torch.Tensor) -> Levels:
    """The level of each pixel; what is beyond the darkest or brightest gets that level."""
    numbers = torch.floor((images + 1) * (N_LEVELS / 2)).clamp(0, N_LEVELS - 1)
    return np.asarray(numbers.numpy(), dtype=np.uint8)


def bits_per_pixel(log_density: npt.NDArray[np.float64], n_pixels: int) -> float:
    """Mean log-likelihood in bits per pixel of images with 16 levels; that of uniform noise is -4.

    Args:
        log_density: of pixels from -1 to 1, in nats, shape (n,).
        n_pixels: of an image.
    """
    return float(log_density.mean()) / (n_pixels * math.log(2)) + math.log2(2 / N_LEVELS)


def trained(
    generator: Generator, levels: Levels, steps: Sequence[int], random: torch.Generator
) -> Iterator[Generator]:
    """The generator after given numbers of steps of Adam.

    Args:
        generator: as it was drawn.
        levels: the images, shape (n, n_pixels).
        steps: increasing; 0 is untrained.
        random: of batches and of what is random in the loss.
    """
    optimizer, n_done = torch.optim.Adam([{"params": list(generator.parameters())}], lr=RATE), 0
    for wanted in steps:
        while n_done < wanted:
            rows = torch.randint(len(levels), (BATCH,), generator=random).numpy()
            loss = generator.loss(random_points(levels[rows], random), random)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(generator.parameters(), MAX_NORM)
            optimizer.step()
            n_done += 1
        yield copy.deepcopy(generator).eval()
