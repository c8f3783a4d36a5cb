"""Shared code of the neural families: cross-fitting, the Gaussian start, the fall-back and the score."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from suffice.errors import EstimationError
from suffice.estimators.base import Embedding, Estimator, Prepared, check_same_items
from suffice.estimators.discrete_part import Divided, with_discrete_part
from suffice.estimators.gaussian import Gaussian
from suffice.estimators.items import ItemPlan
from suffice.estimators.neural.coordinates import (
    Coordinates,
    LinearStart,
    NormalScores,
    Split,
    split_items,
    standard_normal,
    standard_normal_mean,
)
from suffice.estimators.result import Floats, Sufficiency, block_standard_error
from suffice.estimators.standardise import Standardisation, standardise
from suffice.settings import Settings

if TYPE_CHECKING:
    from torch import nn

    from suffice.estimators.neural.training import Schedule, Trained

Floats32 = npt.NDArray[np.float32]
Items = npt.NDArray[np.int64]
NOT_CONVERGED_WARNING = "training reached max_epochs while the validation likelihood was still growing"
STATE = "state_"


class NeuralSettings(Settings):
    """Settings of every estimator that is fitted by gradient descent and stopped early."""

    n_folds: int = Field(default=5, ge=2, description="cross-fitting folds; every item is scored once")
    validation_share: float = Field(
        default=0.1, gt=0, lt=0.5, description="share of a fold's training blocks that decides when to stop"
    )
    normal_scores: bool = Field(
        default=True,
        description="try the normal scores of the dimensions on both sides as well as the dimensions "
        "themselves; validation items decide",
    )
    variance_floor: float = Field(
        default=1e-6,
        gt=0,
        lt=1,
        description="smallest variance of a normal density in a coordinate of unit variance; "
        "caps a coordinate at about -1/2 log(variance_floor) nats, 6.9 by default",
    )
    hidden_dim: int = Field(default=512, ge=1, description="width of the hidden layers")
    n_hidden_layers: int = Field(default=2, ge=1, description="hidden layers of a conditional network")
    max_epochs: int = Field(default=100, ge=0, description="largest number of passes over the training items")
    patience: int = Field(
        default=5, ge=1, description="passes without a gain on validation items before stopping"
    )
    batch_size: int = Field(default=128, ge=1, description="items in one gradient step")
    learning_rate: float = Field(default=3e-3, gt=0, description="AdamW's step")
    weight_decay: float = Field(default=0.1, ge=0, description="AdamW's shrinkage of the networks' weights")
    matrix_products: Literal["float32", "bfloat16"] = Field(
        default="float32", description="precision of the networks' matrix products; log-densities are float32"
    )


@dataclass(frozen=True)
class PreparedNeural(Prepared):
    """A model's standardisation and its marginal densities as a target, one per fold.

    Attributes:
        embedding: shape (n_items, embed_dim), not standardised.
        plan: the division of the items.
        standardisation: of the dimensions that vary.
        divided: the few-valued dimensions and the others, which alone have a density.
        marginal_log_prob: of every item under each fold's marginal, shape (n_folds, n_items).
        marginal_form: index of the form of each fold's marginal, shape (n_folds,).
        marginal_converged: whether each fold's marginal converged, shape (n_folds,).
        states: parameters of each fold's marginal by name.
    """

    embedding: Embedding
    plan: ItemPlan
    standardisation: Standardisation
    divided: Divided
    marginal_log_prob: Floats
    marginal_form: Items
    marginal_converged: npt.NDArray[np.bool_]
    states: tuple[dict[str, npt.NDArray[Any]], ...]

    @property
    def dim(self) -> int:
        """Number of dimensions that vary."""
        return self.standardisation.dim

    def rows(self) -> Floats32:
        """All items, standardised, shape (n_items, dim)."""
        return self.standardisation.apply(np.asarray(self.embedding))

    def dense_rows(self) -> Floats32:
        """All items, only the dimensions with a density, standardised."""
        return self.divided.dense_of(self.standardisation).apply(np.asarray(self.embedding))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything but the embedding and the plan, as plain arrays."""
        marginal = {
            "marginal_log_prob": self.marginal_log_prob,
            "marginal_form": self.marginal_form,
            "marginal_converged": self.marginal_converged,
        }
        states = {
            f"{STATE}{fold}_{name}": value
            for fold, state in enumerate(self.states)
            for name, value in state.items()
        }
        return self.standardisation.arrays() | self.divided.arrays() | marginal | states

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, npt.NDArray[Any]], embedding: Embedding, plan: ItemPlan
    ) -> Self:
        """What `arrays` described."""
        standardisation = Standardisation.from_arrays(arrays)
        log_prob = arrays["marginal_log_prob"]
        states: list[dict[str, npt.NDArray[Any]]] = [{} for _ in log_prob]
        for key in arrays:
            if key.startswith(STATE):
                fold, name = key.removeprefix(STATE).split("_", 1)
                states[int(fold)][name] = arrays[key]
        form, converged = arrays["marginal_form"], arrays["marginal_converged"]
        divided = Divided.from_arrays(arrays, embedding, plan)
        return cls(embedding, plan, standardisation, divided, log_prob, form, converged, tuple(states))


@dataclass(frozen=True)
class Form:
    """One form of the two sides of a pair: the dimensions themselves, or their normal scores.

    Attributes:
        source: shape (n_items, d_u).
        target: coordinates of unit variance, shape (n_items, k).
        log_determinant: of the map to the coordinates at each item, shape (n_items,).
        is_linear: whether both sides are linear maps of the standardised dimensions.
    """

    source: Floats32
    target: Floats32
    log_determinant: Floats
    is_linear: bool

    def log_prob_alone(self) -> Floats:
        """Log-density of each item's target under the standard normal of the coordinates, (n_items,)."""
        return standard_normal(self.target) + self.log_determinant

    def mean_log_prob(self, start: LinearStart, items: Items) -> float:
        """Mean log-density of the standardised target under the joint Gaussian of this form."""
        return start.mean_log_prob(self.target, items) + float(self.log_determinant[items].mean())


@dataclass(frozen=True)
class Conditional:
    """A conditional density that training starts from, and its inputs.

    Attributes:
        density: gives the log-density of each row of `inputs`.
        inputs: arrays of n_items rows each.
        log_determinant: of the map from the standardised target to the density's rows, (n_items,).
        form: the form whose joint Gaussian the density equals before the first step.
        alone: log-density of each item's target under the normal marginal of that Gaussian, shape (n_items,);
            None: under the fitted marginal.
    """

    density: "nn.Module"
    inputs: tuple[npt.NDArray[Any], ...]
    log_determinant: Floats
    form: Form
    alone: Floats | None


@dataclass(frozen=True)
class PairFit:
    """The results of the folds of one pair.

    Attributes:
        base: for each fold, the mutual information of the joint Gaussian that its fit started with.
        gain: gain of each item's log-density ratio over that of the Gaussian, shape (n_items,).
        converged: whether all densities converged.
    """

    base: list[Sufficiency]
    gain: Floats
    converged: bool


class NeuralEstimator(Estimator[PreparedNeural]):
    r"""A family fitted by gradient descent: each item is scored by densities that were not fitted on it.

    A family defines its marginal and its conditional density, both in the target's `Coordinates`. Before the
    first step the conditional is the joint Gaussian of source and target. The estimator `gaussian` returns
    the mutual information of this Gaussian without the loss that a fit has on unseen items. The gain of
    training over the Gaussian on unseen items is added:

    .. math:: \hat I = \hat I_{\mathrm{Gaussian}} + \frac1n \sum_i \Big[
              \log \frac{q(v_i \mid u_i)}{q_0(v_i \mid u_i)} - \log \frac{q(v_i)}{q_0(v_i)} \Big]

    where q_0 are the densities that training started with. Nothing is added for a fold unless its conditional
    is better than its marginal on the fold's validation items by more than two standard errors.
    """

    uses_device = True
    Settings = NeuralSettings
    Prepared = PreparedNeural
    settings: NeuralSettings

    def __init__(self, seed: int = 0, device: str = "cpu", **settings: Any) -> None:
        super().__init__(seed, device, **settings)
        if device != "cpu":
            from suffice.estimators.neural.training import check_device

            check_device(device)

    @abstractmethod
    def marginal(self, dim: int) -> "nn.Module":
        """The density of the target's coordinates that training starts from."""

    @abstractmethod
    def conditional(
        self, forms: list[Form], split: Split, marginal_form: int, state: Mapping[str, npt.NDArray[Any]]
    ) -> Conditional:
        """The density given the source that training starts from.

        Args:
            forms: possible forms of the pair.
            split: of the items.
            marginal_form: index of the form that the fold's marginal was fitted in.
            state: parameters of that marginal.
        """

    def prepare(self, embedding: Embedding, plan: ItemPlan | None = None) -> PreparedNeural:
        """Standardise, and fit the marginal that all sources of this target share, once per fold."""
        plan = self.plan_for(embedding, plan)
        standardisation = standardise(embedding)
        divided = Divided.of(embedding, plan, standardisation)
        splits = self.splits(plan)
        if not len(divided.dense):
            empty = np.zeros((len(splits), 0)), np.zeros(len(splits), dtype=np.int64)
            return PreparedNeural(
                embedding, plan, standardisation, divided, *empty, empty[1] == 0, ({},) * len(splits)
            )
        rows = divided.dense_of(standardisation).apply(np.asarray(embedding))
        log_prob, form, converged, states = zip(
            *(self._fit_marginal(rows, split) for split in splits), strict=True
        )
        densities = np.stack(log_prob), np.array(form), np.array(converged), states
        return PreparedNeural(embedding, plan, standardisation, divided, *densities)

    def _fit_marginal(
        self, rows: Floats32, split: Split
    ) -> tuple[Floats, int, bool, dict[str, npt.NDArray[Any]]]:
        """Log-density of every item, index of the form, whether the fit converged, and the parameters.

        The form is the one whose standard normal has the higher likelihood on validation items.
        """
        forms = [coordinates.apply(rows) for coordinates in self._coordinates(rows, split)]
        likelihoods = [
            standard_normal_mean(target[split.validation]) + log_determinant[split.validation].mean()
            for target, log_determinant in forms
        ]
        form = int(np.argmax(likelihoods))
        target, log_determinant = forms[form]
        density = self.marginal(target.shape[1])
        fit = self._train(density, (target,), split)
        state = {name: value.cpu().numpy() for name, value in density.state_dict().items()}
        return fit.log_prob + log_determinant, form, fit.converged, state

    def pairs(
        self, sources: Mapping[str, PreparedNeural], target: PreparedNeural
    ) -> Iterator[tuple[str, Sufficiency]]:
        """Fit new conditional densities for every source U of one target V."""
        rows = target.dense_rows()
        has_density = rows.shape[1] > 0
        splits = self.splits(target.plan)
        coordinates = [self._coordinates(rows, split) for split in splits] if has_density else []
        for name, source in sources.items():
            check_same_items(name, source, target)
            try:
                fit = self._fit_pair(source, target, rows, coordinates) if has_density else None
            except EstimationError as error:
                raise EstimationError(f"source {name}: {error}") from error
            own = None if fit is None else self._score(source, target, fit)
            discrete = target.divided.discrete_nats(source.divided)
            yield name, with_discrete_part(own, discrete, source.divided, target.divided)

    def _fit_pair(
        self,
        source: PreparedNeural,
        target: PreparedNeural,
        target_rows: Floats32,
        coordinates: list[list[Coordinates]],
    ) -> PairFit:
        """Fit the conditional of every fold."""
        source_rows = source.rows()
        base: list[Sufficiency] = []
        gain = np.zeros(target.plan.n_items)
        converged = bool(target.marginal_converged.all())
        of_linear: Sufficiency | None = None  # the same for every fold, whose coordinates are linear maps
        for fold, split in enumerate(self.splits(target.plan)):
            forms = self._forms(source_rows, target_rows, coordinates[fold], split)
            start = self.conditional(forms, split, int(target.marginal_form[fold]), target.states[fold])
            if not start.form.is_linear:
                base.append(self._gaussian(start.form.source, start.form.target, target.plan))
            else:
                of_linear = of_linear or self._gaussian(source_rows, target_rows, target.plan)
                base.append(of_linear)
            fit = self._train(start.density, start.inputs, split)
            converged &= fit.converged
            marginal = target.marginal_log_prob[fold]
            if _gains(fit.log_prob + start.log_determinant, marginal, split):
                alone = marginal if start.alone is None else start.alone
                added = fit.log_prob - fit.start_log_prob - (marginal - alone)
                gain[split.scored] = added[split.scored]
        return PairFit(base, gain, converged)

    def _gaussian(self, source: Floats32, target: Floats32, plan: ItemPlan) -> Sufficiency:
        """Mutual information of a joint Gaussian, from all items."""
        estimator = Gaussian(self.seed, variance_floor=self.settings.variance_floor)
        prepared = estimator.prepare_all({"source": source, "target": target}, plan)
        ((_, result),) = estimator.pairs({"source": prepared["source"]}, prepared["target"])
        return result

    def splits(self, plan: ItemPlan) -> list[Split]:
        """The items of each fold."""
        return split_items(plan, self.settings.n_folds, self.settings.validation_share)

    def start(self, source: Floats32, target: Floats32, split: Split) -> LinearStart:
        """The joint Gaussian that training starts with."""
        return LinearStart.fit(source, target, split, self.settings.variance_floor)

    def _coordinates(self, rows: Floats32, split: Split) -> list[Coordinates]:
        """The target's coordinates in every form."""
        plain = Coordinates.fit(rows, split, normal_scores=False)
        if not self.settings.normal_scores:
            return [plain]
        scores = Coordinates.fit(rows, split, normal_scores=True)
        return [plain, scores] if scores.matrix.shape == plain.matrix.shape else [plain]

    def _forms(
        self, source: Floats32, target: Floats32, coordinates: list[Coordinates], split: Split
    ) -> list[Form]:
        sources = [source]
        if len(coordinates) > 1:
            sources.append(NormalScores.fit(source[split.fit]).apply(source)[0])
        return [
            Form(each, *form.apply(target), is_linear=form.scores is None)
            for each, form in zip(sources, coordinates, strict=True)
        ]

    def _train(self, density: "nn.Module", inputs: tuple[npt.NDArray[Any], ...], split: Split) -> "Trained":
        from suffice.estimators.neural.training import train

        return train(density, inputs, split, self._schedule())

    def _schedule(self) -> "Schedule":
        from suffice.estimators.neural.training import Schedule

        settings = self.settings
        return Schedule(
            max_epochs=settings.max_epochs,
            patience=settings.patience,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            batch_size=settings.batch_size,
            seed=self.seed,
            device=self.device,
            bfloat16=settings.matrix_products == "bfloat16",
        )

    def _score(self, source: PreparedNeural, target: PreparedNeural, fit: PairFit) -> Sufficiency:
        """The Gaussian part, from all items, plus the gain, which is separate for each fold's items."""
        plan = target.plan
        splits = self.splits(plan)
        marginal_entropy = -float(
            sum(target.marginal_log_prob[fold, split.scored].sum() for fold, split in enumerate(splits))
            / plan.n_items
        )
        shares = [len(split.scored) / plan.n_items for split in splits]
        gaussian = sum(share * base.nats for share, base in zip(shares, fit.base, strict=True))
        nats = float(gaussian + fit.gain.mean())
        block_items = plan.block_items.astype(float)
        block_nats = block_items * gaussian + np.bincount(plan.block, fit.gain, plan.n_blocks)
        excess = np.zeros(plan.n_blocks)
        for share, base in zip(shares, fit.base, strict=True):
            influence = base.block_nats - base.block_items * base.nats
            scale = share * plan.n_items / base.block_items.sum()
            block_nats += scale * influence
            excess += scale * base.block_excess_nats
        warnings = dict.fromkeys(warning for base in fit.base for warning in base.warnings)
        return Sufficiency(
            nats=nats,
            nats_per_dim=nats / target.dim,
            standard_error_nats=block_standard_error(block_nats, block_items, excess),
            marginal_entropy_nats=marginal_entropy,
            conditional_entropy_nats=marginal_entropy - nats,
            source_dim=source.embedding.shape[1],
            target_dim=target.dim,
            n_train=min(len(split.fit) for split in splits),
            n_test=plan.n_items,
            converged=fit.converged,
            warnings=(*warnings, *(() if fit.converged else (NOT_CONVERGED_WARNING,))),
            block_nats=block_nats,
            block_items=block_items,
            block_excess_nats=excess,
        )


def _gains(conditional: Floats, marginal: Floats, split: Split) -> bool:
    """Whether the conditional is better on validation items by more than two standard errors."""
    gain = (conditional - marginal)[split.validation]
    return bool(gain.mean() > 2 * gain.std() / np.sqrt(len(gain)))
