r"""Mixtures of normal densities that start as the joint Gaussian and improve on it: a corrected KNIFE.

Let r be the residual of a ridge regression on the source, in the target's canonical coordinates (see
`suffice.estimators.neural.coordinates`), each divided by its standard deviation. The family is

.. math:: q(r \mid u) = \sum_k w_k(u) \prod_j \frac{1}{s_{kj} e^{g_j(u)}}
          \phi\Big(\frac{(r_j - f_j(u)) e^{-g_j(u)} - m_{kj}}{s_{kj}}\Big)

with f, g and the logarithms of w from one network whose last layer starts at 0. m and s are free parameters.
Before the first step it is the joint Gaussian with full residual covariance. Training stops when the
likelihood of validation items is best, so on these it does not end below its start. The marginal of the
target is a mixture of the same kind without a network, in coordinates of unit variance.

After Pichler et al., KNIFE, ICML 2022, arXiv 2202.06618, section 3, and Darrin et al., NeurIPS 2024, arXiv
2406.07640. There are four differences. Every item is scored by densities that were not fitted on it.
Residuals may be correlated. The scales are not bounded by tanh, but a variance is at least `variance_floor`
of the target's in each coordinate. The number of epochs depends on the data.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from suffice.estimators.neural.coordinates import Split
from suffice.estimators.neural.networks import Conditional, Form, NeuralEstimator, NeuralSettings

if TYPE_CHECKING:
    from suffice.estimators.neural.mixture_network import NormalMixture


class MixtureSettings(NeuralSettings):
    """Settings of the estimator `mixture`."""

    n_components: int = Field(default=8, ge=1, description="mixture components, marginal and conditional")


class Mixture(NeuralEstimator):
    """Cross-fitted Gaussian mixtures on top of ridge regression in canonical coordinates."""

    name = "mixture"
    summary = "ridge regression plus a network and Gaussian mixtures, cross-fitted and stopped early"
    about = (
        "Starts as the joint Gaussian of source and target, fitted by ridge regression. A network and "
        "Gaussian mixtures then improve on it until the likelihood of unseen items stops growing. Every item "
        "is scored by densities that have not seen it. It sees correlated residuals, dimensions changed by "
        "monotone functions, and nonlinear dependence. Its value is too low if there are too few items to "
        "learn the dependence. A coordinate cannot exceed about 6.9 nats."
    )
    Settings = MixtureSettings
    settings: MixtureSettings

    def marginal(self, dim: int) -> "NormalMixture":
        """A mixture with free parameters that starts nearly standard normal."""
        return self._mixture(np.full(dim, self._log_floor))

    def conditional(
        self, forms: list[Form], split: Split, marginal_form: int, state: Mapping[str, npt.NDArray[Any]]
    ) -> Conditional:
        """A mixture of the standardised residual that starts nearly standard normal for every source.

        It uses the form whose joint Gaussian has the higher likelihood on validation items.
        """
        import torch

        from suffice.estimators.neural.mixture_network import ConditionalMixture

        starts = [(form, self.start(form.source, form.target, split)) for form in forms]
        form, start = max(starts, key=lambda pair: pair[0].mean_log_prob(pair[1], split.validation))
        log_floor = np.minimum(self._log_floor - np.log(start.scale), 0.0) / 2  # of each of two scales
        density = ConditionalMixture(
            self._mixture(log_floor),
            start.whitened_source.shape[1],
            [self.settings.hidden_dim] * self.settings.n_hidden_layers,
            torch.from_numpy(log_floor),
            self.seed,
        )
        inputs = (start.residual(form.target), start.whitened_source)
        return Conditional(
            density, inputs, form.log_determinant + start.log_determinant, form, form.log_prob_alone()
        )

    def _mixture(self, log_floor: npt.NDArray[np.floating]) -> "NormalMixture":
        import torch

        from suffice.estimators.neural.mixture_network import NormalMixture

        floor = torch.from_numpy(log_floor.astype(np.float32))
        return NormalMixture(len(log_floor), self.settings.n_components, floor, self.seed)

    @property
    def _log_floor(self) -> float:
        """Half the logarithm of the variance floor."""
        return 0.5 * math.log(self.settings.variance_floor)
