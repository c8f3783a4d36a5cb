r"""Normalising flows: a flow is fitted to the target alone, and the source then changes it.

With y the target's coordinates (see `suffice.estimators.neural.coordinates`) and F an invertible map made of
autoregressive splines,

.. math:: \log q(y) = \log \phi(F_{h}(y)) + \log |\det F_{h}'(y)|

After Jiang et al., FLARE, 2026, arXiv 2604.17344. The marginal flow is fitted first. The conditional flow
starts from it with parameters h = h_0 + B A(u), where A is a network with few outputs and B starts at zero.
There is one difference. The latent coordinates of the conditional flow are not standard normal but normal
around the ridge regression of F(y) on the source, with full residual covariance. Before the first step it is
therefore the joint Gaussian of source and latent target. Training stops when the likelihood of validation
items is best.
"""

import importlib.util
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
from pydantic import Field

from suffice.errors import EstimationError
from suffice.estimators.neural.coordinates import Split
from suffice.estimators.neural.networks import Conditional, Form, NeuralEstimator, NeuralSettings

if TYPE_CHECKING:
    from suffice.estimators.neural.flow_network import MarginalFlow


class FlowSettings(NeuralSettings):
    """Settings of the estimator `flow`."""

    batch_size: int = Field(default=512, ge=1, description="items in one gradient step")
    n_transforms: int = Field(default=2, ge=1, description="autoregressive transforms of a flow")
    n_bins: int = Field(default=8, ge=2, description="bins of a spline")
    flow_hidden_dim: int = Field(default=128, ge=1, description="width of the transforms' hidden layers")
    rank: int = Field(default=64, ge=1, description="outputs of the network that reads the source")


class Flow(NeuralEstimator):
    """Cross-fitted spline flows on top of ridge regression in latent canonical coordinates."""

    name = "flow"
    summary = "spline flows that the source changes, cross-fitted and stopped early; slow, needs zuko"
    about = (
        "Normalising flows after FLARE: a flow is fitted to the target alone, and the source then changes "
        "it, on top of a ridge regression of its latent coordinates on the source. Every item is scored by "
        "densities that have not seen it. It is the most flexible family here and by far the slowest. Its "
        "value is too low if there are too few items to learn the dependence."
    )
    Settings = FlowSettings
    settings: FlowSettings

    def __init__(self, seed: int = 0, device: str = "cpu", **settings: Any) -> None:
        if importlib.util.find_spec("zuko") is None:
            raise EstimationError(
                "estimator 'flow' needs zuko; install it with: pip install 'suffice[flows]'"
            )
        super().__init__(seed, device, **settings)

    def marginal(self, dim: int) -> "MarginalFlow":
        """A flow that is the identity at first."""
        from suffice.estimators.neural.flow_network import MarginalFlow

        settings = self.settings
        hidden_dims = [settings.flow_hidden_dim]
        return MarginalFlow(dim, hidden_dims, settings.n_transforms, settings.n_bins, self.seed)

    def conditional(
        self, forms: list[Form], split: Split, marginal_form: int, state: Mapping[str, npt.NDArray[Any]]
    ) -> Conditional:
        """The marginal flow, a joint Gaussian in its latent coordinates, and changes that start at 0."""
        import torch

        from suffice.estimators.neural.flow_network import ConditionalFlow, latent_rows

        form = forms[marginal_form]
        flow = self.marginal(form.target.shape[1])
        flow.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
        latent = latent_rows(flow, form.target, self.device)
        start = self.start(form.source, latent, split)
        hidden_dims = [self.settings.hidden_dim] * self.settings.n_hidden_layers
        widths = [start.whitened_source.shape[1], *hidden_dims, self.settings.rank]
        rotation, scale = torch.from_numpy(start.rotation), torch.from_numpy(start.scale)
        floor = math.sqrt(self.settings.variance_floor)
        density = ConditionalFlow(flow, (rotation, scale), floor, widths, self.seed)
        inputs = (form.target, start.prediction, start.whitened_source)
        gaussian = Form(form.source, latent, form.log_determinant, is_linear=False)
        return Conditional(density, inputs, form.log_determinant + start.log_determinant, gaussian, None)
