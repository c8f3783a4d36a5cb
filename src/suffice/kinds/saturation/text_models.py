"""Case 5, in practice: language models of real text, trained to one held-out loss, and their answers."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pydantic import Field

from suffice.embed.training.wordpiece import PAD
from suffice.errors import EstimationError
from suffice.kinds.saturation.descent import Descent
from suffice.kinds.saturation.fitting import CLIPPED_NORM, string_losses
from suffice.kinds.saturation.networks import LanguageModel, NetworkSize, build_network, n_parameters
from suffice.kinds.saturation.real_texts import (
    CHECK,
    OTHER,
    TEST,
    TRAIN,
    Integers,
    Texts,
    TextSettings,
    write_arrays,
)
from suffice.kinds.saturation.tokens import Batch
from suffice.seeds import derive_seed
from suffice.settings import Settings
from suffice.storage.files import write_table

Arrays = dict[str, np.ndarray]
DOMAINS = (TEST, OTHER)
ROWS_AT_ONCE = 256
CLOSE_NATS = 5e-4  # from the target, at which the search between two checkpoints ends
MAX_HALVINGS = 12
NEAR_NATS = 0.05  # above the target, from which checks read all rows


class TextModelSettings(Settings):
    """How language models of real text are trained, and what they are asked."""

    texts: TextSettings = Field(default=TextSettings(), description="their texts")
    n_starts: int = Field(default=2, ge=2, description="different first weights")
    n_orders: int = Field(default=2, ge=1, description="orders of the training rows")
    width: int = Field(default=64, ge=8, description="width of the hidden states")
    n_layers: int = Field(default=2, ge=1, description="layers")
    batch_size: int = Field(default=16, ge=1, description="rows of tokens per step")
    learning_rate: float = Field(default=6e-3, gt=0, description="of AdamW, without weight decay")
    max_steps: int = Field(default=2000, ge=1, description="largest number of steps")
    check_every: int = Field(default=25, ge=1, description="steps between two checks of the loss")
    n_check_rows: int = Field(
        default=200, ge=10, description="held-out rows of a check; all, once the loss is near the target"
    )
    target_nats: float = Field(default=4.2, gt=0, description="held-out loss to stop at, in nats per token")
    n_candidates: int = Field(default=8, ge=2, description="continuations to choose from, one is true")


@dataclass(frozen=True)
class TrainedText:
    """A language model at the target loss.

    Attributes:
        network: the model, in evaluation mode.
        step: the last step.
        check_nats: held-out loss that training ended at, in nats per token.
        reached: whether this is the target, within 0.0005 nats.
    """

    network: LanguageModel
    step: int
    check_nats: float
    reached: bool


@torch.no_grad()
def row_losses(network: LanguageModel, rows: Integers) -> np.ndarray:
    """Mean loss of each row in nats per token, shape (n_rows,), from rows of shape (n_rows, n_tokens)."""
    parts = [string_losses(network, _batch(part)) for part in _parts(torch.as_tensor(rows))]
    return np.asarray(torch.cat(parts).double() / (rows.shape[1] - 1))


def _batch(rows: torch.Tensor) -> Batch:
    return Batch(rows[:, :-1], rows[:, 1:], torch.full((len(rows),), 1 / rows[:, 1:].numel()))


def _parts(rows: torch.Tensor) -> Iterator[torch.Tensor]:
    return iter(torch.split(rows, ROWS_AT_ONCE))


def train_to_loss(
    network: LanguageModel, train: Integers, check: Integers, settings: TextModelSettings, order: int
) -> TrainedText:
    """Train on rows of tokens until the loss on other rows is the target.

    Checks read some of the other rows, and all of them near the target. Training ends at the first check at
    or below it. Between this checkpoint and the one before, the weights are then interpolated so that the
    loss is within 0.0005 nats of the target.

    Args:
        network: it is changed.
        train: rows to learn, shape (n_rows, n_tokens).
        check: rows of the checks, shape (n_rows, n_tokens).
        settings: of the training.
        order: seed of the order of the rows, which is new in every pass.

    Raises:
        EstimationError: the loss is not finite.
    """
    optimiser = Descent("adamw", network.parameters(), settings.learning_rate)
    batches = _ordered(torch.as_tensor(train), settings.batch_size, order)
    before, loss = _weights(network), np.inf
    for step in range(settings.max_steps + 1):
        if step % settings.check_every == 0 or step == settings.max_steps:
            loss = float(row_losses(network, check[: settings.n_check_rows]).mean())
            if loss <= settings.target_nats + NEAR_NATS:
                loss = float(row_losses(network, check).mean())
            if loss <= settings.target_nats:
                loss = _between(network, before, check, settings.target_nats)
                break
            before = _weights(network)
        if step < settings.max_steps:
            _step(network, optimiser, next(batches))
    return TrainedText(network.eval(), step, loss, abs(loss - settings.target_nats) <= CLOSE_NATS)


def _step(network: LanguageModel, optimiser: Descent, batch: Batch) -> None:
    loss = (string_losses(network, batch) * batch.weights).sum()
    if not torch.isfinite(loss):
        raise EstimationError(
            f"the loss of a model of text is not finite; lower learning_rate, which is {optimiser.rate}"
        )
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), CLIPPED_NORM)
    optimiser.step()


def _ordered(rows: torch.Tensor, batch_size: int, seed: int) -> Iterator[Batch]:
    """The rows again and again, each time in another order."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        for places in torch.split(torch.randperm(len(rows), generator=generator), batch_size):
            yield _batch(rows[places])


def _weights(network: LanguageModel) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def _between(
    network: LanguageModel, before: dict[str, torch.Tensor], check: Integers, target: float
) -> float:
    """Set the weights to a point on the line from `before`, above the target, to those at or below it."""
    after, low, high = _weights(network), 0.0, 1.0
    loss, share = float(row_losses(network, check).mean()), 1.0
    for _ in range(MAX_HALVINGS):
        if abs(loss - target) <= CLOSE_NATS:
            break
        share = (low + high) / 2
        network.load_state_dict({name: torch.lerp(before[name], after[name], share) for name in after})
        loss = float(row_losses(network, check).mean())
        low, high = (share, high) if loss > target else (low, share)
    return loss


@torch.no_grad()
def ask(network: LanguageModel, texts: Texts, settings: TextModelSettings, seed: int) -> Arrays:
    """What a network answers; every network of a study is asked the same.

    Args:
        network: the model.
        texts: its texts.
        settings: what to ask.
        seed: of the false continuations.

    Returns:
        For each domain ("test" or "other package"): `<domain>/greedy`, the most likely tokens after each
        prompt, shape (n_prompts, continuation_tokens); `<domain>/next`, the distribution of the next token,
        shape (n_prompts, n_tokens); `<domain>/choices`, log-probabilities in nats of continuations, the true
        one first, shape (n_prompts, n_candidates); `<domain>/loss`, in nats per token, shape (n_rows,);
        `<domain>/confidence` and `<domain>/right` of the most likely token, shape (n_rows, context). And
        `states`, the mean state of each paragraph, shape (n_paragraphs, width).
    """
    found: Arrays = {"states": paragraph_states(network, texts.paragraphs)}
    for domain in DOMAINS:
        prompts, rows = torch.as_tensor(texts.prompts[domain]), texts.rows[domain]
        n_given = settings.texts.prompt_tokens
        own = {
            "greedy": greedy(network, prompts[:, :n_given], settings.texts.continuation_tokens),
            "next": network(prompts[:, :n_given])[:, -1].softmax(1).numpy(),
            "choices": choice_nats(
                network, candidates(prompts, n_given, settings.n_candidates, seed), n_given
            ),
            **_predictions(network, rows),
        }
        found |= {f"{domain}/{name}": value for name, value in own.items()}
    return found


def greedy(network: LanguageModel, prompts: torch.Tensor, n_tokens: int) -> np.ndarray:
    """The most likely next tokens after each prompt, one after another, shape (n_prompts, n_tokens)."""
    tokens = prompts
    for _ in range(n_tokens):
        tokens = torch.cat([tokens, network(tokens)[:, -1].argmax(1)[:, None]], dim=1)
    return np.asarray(tokens[:, prompts.shape[1] :])


def candidates(prompts: torch.Tensor, n_given: int, n_candidates: int, seed: int) -> torch.Tensor:
    """Each prompt with its own continuation, then with those of other prompts.

    Args:
        prompts: prompts with their continuations, shape (n_prompts, n_tokens).
        n_given: tokens of the prompt.
        n_candidates: continuations of each prompt.
        seed: of the drawing.

    Returns:
        Shape (n_prompts, n_candidates, n_tokens).
    """
    n_prompts = len(prompts)
    shifts = 1 + np.random.default_rng(seed).permuted(
        np.tile(np.arange(n_prompts - 1), (n_prompts, 1)), axis=1
    )
    others = (np.arange(n_prompts)[:, None] + shifts[:, : n_candidates - 1]) % n_prompts
    places = torch.as_tensor(np.column_stack([np.arange(n_prompts), others]))
    given = prompts[:, None, :n_given].expand(-1, places.shape[1], -1)
    return torch.cat([given, prompts[places, n_given:]], dim=2)


def choice_nats(network: LanguageModel, choices: torch.Tensor, n_given: int) -> np.ndarray:
    """Log-probability in nats of each continuation after its prompt, shape (n_prompts, n_candidates)."""
    flat = choices.flatten(0, 1)
    found = []
    for rows in _parts(flat):
        log_probabilities = network(rows[:, :-1])[:, n_given - 1 :].log_softmax(2)
        found.append(log_probabilities.gather(2, rows[:, n_given:, None]).sum((1, 2)))
    return np.asarray(torch.cat(found).reshape(choices.shape[:2]).double())


def paragraph_states(network: LanguageModel, paragraphs: Integers) -> np.ndarray:
    """Mean of the last layer's states over the tokens of each paragraph, shape (n_paragraphs, width)."""
    tokens = torch.as_tensor(paragraphs)
    given = (tokens != PAD)[..., None]
    return np.asarray((network.hidden(tokens) * given).sum(1) / given.sum(1))


def _predictions(network: LanguageModel, rows: Integers) -> Arrays:
    """Mean loss of each row, and confidence and correctness of the most likely token at every place."""
    found: dict[str, list[torch.Tensor]] = {"loss": [], "confidence": [], "right": []}
    for part in _parts(torch.as_tensor(rows)):
        log_probabilities, truth = network(part[:, :-1]).log_softmax(2), part[:, 1:]
        most = log_probabilities.max(2)
        found["loss"].append(-log_probabilities.gather(2, truth[..., None])[..., 0].double().mean(1))
        found["confidence"].append(most.values.exp())
        found["right"].append(most.indices == truth)
    return {name: torch.cat(parts).numpy() for name, parts in found.items()}


def write_text_models(
    architecture: str, texts: Texts, settings: TextModelSettings, seed: int, folder: Path
) -> None:
    """Train the networks of one architecture, one per start and order, and write their runs and answers.

    The file runs.csv has model ("architecture/start/order"), architecture, start, order, check_nats,
    test_nats, other_nats (per token), n_steps, seconds, n_parameters, reached. The file answers.safetensors
    has the arrays of `ask`, named "model/array".
    """
    runs: list[dict[str, Any]] = []
    answers: Arrays = {}
    for start in range(settings.n_starts):
        for order in range(settings.n_orders):
            place = {"architecture": architecture, "start": start, "order": order}
            name = "/".join(map(str, place.values()))
            run, own = _trained_and_asked(place, texts, settings, seed)
            runs.append({"model": name, **place, **run})
            answers |= {f"{name}/{key}": value for key, value in own.items()}
    write_arrays(answers, folder / "answers.safetensors")
    write_table(pd.DataFrame(runs), folder / "runs.csv")


def _trained_and_asked(
    place: Mapping[str, Any], texts: Texts, settings: TextModelSettings, seed: int
) -> tuple[dict[str, Any], Arrays]:
    began = time.process_time()
    size = NetworkSize(texts.n_tokens, settings.texts.context, settings.width, settings.n_layers)
    own_start = derive_seed(seed, "text start", str(place["start"]))
    network = build_network(place["architecture"], size, own_start)
    order = derive_seed(seed, "text order", str(place["order"]))
    trained = train_to_loss(network, texts.rows[TRAIN], texts.rows[CHECK], settings, order)
    answers = ask(network, texts, settings, derive_seed(seed, "choices"))
    return {
        "check_nats": trained.check_nats,
        "test_nats": answers[f"{TEST}/loss"].mean(),
        "other_nats": answers[f"{OTHER}/loss"].mean(),
        "n_steps": trained.step,
        "seconds": time.process_time() - began,
        "n_parameters": n_parameters(network),
        "reached": trained.reached,
    }, answers
