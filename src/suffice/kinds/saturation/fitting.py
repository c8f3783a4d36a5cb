"""Fitting a language model to a language, to a given distance from the lowest possible loss."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field

from suffice.errors import EstimationError
from suffice.kinds.saturation.arms import Arm
from suffice.kinds.saturation.descent import Descent
from suffice.kinds.saturation.language import Distribution
from suffice.kinds.saturation.networks import LanguageModel
from suffice.kinds.saturation.tokens import IGNORED, Batch, Vocabulary, batch_of
from suffice.settings import Settings

EXACT_ROWS = 2048  # strings in one go when a loss is summed over a support


class FittingSettings(Settings):
    """How a language model is fitted; the loss is the sum over a string's tokens, in nats."""

    max_steps: int = Field(default=6000, ge=1, description="largest number of steps")
    learning_rate: float = Field(default=3e-3, gt=0, description="of the optimiser")
    optimiser: Literal["adamw", "rmsprop"] = Field(default="adamw", description="adamw or rmsprop")
    weight_decay: float = Field(default=0.0, ge=0, description="apart from the gradient, for either")
    lower_rate_at: tuple[int, ...] = Field(
        default=(1500, 4000), description="steps at which the learning rate falls to three tenths"
    )
    batch_size: int = Field(
        default=256, ge=1, description="strings per step; a language with at most this many is used whole"
    )
    check_every: int = Field(default=25, ge=1, description="steps between two checks of the exact loss")
    target_excess_nats: float = Field(
        default=0.004,
        gt=0,
        description="fitting ends when the exact loss exceeds the entropy by at most this, nats per string",
    )
    target_completion_nats: float = Field(
        default=0.05,
        gt=0,
        description="and, if completions are trained, when their loss is at most this, in nats per prompt",
    )


LOWER_RATE = 0.3
CLIPPED_NORM = 1.0


@dataclass(frozen=True)
class Fitted:
    """A fitted model, at the best checkpoint.

    Attributes:
        network: the model, in evaluation mode.
        step: step of the checkpoint.
        excess_nats: exact loss minus the entropy of the language, in nats per string.
        completion_nats: loss of the trained completions, in nats per prompt; NaN if there are none.
        reached: whether both targets were met.
        history: step, excess_nats, completion_nats at each check.
    """

    network: LanguageModel
    step: int
    excess_nats: float
    completion_nats: float
    reached: bool
    history: pd.DataFrame


def string_losses(network: LanguageModel, batch: Batch) -> torch.Tensor:
    """Negative log-likelihood of each string in nats, summed over its tokens, shape (n_strings,)."""
    logits = network(batch.inputs).transpose(1, 2)  # (n_strings, n_tokens of the vocabulary, n_tokens)
    losses = torch.nn.functional.cross_entropy(logits, batch.targets, reduction="none", ignore_index=IGNORED)
    return losses.sum(1)


@torch.no_grad()
def exact_loss_nats(network: LanguageModel, language: Distribution, vocabulary: Vocabulary) -> float:
    """Cross-entropy of the model under the language, in nats per string: a sum over its whole support."""
    total = 0.0
    for start in range(0, len(language.support), EXACT_ROWS):
        part = slice(start, start + EXACT_ROWS)
        batch = batch_of(language.support[part], vocabulary, language.probabilities[part])
        total += float((string_losses(network, batch).double() * batch.weights.double()).sum())
    return total


def fit(
    network: LanguageModel, language: Distribution, arm: Arm, settings: FittingSettings, seed: int
) -> Fitted:
    """Fit a network to a language, and to the completions of its arm.

    The first checkpoint that meets both targets is kept, so all arms stop at the same distance from the
    lowest possible loss. If no checkpoint meets them, the one with the lowest exact loss is kept.

    Args:
        network: it is changed.
        language: language of the strings.
        arm: the completions to learn as well, and the parameters to train.
        settings: settings of the fit.
        seed: seed of the drawn strings, for languages with more strings than a batch.

    Raises:
        EstimationError: the loss is not finite.
    """
    fitting = _Fitting(network, language, arm, settings, seed)
    best: dict[str, Any] = {"excess_nats": np.inf}
    rows: list[dict[str, float]] = []
    for step in range(settings.max_steps + 1):
        if step % settings.check_every == 0 or step == settings.max_steps:
            rows.append({"step": step, **fitting.look()})
            reached = fitting.is_reached(rows[-1])
            if reached or rows[-1]["excess_nats"] < best["excess_nats"]:
                weights = {name: value.clone() for name, value in network.state_dict().items()}
                best = {**rows[-1], "weights": weights, "reached": reached}
            if reached:
                break
        if step < settings.max_steps:
            fitting.step()
    network.load_state_dict(best.pop("weights"))
    return Fitted(network.eval(), history=pd.DataFrame(rows), **{**best, "step": int(best["step"])})


class _Fitting:
    """What a fit needs at each step."""

    def __init__(
        self, network: LanguageModel, language: Distribution, arm: Arm, settings: FittingSettings, seed: int
    ) -> None:
        self.network, self.language, self.settings = network, language, settings
        self.vocabulary = Vocabulary(language.letters)
        trained = list(arm.parameters(network))
        self.parameters = trained
        self.descent = Descent(settings.optimiser, trained, settings.learning_rate)
        self.n_steps = 0
        self.completions = arm.batch(self.vocabulary)
        self.batches = self._batches(seed)

    def _batches(self, seed: int) -> Iterator[Batch]:
        """The whole language at every step if it is small, otherwise strings drawn from it."""
        if len(self.language.support) <= self.settings.batch_size:
            whole = batch_of(self.language.support, self.vocabulary, self.language.probabilities)
            while True:
                yield whole
        rng = np.random.default_rng(seed)
        while True:
            drawn = self.language.sample(self.settings.batch_size, int(rng.integers(2**31)))
            yield batch_of(drawn, self.vocabulary)

    def step(self) -> None:
        """One step of gradient descent."""
        self.network.train()
        batch = next(self.batches)
        loss = (string_losses(self.network, batch) * batch.weights).sum()
        if self.completions is not None:
            loss = loss + self._completion_loss()
        if not torch.isfinite(loss):
            raise EstimationError(
                f"the loss of a model of {self.language.name} is not finite; lower learning_rate "
                f"({self.settings.learning_rate})"
            )
        self.descent.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters, CLIPPED_NORM)
        self._decay()
        self.descent.step()
        self.n_steps += 1
        self.descent.rate *= LOWER_RATE ** self.settings.lower_rate_at.count(self.n_steps)

    @torch.no_grad()
    def _decay(self) -> None:
        """Weight decay apart from the gradient (Loshchilov and Hutter, ICLR 2019, arXiv 1711.05101)."""
        if self.settings.weight_decay:
            kept = 1 - self.descent.rate * self.settings.weight_decay
            for parameter in self.parameters:
                parameter.mul_(kept)

    def _completion_loss(self) -> torch.Tensor:
        assert self.completions is not None
        return (string_losses(self.network, self.completions) * self.completions.weights).sum()

    @torch.no_grad()
    def look(self) -> dict[str, float]:
        """Exact excess over the entropy, and the loss of completions."""
        self.network.eval()
        loss = exact_loss_nats(self.network, self.language, self.vocabulary)
        completions = np.nan if self.completions is None else float(self._completion_loss())
        return {"excess_nats": loss - self.language.entropy_nats, "completion_nats": completions}

    def is_reached(self, row: dict[str, float]) -> bool:
        """Whether both targets are met."""
        taught = self.completions is None or row["completion_nats"] <= self.settings.target_completion_nats
        return taught and row["excess_nats"] <= self.settings.target_excess_nats
