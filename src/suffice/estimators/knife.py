r"""KNIFE as published for information sufficiency: Gaussian mixtures fitted by gradient descent.

The marginal of the target is a mixture of K normal densities with diagonal covariances. Given the source,
a network returns the mixture's weights, means and scales:

.. math:: \log q(v) = \log \sum_k w_k \prod_j s_{kj} \phi(s_{kj} (v_j - m_{kj})), \qquad s = e^{\tanh a}

Source: Pichler et al., KNIFE, ICML 2022, arXiv 2202.06618, section 3, in the form and with the settings of
the text experiments of Darrin et al., NeurIPS 2024, arXiv 2406.07640. The released code has one network for
all three outputs (`networks: merged`, the default). The printed results are a few weeks older and used three
networks (`networks: separate`), which fit their own items more closely.

If every entry of the target is 0 or 1, the kernels are products of Bernoulli distributions, as in the
released code. The network then gives the logits of the bits instead of means and scales, and rows are not
standardised. H(V) and H(V|U) are then entropies of bits.

As published, it is scored on the items that it was fitted on, so it is biased upwards. An inverse standard
deviation cannot leave [1/e, e], so a standardised dimension contributes about 1.5 nats at most. It is
included as the reference; `held_out: true` scores it on items that were not used to fit it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from suffice.errors import EstimationError
from suffice.estimators.base import Embedding, Estimator, Prepared, check_same_items
from suffice.estimators.discrete_part import Divided, with_discrete_part
from suffice.estimators.items import ItemPlan
from suffice.estimators.result import Floats, Sufficiency, block_standard_error
from suffice.estimators.standardise import Standardisation, chunks_of, standardise
from suffice.memory import check_memory
from suffice.settings import Settings

if TYPE_CHECKING:
    from suffice.estimators.neural.mixture_density import Descent, Fit

IN_SAMPLE_WARNING = "scored on the items it was fitted on"
NOT_CONVERGED_WARNING = "the loss still moved in the last epoch"
BYTES_OF_WEIGHT = 16  # with its gradient and the two moments of Adam
REST_NATS_PER_DIM = 0.01  # a fit rests when one more epoch changes the loss by less than this


class KnifeSettings(Settings):
    """Settings of the estimator `knife`. The defaults are those of the published text experiments."""

    n_components: int = Field(default=8, ge=1, description="mixture components, marginal and conditional")
    networks: Literal["merged", "separate"] = Field(
        default="merged",
        description="one network for weights, means and scales, or one for each of the three",
    )
    n_hidden_layers: int = Field(default=2, ge=1, description="hidden layers of a conditional network")
    hidden_dim: int = Field(default=0, ge=0, description="width of the hidden layers; 0: width of the target")
    batch_size: int = Field(default=128, ge=1, description="items in one gradient step")
    marginal_epochs: int = Field(default=5, ge=1, description="passes over the items for the marginal")
    marginal_learning_rate: float = Field(default=1e-4, gt=0, description="Adam's step for the marginal")
    conditional_epochs: int = Field(default=10, ge=1, description="passes over the items for the conditional")
    conditional_learning_rate: float = Field(
        default=1e-3, gt=0, description="Adam's step for the conditional"
    )
    initial_spread: float = Field(
        default=0.01, gt=0, description="standard deviation of the initial means and log scales"
    )
    held_out: bool = Field(
        default=False, description="fit on four folds and score the fifth, unlike the published method"
    )


@dataclass(frozen=True)
class PreparedKnife(Prepared):
    """A model's standardisation and its marginal density as a target.

    Attributes:
        embedding: shape (n_items, embed_dim), not standardised.
        plan: the division of the items.
        standardisation: of the dimensions that vary.
        divided: the few-valued dimensions and the others, which alone have a density.
        is_bernoulli: whether all entries are 0 or 1.
        marginal_log_prob: of each scored item under the fitted marginal, shape (n_scored,).
        marginal_losses: mean negative log-likelihood of each epoch, shape (n_epochs,).
    """

    embedding: Embedding
    plan: ItemPlan
    standardisation: Standardisation
    divided: Divided
    is_bernoulli: bool
    marginal_log_prob: Floats
    marginal_losses: Floats

    @property
    def dim(self) -> int:
        """Number of dimensions that vary."""
        return self.standardisation.dim

    def rows(self) -> npt.NDArray[np.float32]:
        """All items, standardised, shape (n_items, dim)."""
        return self.standardisation.apply(np.asarray(self.embedding))

    def as_target(self) -> npt.NDArray[np.float32]:
        """All items as the densities take them: bits as they are, and only dimensions with a density."""
        return _as_target(self.embedding, self.divided.dense_of(self.standardisation), self.is_bernoulli)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything but the embedding and the plan, as plain arrays."""
        marginal = {"marginal_log_prob": self.marginal_log_prob, "marginal_losses": self.marginal_losses}
        bits = {"is_bernoulli": np.array(self.is_bernoulli)}
        return self.standardisation.arrays() | self.divided.arrays() | bits | marginal

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, npt.NDArray[Any]], embedding: Embedding, plan: ItemPlan
    ) -> Self:
        """What `arrays` described."""
        standardisation = Standardisation.from_arrays(arrays)
        marginal = arrays["marginal_log_prob"], arrays["marginal_losses"]
        divided, is_bernoulli = Divided.from_arrays(arrays, embedding, plan), bool(arrays["is_bernoulli"])
        return cls(embedding, plan, standardisation, divided, is_bernoulli, *marginal)


class Knife(Estimator[PreparedKnife]):
    """Gaussian mixtures with networks for the conditional, as published."""

    name = "knife"
    summary = "the published estimator: Gaussian mixtures and networks, scored in-sample unless held_out"
    about = (
        "Gaussian mixtures fitted by gradient descent, with a network for the conditional, as published by "
        "Darrin et al. (2024); where all entries of a target are 0 or 1, mixtures of bits instead. "
        "Scored on the items it was fitted on (unless held_out is set) it is biased "
        "upwards, and it cannot exceed about 1.5 nats per dimension."
    )
    uses_device = True
    Settings = KnifeSettings
    Prepared = PreparedKnife
    settings: KnifeSettings

    @property
    def held_out(self) -> bool:
        """Whether every item is scored by densities that were not fitted on it."""
        return self.settings.held_out

    def prepare(self, embedding: Embedding, plan: ItemPlan | None = None) -> PreparedKnife:
        """Standardise, and fit the marginal that all sources of this target share."""
        from suffice.estimators.neural.mixture_density import MarginalMixture, fit_density

        plan = self.plan_for(embedding, plan)
        standardisation = standardise(embedding)
        is_bernoulli = _is_bernoulli(embedding)
        divided = Divided.of(embedding, plan, standardisation, bits=is_bernoulli)
        if not len(divided.dense):
            return PreparedKnife(embedding, plan, standardisation, divided, False, np.zeros(0), np.zeros(0))
        rows = _as_target(embedding, divided.dense_of(standardisation), is_bernoulli)
        density = MarginalMixture(
            rows.shape[1],
            self.settings.n_components,
            self.settings.initial_spread,
            self.seed,
            bernoulli=is_bernoulli,
        )
        descent = self._descent(self.settings.marginal_epochs, self.settings.marginal_learning_rate)
        fit = fit_density(density, rows, None, self._split(plan), descent)
        marginal = fit.log_prob, fit.losses
        return PreparedKnife(embedding, plan, standardisation, divided, is_bernoulli, *marginal)

    def pairs(
        self, sources: Mapping[str, PreparedKnife], target: PreparedKnife
    ) -> Iterator[tuple[str, Sufficiency]]:
        """Fit a fresh conditional density for every source U of one target V."""
        target_rows = target.as_target()
        for name, source in sources.items():
            check_same_items(name, source, target)
            try:
                fit = (
                    self._fit_conditional(source, target_rows, target.is_bernoulli)
                    if target_rows.shape[1]
                    else None
                )
            except EstimationError as error:
                raise EstimationError(f"source {name}: {error}") from error
            own = None if fit is None else self._score(source, target, fit)
            discrete = target.divided.discrete_nats(source.divided)
            yield name, with_discrete_part(own, discrete, source.divided, target.divided)

    def _fit_conditional(
        self, source: PreparedKnife, target_rows: npt.NDArray[np.float32], bernoulli: bool
    ) -> "Fit":
        from suffice.estimators.neural.mixture_density import ConditionalMixture, fit_density

        settings = self.settings
        width = settings.hidden_dim or target_rows.shape[1]
        n_outputs = settings.n_components * (2 * target_rows.shape[1] + 1)
        n_weights = width * (source.dim + n_outputs + (settings.n_hidden_layers - 1) * width)
        check_memory(
            n_weights * BYTES_OF_WEIGHT,
            f"a network of {n_weights:,} weights (estimator knife)",
            "lower hidden_dim, n_hidden_layers or n_components",
        )
        density = ConditionalMixture(
            source.dim,
            target_rows.shape[1],
            n_components=settings.n_components,
            hidden_dims=[settings.hidden_dim or target_rows.shape[1]] * settings.n_hidden_layers,
            merged=settings.networks == "merged",
            seed=self.seed,
            bernoulli=bernoulli,
        )
        descent = self._descent(settings.conditional_epochs, settings.conditional_learning_rate)
        return fit_density(density, target_rows, source.rows(), self._split(source.plan), descent)

    def _descent(self, n_epochs: int, learning_rate: float) -> "Descent":
        from suffice.estimators.neural.mixture_density import Descent

        return Descent(n_epochs, learning_rate, self.settings.batch_size, self.seed, self.device)

    def _split(self, plan: ItemPlan) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Items to fit on and items to score: all and all (as published), or four folds and the fifth."""
        if not self.settings.held_out:
            return np.arange(plan.n_items), np.arange(plan.n_items)
        return np.flatnonzero(plan.fold != 0), np.flatnonzero(plan.fold == 0)

    def _score(self, source: PreparedKnife, target: PreparedKnife, fit: "Fit") -> Sufficiency:
        train, scored = self._split(target.plan)
        contribution = fit.log_prob - target.marginal_log_prob  # (n_scored,)
        block = target.plan.block[scored]
        block_nats = np.bincount(block, contribution, target.plan.n_blocks).astype(float)
        block_items = np.bincount(block, minlength=target.plan.n_blocks).astype(float)
        nats, no_excess = float(contribution.mean()), np.zeros(target.plan.n_blocks)
        converged = all(_rests(losses, target.dim) for losses in (fit.losses, target.marginal_losses))
        warnings = () if self.settings.held_out else (IN_SAMPLE_WARNING,)
        return Sufficiency(
            nats=nats,
            nats_per_dim=nats / target.dim,
            standard_error_nats=block_standard_error(block_nats, block_items, no_excess),
            marginal_entropy_nats=float(-target.marginal_log_prob.mean()),
            conditional_entropy_nats=float(-fit.log_prob.mean()),
            source_dim=source.embedding.shape[1],
            target_dim=target.dim,
            n_train=len(train),
            n_test=len(scored),
            converged=converged,
            warnings=warnings if converged else (*warnings, NOT_CONVERGED_WARNING),
            block_nats=block_nats,
            block_items=block_items,
            block_excess_nats=no_excess,
        )


def _is_bernoulli(embedding: Embedding) -> bool:
    """Whether every entry is 0 or 1."""
    return all(bool(np.isin(embedding[rows], (0, 1)).all()) for rows in chunks_of(len(embedding)))


def _as_target(
    embedding: Embedding, standardisation: Standardisation, is_bernoulli: bool
) -> npt.NDArray[np.float32]:
    """All items as the densities take them, shape (n_items, dim)."""
    if is_bernoulli:
        return np.asarray(embedding[:, standardisation.kept], dtype=np.float32)
    return standardisation.apply(np.asarray(embedding))


def _rests(losses: Floats, dim: int) -> bool:
    """Whether the last epoch changed the mean loss by less than 0.01 nats per dimension."""
    return len(losses) > 1 and bool(abs(losses[-1] - losses[-2]) < REST_NATS_PER_DIM * dim)
