"""The keys of `study.yaml` in a study of the kind `saturation`, with their meanings."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field, field_validator, model_validator

from suffice.kinds.saturation.arms import ARMS, LIKELIHOOD, READ_OUT
from suffice.kinds.saturation.fine_tuning import FineTuningSettings
from suffice.kinds.saturation.fitting import FittingSettings
from suffice.kinds.saturation.generalisation import KINDS
from suffice.kinds.saturation.in_context import InContextSettings
from suffice.kinds.saturation.languages import LANGUAGES
from suffice.kinds.saturation.networks import ARCHITECTURES, Transformer
from suffice.kinds.saturation.text_models import TextModelSettings
from suffice.settings import Settings, did_you_mean

TUNED_LANGUAGE = "anbn"
TUNABLE = tuple(name for name, kind in ARCHITECTURES.items() if issubclass(kind, Transformer))


class LanguageChoice(Settings):
    """How a language is cut, and its prompts."""

    max_size: int | None = Field(default=None, ge=1, description="largest size; default: the language's own")
    prompt_length: int | None = Field(
        default=None, ge=2, description="letters of a prompt; default: the language's own"
    )


class TwinSettings(Settings):
    """The exact part of in-context learning, and its trained pair."""

    numbers_of_examples: tuple[int, ...] = Field(
        default=(0, 1, 2, 4, 8, 16), description="examples in the prompts of the exact twin"
    )
    n_prompts: int = Field(default=500, ge=10, description="prompts for each number of examples")
    n_seeds: int = Field(default=3, ge=2, description="trained pairs; a difference needs at least two")
    width: int = Field(default=64, ge=8, description="width of the trained pair, which are LSTMs")
    asked_examples: tuple[int, ...] = Field(
        default=(0, 1, 2, 4, 8), description="examples in the prompts of the trained pair"
    )
    training: InContextSettings = Field(
        default=InContextSettings(), description="how the pair is trained; see `in_context`"
    )

    @field_validator("asked_examples")
    @classmethod
    def _asks_with_and_without(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if 0 not in value or max(value) < 1:
            raise ValueError("must contain 0, the prompt without examples, and another number of examples")
        return value


class BridgeSettings(Settings):
    """How information sufficiency between hidden states is measured."""

    n_components: int = Field(default=8, ge=1, description="principal components of the hidden states")
    noise: float = Field(
        default=0.1, gt=0, description="sd of the noise added to components of unit mean variance"
    )
    noise_sweep: tuple[float, ...] = Field(
        default=(0.03, 0.1, 0.3), description="levels of noise at which the comparison is repeated"
    )
    n_items: int = Field(default=2000, ge=100, description="prefixes of each probe, drawn with repetition")
    n_permutations: int = Field(default=2000, ge=100, description="permutations of labels for a p-value")


class NetworkSettings(Settings):
    """The number of networks of each kind, their size, and their fit."""

    n_seeds: int = Field(default=10, ge=2, description="networks of each language, architecture and arm")
    width: int = Field(default=32, ge=8, description="width of the hidden states")
    n_layers: int = Field(default=2, ge=1, description="layers of transformers and state-space networks")
    fitting: FittingSettings = Field(default=FittingSettings(), description="how networks are fitted")


class FastFitting(FittingSettings):
    """Fitting with the defaults for kinds of generalisation, whose strings are few and short."""

    max_steps: int = Field(default=2500, ge=1, description="largest number of steps")
    learning_rate: float = Field(default=1e-2, gt=0, description="of the optimiser")
    lower_rate_at: tuple[int, ...] = Field(
        default=(600, 1200), description="steps at which the learning rate falls to three tenths"
    )


class GeneralisationSettings(NetworkSettings):
    """The networks whose kinds of generalisation are compared; they learn the strings alone, without arms."""

    n_seeds: int = Field(default=10, ge=2, description="networks of each kind and architecture")
    kinds: tuple[str, ...] = Field(
        default=tuple(KINDS), min_length=2, description="kinds of generalisation: " + ", ".join(KINDS)
    )
    architectures: tuple[str, ...] = Field(
        default=("transformer", "transformer-learned", "transformer-rotary", "lstm", "gru"),
        min_length=2,
        description="networks: " + ", ".join(ARCHITECTURES),
    )
    fitting: FastFitting = Field(
        default=FastFitting(), description="how they are fitted; the keys of `fitting`, faster by default"
    )
    behaviour_share: float = Field(
        default=0.8, gt=0.5, le=1, description="share of a network's answers that decides its behaviour"
    )
    n_resamples: int = Field(default=2000, ge=100, description="bootstrap resamples of the seeds")
    n_untrained: int = Field(
        default=200, ge=2, description="untrained networks of each architecture, whose functions are sampled"
    )

    @model_validator(mode="after")
    def _kinds_exist(self) -> "GeneralisationSettings":
        _require_known("kind", self.kinds, KINDS)
        _require_known("architecture", self.architectures, ARCHITECTURES)
        return self


class PracticeSettings(TextModelSettings):
    """Language models of real text with one held-out loss, and how their answers are compared."""

    architectures: tuple[str, ...] = Field(
        default=("transformer", "transformer-learned", "transformer-rotary"),
        min_length=2,
        description="networks: " + ", ".join(ARCHITECTURES),
    )
    n_neighbours: int = Field(default=10, ge=1, description="nearest paragraphs by hidden states")
    n_labels: tuple[int, ...] = Field(
        default=(50, 200), min_length=1, description="labelled prompts out of domain to choose a model by"
    )
    n_resamples: int = Field(default=1000, ge=100, description="resamples for intervals")

    @model_validator(mode="after")
    def _architectures_exist(self) -> "PracticeSettings":
        _require_known("architecture", self.architectures, ARCHITECTURES)
        if self.texts.prompt_tokens + self.texts.continuation_tokens > self.texts.context:
            raise ValueError("prompt_tokens and continuation_tokens together are more than the context")
        return self


class DesignSettings(NetworkSettings):
    """The designed experiment on rule extrapolation, with 16 settings for each architecture."""

    n_seeds: int = Field(default=2, ge=2, description="networks of each setting and architecture")
    architectures: tuple[str, ...] = Field(
        default=("transformer", "transformer-learned", "transformer-rotary"),
        min_length=2,
        description="networks that differ in their positions: " + ", ".join(ARCHITECTURES),
    )
    fitting: FastFitting = Field(
        default=FastFitting(target_excess_nats=0.05, check_every=5, lower_rate_at=(300, 600, 1200)),
        description="how they are fitted, except for what the design varies; strings that are drawn "
        "leave an excess that falls slowly, so the target is higher than elsewhere",
    )

    @model_validator(mode="after")
    def _architectures_exist(self) -> "DesignSettings":
        _require_known("architecture", self.architectures, ARCHITECTURES)
        return self


def _require_known(kind: str, names: Iterable[str], choices: Iterable[str]) -> None:
    """Each name must be one of the choices."""
    for name in names:
        if name not in choices:
            raise ValueError(f"unknown {kind} {name!r}{did_you_mean(name, list(choices))}")


class Scale(NetworkSettings):
    """The extent of a run."""

    languages: dict[str, LanguageChoice] = Field(
        default={"anbn": LanguageChoice()}, description="languages by name, each with its cut"
    )
    architectures: tuple[str, ...] = Field(
        default=("transformer", "lstm", "transformer-learned"),
        description="networks: " + ", ".join(ARCHITECTURES),
    )
    arms: tuple[str, ...] = Field(default=ARMS, description="training conditions: " + ", ".join(ARMS))
    in_context: TwinSettings = Field(default=TwinSettings(), description="in-context learning")
    fine_tuning: FineTuningSettings = Field(
        default=FineTuningSettings(), description="how function-preserving twins are tuned"
    )
    tuned_architecture: str = Field(
        default="transformer", description="architecture to fine-tune, on anbn: " + ", ".join(TUNABLE)
    )
    bridge: BridgeSettings = Field(
        default=BridgeSettings(), description="information sufficiency between hidden states"
    )
    generalisation: GeneralisationSettings = Field(
        default=GeneralisationSettings(), description="kinds of generalisation and shares of behaviours"
    )
    design: DesignSettings = Field(
        default=DesignSettings(), description="a designed experiment on rule extrapolation"
    )
    practice: PracticeSettings = Field(
        default=PracticeSettings(), description="language models of real text with one held-out loss"
    )

    @field_validator("languages", mode="before")
    @classmethod
    def _empty_means_defaults(cls, value: object) -> object:
        return {name: cut or {} for name, cut in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _names_exist(self) -> "Scale":
        _require_known("language", self.languages, LANGUAGES)
        _require_known("architecture", self.architectures, ARCHITECTURES)
        _require_known("arm", self.arms, ARMS)
        _require_known("tuned_architecture", (self.tuned_architecture,), TUNABLE)
        return self

    @model_validator(mode="after")
    def _parts_are_there(self) -> "Scale":
        if LIKELIHOOD not in self.arms:
            raise ValueError(f"arms must include {LIKELIHOOD!r}; {READ_OUT!r} and fine-tuning start from it")
        if TUNED_LANGUAGE not in self.languages or self.tuned_architecture not in self.architectures:
            raise ValueError(
                f"fine-tuning starts from networks of {TUNED_LANGUAGE!r} of the architecture "
                f"{self.tuned_architecture!r}; add them to languages and architectures"
            )
        if self.bridge.n_components > self.width:
            raise ValueError(
                f"bridge.n_components is {self.bridge.n_components}, more than the width {self.width}"
            )
        return self


class Acceptance(Settings):
    """Requirements for a study; the page shows each number beside the result."""

    excess_nats: float = Field(
        default=0.01, gt=0, description="largest exact excess of a network, in nats per string"
    )
    margin_nats: float = Field(
        default=0.005, gt=0, description="largest difference of arms in loss, in nats per string or token"
    )
    practice_margin_nats: float = Field(
        default=0.01, gt=0, description="largest difference in loss on real text, in nats per token"
    )
    practice_difference: float = Field(
        default=0.1, gt=0, lt=1, description="smallest share of prompts with another first choice"
    )
    in_context_difference: float = Field(
        default=0.5, gt=0, description="smallest difference of the pair's accuracies with most examples"
    )
    zero_shot_difference: float = Field(
        default=0.05, gt=0, description="largest difference of their accuracies without examples"
    )
    twin_gap: float = Field(default=0.85, gt=0, description="smallest gap of the twin with most examples")
    logit_difference: float = Field(
        default=1e-4, gt=0, description="largest difference of logits of function-preserving twins"
    )
    step_factor: float = Field(
        default=2.0, gt=1, description="smallest ratio of steps to the threshold, at one learning rate"
    )


class SaturationSettings(Settings):
    """The keys of `study.yaml` in a study of the kind `saturation`."""

    title: str = Field(description="the question of the study, in a few words; the headline of the page")
    kind: Literal["saturation"] = Field(description="saturation: equal test loss, different models")
    seed: int = Field(default=0, ge=0, description="base seed; every other seed derives from it and a name")
    scale: str = Field(description="name of the scale to run")
    scales: dict[str, Scale] = Field(min_length=1, description="scales, by name")
    acceptance: Acceptance = Field(default=Acceptance(), description="requirements for the results")

    @model_validator(mode="after")
    def _scale_exists(self) -> "SaturationSettings":
        if self.scale not in self.scales:
            raise ValueError(f"unknown scale {self.scale!r}{did_you_mean(self.scale, list(self.scales))}")
        return self

    @property
    def chosen(self) -> Scale:
        """The scale to run."""
        return self.scales[self.scale]
