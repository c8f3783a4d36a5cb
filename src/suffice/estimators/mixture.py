r"""Mixtures of normal densities that start as the held-out Gaussian and grow from there: KNIFE, repaired.

In the target's canonical coordinates (see `suffice.estimators.coordinates`) let r be the residual of ridge
regression on the source, each coordinate divided by its standard deviation. The family is

.. math:: q(r \mid u) = \sum_k w_k(u) \prod_j \frac{1}{s_{kj} e^{g_j(u)}}
          \phi\Big(\frac{(r_j - f_j(u)) e^{-g_j(u)} - m_{kj}}{s_{kj}}\Big)

with f, g and the logarithms of w from one network whose last layer starts at 0, and m, s free. Before the first
step it is the joint Gaussian with full residual covariance; training stops where the
likelihood of validation items is best, so it does not end below where it began on these. The marginal of
the target is a mixture of the same kind without a network, in coordinates of unit variance.

After Pichler et al., KNIFE, ICML 2022, arXiv 2202.06618, section 3, and Darrin et al., NeurIPS 2024, arXiv
2406.07640. What differs: every item is scored by densities that were not fitted on it; residuals may be
correlated; no tanh bounds the scales, but a variance is at least `variance_floor` of the target's in each
coordinate; the number of epochs comes from the data.
"""

from typing import Any

import numpy.typing as npt
from pydantic import Field

from suffice.estimators.coordinates import Floats32, Split
from suffice.estimators.neural import Conditional, NeuralEstimator, NeuralSettings


class MixtureSettings(NeuralSettings):
    """Settings of the estimator `mixture`."""

    n_components: int = Field(default=8, ge=1, description="mixture components, marginal and conditional")


class Mixture(NeuralEstimator):
    """Cross-fitted Gaussian mixtures on top of ridge regression in canonical coordinates."""

    name = "mixture"
    summary = "ridge regression plus a network and Gaussian mixtures, cross-fitted and stopped early"
    about = "TODO"
    Settings = MixtureSettings
    settings: MixtureSettings

    def marginal(self, dim: int) -> Any:
        """A mixture with free parameters, at first nearly standard normal."""
        import torch

        from suffice.estimators.mixture_network import Mixture

        log_floor = torch.full((dim,), self._log_floor)
        return Mixture(dim, self.settings.n_components, log_floor, self.seed)

    def conditional(
        self, sources: list[Floats32], target: Floats32, split: Split, state: dict[str, npt.NDArray[Any]]
    ) -> Conditional:
        """A mixture of the standardised residual, at first nearly standard normal for every source."""
        import torch

        from suffice.estimators.mixture_network import ConditionalMixture, Mixture

        start = self.start(sources, target, split)
        log_scale = torch.log(torch.from_numpy(start.scale))
        log_floor = torch.clamp(self._log_floor - log_scale, max=0.0) / 2  # of either of the two scales
        settings = self.settings
        mixture = Mixture(target.shape[1], settings.n_components, log_floor, self.seed)
        hidden_dims = [settings.hidden_dim] * settings.n_hidden_layers
        density = ConditionalMixture(mixture, start.source.shape[1], hidden_dims, log_floor, self.seed)
        inputs = (start.residual(target), start.source)
        return Conditional(density, inputs, -float(log_scale.sum()))

    @property
    def _log_floor(self) -> float:
        """Half the logarithm of the variance floor."""
        import math

        return 0.5 * math.log(self.settings.variance_floor)
