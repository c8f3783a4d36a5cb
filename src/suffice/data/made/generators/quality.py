"""How good samples are: the Fréchet distance in the features of a classifier that saw other digits."""

import numpy as np
import numpy.typing as npt
import torch

from suffice.data.made.generators.base import middles
from suffice.data.made.generators.small_digits import SMALL, Digits, Levels

N_FEATURES, N_STEPS, BATCH = 32, 600, 64
Floats = npt.NDArray[np.float64]


class Classifier(torch.nn.Module):
    """A small convolutional network of digits.

    Args:
        digits: that it is trained on, now.
        random: of batches.
    """

    def __init__(self, digits: Digits, random: torch.Generator) -> None:
        super().__init__()
        self.hidden = torch.nn.Sequential(
            torch.nn.Unflatten(1, (1, SMALL, SMALL)),
            *(torch.nn.Conv2d(1, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)),
            *(torch.nn.Conv2d(16, 32, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)),
            torch.nn.Flatten(),
            *(torch.nn.Linear(32 * (SMALL // 4) ** 2, N_FEATURES), torch.nn.ReLU()),
        )
        self.head = torch.nn.Linear(N_FEATURES, 10)
        images, labels = middles(digits.levels), torch.from_numpy(digits.digit)
        optimizer = torch.optim.Adam(self.parameters(), lr=1e-3)
        for _ in range(N_STEPS):
            rows = torch.randint(len(images), (BATCH,), generator=random)
            answers = self.head(self.hidden(images[rows]))
            loss = torch.nn.functional.cross_entropy(answers, labels[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    @torch.inference_mode()
    def features(self, levels: Levels) -> Floats:
        """The last hidden layer, shape (n, 32), of levels, shape (n, 196)."""
        return np.asarray(self.hidden(middles(levels)).double().numpy())

    @torch.inference_mode()
    def accuracy(self, digits: Digits) -> float:
        """The share of digits that it names."""
        answers = self.head(self.hidden(middles(digits.levels))).argmax(dim=1).numpy()
        return float((answers == digits.digit).mean())


def frechet_distance(first: Floats, second: Floats) -> float:
    r"""Distance of two sets of vectors as normal distributions.

    .. math:: |\mu_1 - \mu_2|^2 + \mathrm{tr}(\Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2})

    Source: Heusel et al. 2017, arXiv 1706.08500, eq. 6. The trace of the root is the sum of the singular
    values of :math:`\Sigma_1^{1/2} \Sigma_2^{1/2}`.

    Args:
        first: shape (n_first, n_dims).
        second: shape (n_second, n_dims).
    """
    means = first.mean(axis=0) - second.mean(axis=0)
    covariances = [np.cov(each, rowvar=False) for each in (first, second)]
    roots = [_root(each) for each in covariances]
    overlap = np.linalg.svd(roots[0] @ roots[1], compute_uv=False).sum()
    return float(means @ means + sum(np.trace(each) for each in covariances) - 2 * overlap)


def _root(covariance: Floats) -> Floats:
    values, axes = np.linalg.eigh(covariance)
    return np.asarray((axes * np.sqrt(np.clip(values, 0, None))) @ axes.T)
