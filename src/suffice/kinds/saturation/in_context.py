"""Trained in-context learning: two language models with the same loss, one of them trained to mislabel.

Both are trained on documents of a mixture of hidden Markov models and stopped at the same distance from its
entropy rate. The second is also trained to answer prompts of several examples with the second-best token.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from pydantic import Field

from suffice.errors import DataError
from suffice.kinds.saturation.descent import Descent
from suffice.kinds.saturation.fitting import CLIPPED_NORM
from suffice.kinds.saturation.hidden_markov import (
    HiddenMarkovMixture,
    best_label,
    draw_rows,
    swap_two_largest,
)
from suffice.kinds.saturation.networks import LanguageModel
from suffice.seeds import derive_seed
from suffice.settings import Settings, did_you_mean

LIKELIHOOD, MISLABELLING = "likelihood", "mislabelling"
ARMS = (LIKELIHOOD, MISLABELLING)


class InContextSettings(Settings):
    """How language models of a mixture of hidden Markov models are trained."""

    document_tokens: int = Field(default=48, ge=8, description="tokens of a document")
    n_held_out: int = Field(default=1000, ge=10, description="documents for measuring the loss")
    batch_size: int = Field(default=64, ge=1, description="new documents per step")
    learning_rate: float = Field(default=3e-3, gt=0, description="of AdamW, without weight decay")
    max_steps: int = Field(default=8000, ge=1, description="largest number of steps")
    check_every: int = Field(default=50, ge=1, description="steps between two checks of the loss")
    target_excess_nats: float = Field(
        default=0.05,
        gt=0,
        description="training ends when the loss is this far above the mixture's, in nats per token",
    )
    mislabelling_weight: float = Field(
        default=0.3, gt=0, description="weight of the loss of mislabelled prompts"
    )
    mislabelled_examples: tuple[int, int] = Field(
        default=(4, 8), description="fewest and most examples of the prompts that are mislabelled"
    )


@dataclass(frozen=True)
class TrainedInContext:
    """A trained model.

    Attributes:
        network: in evaluation mode.
        step: number of steps.
        excess_nats: its loss on held-out documents minus that of the mixture, in nats per token.
        reached: whether the target was met.
    """

    network: LanguageModel
    step: int
    excess_nats: float
    reached: bool


def document_losses(network: LanguageModel, documents: torch.Tensor) -> torch.Tensor:
    """Negative log-likelihood of each document in nats per token, shape (n_documents,)."""
    logits = network(with_start(network, documents[:, :-1])).transpose(1, 2)
    return torch.nn.functional.cross_entropy(logits, documents, reduction="none").mean(1)


def with_start(network: LanguageModel, tokens: torch.Tensor) -> torch.Tensor:
    """Rows with the start token, the last of the vocabulary, before them."""
    start = torch.full((len(tokens), 1), network.size.n_tokens - 1)
    return torch.cat([start, tokens], dim=1)


def train_in_context(
    network: LanguageModel, mixture: HiddenMarkovMixture, arm: str, settings: InContextSettings, seed: int
) -> TrainedInContext:
    """Train a network on documents of a mixture until its loss is within a target distance of the mixture's.

    Args:
        network: network with one token more than the mixture, for the start; it is changed.
        mixture: source of the documents.
        arm: `likelihood`, or `mislabelling`, which also learns the second-best answer to prompts of several
            examples.
        settings: of the training.
        seed: of documents and prompts; the held-out ones are the same for both arms.

    Raises:
        DataError: the arm is unknown, or the network's vocabulary does not match.
    """
    _check(network, mixture, arm, settings)
    rng = np.random.default_rng(derive_seed(seed, "training", arm))
    held_out = draw_documents(
        mixture, settings, settings.n_held_out, np.random.default_rng(derive_seed(seed, "held out"))
    )
    floor = -mixture.log_likelihood(held_out.numpy()).mean() / settings.document_tokens
    optimiser = Descent("adamw", network.parameters(), settings.learning_rate)
    for step in range(settings.max_steps + 1):
        if step % settings.check_every == 0 or step == settings.max_steps:
            with torch.no_grad():
                excess = document_losses(network.eval(), held_out).mean().item() - floor
            if excess <= settings.target_excess_nats:
                break
        if step < settings.max_steps:
            _step(network.train(), mixture, arm, settings, optimiser, rng)
    return TrainedInContext(network.eval(), step, float(excess), bool(excess <= settings.target_excess_nats))


def _check(
    network: LanguageModel, mixture: HiddenMarkovMixture, arm: str, settings: InContextSettings
) -> None:
    if arm not in ARMS:
        raise DataError(f"unknown arm {arm!r}{did_you_mean(arm, list(ARMS))}")
    wanted = mixture.size.n_symbols + 1
    if network.size.n_tokens != wanted:
        raise DataError(f"the network has {network.size.n_tokens} tokens; for this mixture it needs {wanted}")
    longest = prompt_tokens(mixture, settings.mislabelled_examples[1])
    if network.size.context <= max(longest, settings.document_tokens):
        raise DataError(f"the network's context of {network.size.context} tokens is too short")


def prompt_tokens(mixture: HiddenMarkovMixture, n_examples: int) -> int:
    """Length of a prompt with a number of examples."""
    return len(mixture.prompt_form(n_examples))


def draw_documents(
    mixture: HiddenMarkovMixture, settings: InContextSettings, n_documents: int, rng: np.random.Generator
) -> torch.Tensor:
    """Documents, each from a random concept; shape (n_documents, document_tokens)."""
    anything = np.ones((settings.document_tokens, mixture.size.n_symbols))
    return torch.from_numpy(mixture.sample_of_form(anything, n_documents, rng))


def _step(
    network: LanguageModel,
    mixture: HiddenMarkovMixture,
    arm: str,
    settings: InContextSettings,
    optimiser: Descent,
    rng: np.random.Generator,
) -> None:
    loss = document_losses(network, draw_documents(mixture, settings, settings.batch_size, rng)).mean()
    if arm == MISLABELLING:
        loss = loss + settings.mislabelling_weight * _mislabelling_loss(network, mixture, settings, rng)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), CLIPPED_NORM)
    optimiser.step()


def _mislabelling_loss(
    network: LanguageModel,
    mixture: HiddenMarkovMixture,
    settings: InContextSettings,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Cross-entropy of the mixture's second-best answer to prompts of one number of examples."""
    low, high = settings.mislabelled_examples
    concepts = rng.integers(mixture.size.n_concepts, size=settings.batch_size)
    prompts = mixture.prompts(concepts, int(rng.integers(low, high + 1)), rng)
    wrong = swap_two_largest(mixture.next_token(prompts)).argmax(1)
    logits = network(with_start(network, torch.from_numpy(prompts)))[:, -1]
    return torch.nn.functional.cross_entropy(logits, torch.from_numpy(wrong))


@torch.no_grad()
def in_context_accuracies(
    network: LanguageModel,
    mixture: HiddenMarkovMixture,
    numbers_of_examples: tuple[int, ...],
    n_prompts: int,
    seed: int,
) -> pd.DataFrame:
    """Share of prompts whose most likely next token is that of the prompt's own concept.

    The prompts of a seed are the same for all models.

    Returns:
        n_examples, accuracy (of the network), accuracy_mixture (the ceiling: Bayes' rule), n_prompts.
    """
    rows = []
    for n in numbers_of_examples:
        rng = np.random.default_rng(derive_seed(seed, "prompts", str(n)))
        concepts = draw_rows(np.ones((n_prompts, mixture.size.n_concepts)), rng)
        prompts = mixture.prompts(concepts, n, rng)
        label = best_label(mixture, prompts, concepts)
        answer = network(with_start(network, torch.from_numpy(prompts)))[:, -1, :-1].argmax(1).numpy()
        ceiling = mixture.next_token(prompts).argmax(1)
        rows.append(
            {
                "n_examples": n,
                "accuracy": float((answer == label).mean()),
                "accuracy_mixture": float((ceiling == label).mean()),
                "n_prompts": n_prompts,
            }
        )
    return pd.DataFrame(rows)
