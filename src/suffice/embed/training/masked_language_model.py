"""A small masked language model, trained on a corpus and saved at several steps, including the untrained one.

The checkpoints have one architecture and increasing quality: a series in known order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from pydantic import Field, field_validator, model_validator

from suffice.data.columns import CONTENT, SPLIT, TEST, TRAIN
from suffice.data.corpus import Corpus
from suffice.embed.training.wordpiece import MASK, N_SPECIAL, PAD, train_tokenizer
from suffice.errors import ModelError
from suffice.seeds import derive_seed
from suffice.settings import Settings
from suffice.storage.files import whole_folder, write_table

if TYPE_CHECKING:
    import torch

UNMASKED = -100  # the target of a position that is not predicted
MAX_HELD_OUT_ITEMS = 1000
BATCHES_PER_CHUNK = 16
STEPS_PER_ROW = 50
WEIGHT_DECAY = 0.01
MAX_GRADIENT_NORM = 1.0
HISTORY = "history.csv"


class MaskedLanguageModelSettings(Settings):
    """Settings of the training of a masked language model."""

    vocab_size: int = Field(4000, ge=50, description="WordPiece vocabulary, including five special tokens")
    hidden_size: int = Field(128, ge=8, description="width of the hidden states")
    n_layers: int = Field(1, ge=1, description="transformer layers")
    n_heads: int = Field(4, ge=1, description="attention heads; divides hidden_size")
    max_length: int = Field(96, ge=8, description="longest item in tokens; longer items are truncated")
    batch_size: int = Field(32, ge=1, description="items per step")
    learning_rate: float = Field(2e-3, gt=0, description="peak; linear warm-up, then linear decay to 0")
    warmup: int = Field(100, ge=0, description="steps of the warm-up")
    mask_share: float = Field(0.3, gt=0, lt=1, description="share of the tokens that are predicted")
    steps: tuple[int, ...] = Field(
        (0, 200, 700, 2000), description="increasing steps to save the model at; 0 is the untrained model"
    )

    @field_validator("steps")
    @classmethod
    def _steps_rise(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if not steps or steps[0] < 0 or list(steps) != sorted(set(steps)):
            raise ValueError(f"steps must be increasing whole numbers, such as 0, 150, 600; not {steps}")
        return steps

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.hidden_size % self.n_heads:
            raise ValueError(
                f"hidden_size ({self.hidden_size}) must be a multiple of n_heads ({self.n_heads})"
            )
        if 0 < self.steps[-1] <= self.warmup:
            raise ValueError(f"warmup ({self.warmup}) must be smaller than the last step ({self.steps[-1]})")
        return self


def train_masked_language_model(
    corpus: Corpus, settings: MaskedLanguageModelSettings, folder: Path | str, seed: int, device: str = "cpu"
) -> pd.DataFrame:
    r"""Train a BERT on the train split of a corpus and save it at each of `settings.steps`.

    The loss is the mean of :math:`-\log q(x_i \mid \tilde x)` over the chosen positions i, in nats. In the
    input, 80 % of them are replaced by [MASK], 10 % by a random token, and 10 % are unchanged (Devlin et al.,
    2019, arXiv:1810.04805, section 3.1). There is no next-sentence task and no dropout. Neither the tokenizer
    nor the model sees an item of the test split, and labels are not used.

    `folder` gets step-<n>/ (config, tokenizer, safetensors; for AutoModel and AutoTokenizer) for each step,
    and history.csv. It is written under a temporary name and renamed when complete. On the CPU, with the same
    number of threads and the same versions, the same seed gives the same bytes.

    Args:
        corpus: items with the column `split`.
        settings: sizes, schedule and steps.
        folder: folder to write to; an earlier training there is replaced.
        seed: seed of the weights, the batches and the masks.
        device: torch device.

    Returns:
        The history, with the columns step, loss_nats (mean over the steps since the previous row; missing at
        step 0), and held_out_loss_nats (mean over up to 1000 items of the test split, always with the same
        masks; only at saved steps).

    Raises:
        ModelError: `folder` has other content, a split is empty, or the loss is no longer finite.
    """
    folder = Path(folder)
    refuse_other_content(folder)
    with whole_folder(folder) as temporary:
        history = Training(corpus, settings, seed, device).run(temporary)
        write_table(history, temporary / HISTORY)
    return history


def refuse_other_content(folder: Path) -> None:
    """Raise ModelError if `folder` exists and is not from a training, so nothing else is deleted."""
    is_free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if not is_free and not (folder / HISTORY).is_file():
        raise ModelError(
            f"{folder} exists and is not an earlier training (it has no {HISTORY}); choose another folder"
        )


def build_model(settings: MaskedLanguageModelSettings, vocab_size: int, seed: int) -> Any:
    """An untrained BertForMaskedLM; torch's global generator is not changed.

    There are two differences from BERT. Weights start with the standard deviation hidden_size^(-1/2), not
    0.02, and the output layer does not share the input embeddings. Otherwise such a small model would predict
    only word frequencies for thousands of steps.
    """
    import torch
    import transformers

    config = transformers.BertConfig(
        vocab_size=vocab_size,
        hidden_size=settings.hidden_size,
        num_hidden_layers=settings.n_layers,
        num_attention_heads=settings.n_heads,
        intermediate_size=4 * settings.hidden_size,
        max_position_embeddings=settings.max_length,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        type_vocab_size=1,
        initializer_range=settings.hidden_size**-0.5,
        tie_word_embeddings=False,
        pad_token_id=PAD,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return transformers.BertForMaskedLM(config)


@dataclass(frozen=True)
class MaskedBatch:
    """A padded batch: inputs, attention mask, and the tokens to predict (-100 elsewhere).

    Each is an integer tensor of shape (n_items, length).
    """

    inputs: "torch.Tensor"
    attention: "torch.Tensor"
    targets: "torch.Tensor"


def masked_batch(
    items: list[list[int]], mask_share: float, vocab_size: int, rng: np.random.Generator
) -> MaskedBatch:
    """Pad some items and mask a share of their tokens: at least one, and never a special token."""
    import torch

    tokens = np.full((len(items), max(map(len, items))), PAD)
    for row, item in enumerate(items):
        tokens[row, : len(item)] = item
    eligible = np.flatnonzero(tokens >= N_SPECIAL)
    chosen = rng.permutation(eligible)[: max(1, round(mask_share * len(eligible)))]
    targets = np.full(tokens.size, UNMASKED)
    targets[chosen] = tokens.ravel()[chosen]
    inputs = tokens.copy().ravel()
    inputs[chosen] = replacements(inputs[chosen], vocab_size, rng)
    return MaskedBatch(
        torch.from_numpy(inputs.reshape(tokens.shape)),
        torch.from_numpy((tokens != PAD).astype(np.int64)),
        torch.from_numpy(targets.reshape(tokens.shape)),
    )


def replacements(tokens: np.ndarray, vocab_size: int, rng: np.random.Generator) -> np.ndarray:
    """The input for the chosen tokens: 80 % [MASK], 10 % a random token, 10 % unchanged."""
    draw = rng.random(len(tokens))
    random_tokens = rng.integers(N_SPECIAL, vocab_size, len(tokens))
    return np.where(draw < 0.8, MASK, np.where(draw < 0.9, random_tokens, tokens))


def epoch_batches(lengths: np.ndarray, batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The positions of all items in batches of similar length, in random order.

    Items are shuffled, sorted by length within chunks of 16 batches, and the batches are shuffled.
    """
    order = rng.permutation(len(lengths))
    size = batch_size * BATCHES_PER_CHUNK
    chunks = [order[start : start + size] for start in range(0, len(order), size)]
    by_length = [chunk[np.argsort(lengths[chunk], kind="stable")] for chunk in chunks]
    batches = [chunk[i : i + batch_size] for chunk in by_length for i in range(0, len(chunk), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


class Training:
    """One training: data, model, optimiser and schedule.

    Args:
        corpus: items with the column `split`.
        settings: sizes, schedule and steps.
        seed: seed of the weights, the batches and the masks.
        device: torch device.
    """

    def __init__(
        self, corpus: Corpus, settings: MaskedLanguageModelSettings, seed: int, device: str = "cpu"
    ) -> None:
        table = corpus.table([CONTENT, SPLIT])
        train, held_out = (contents_of(table, name, corpus.path) for name in (TRAIN, TEST))
        self.settings = settings
        self.seed = seed
        self.device = device
        self.tokenizer = train_tokenizer(train, settings.vocab_size, settings.max_length)
        self.vocab_size = len(self.tokenizer)
        self.items = self._tokens(train)
        rng = np.random.default_rng(derive_seed(seed, "held out"))
        chosen = rng.permutation(len(held_out))[:MAX_HELD_OUT_ITEMS]
        self.held_out_items = self._tokens([held_out[i] for i in chosen])
        self.model = build_model(settings, self.vocab_size, derive_seed(seed, "weights")).to(device)

    def run(self, folder: Path) -> pd.DataFrame:
        """Train to the last step, saving into `folder`; returns the history."""
        losses: list[float] = []
        rows = []
        for step, loss in self._steps():
            losses += [] if loss is None else [loss]
            is_saved = step in self.settings.steps
            if is_saved:
                self._save(folder / f"step-{step}")
            if is_saved or step % STEPS_PER_ROW == 0:
                held_out = self.held_out_loss_nats() if is_saved else None
                rows.append((step, float(np.mean(losses)) if losses else None, held_out))
                losses.clear()
        return pd.DataFrame(rows, columns=["step", "loss_nats", "held_out_loss_nats"]).astype(
            {"loss_nats": float, "held_out_loss_nats": float}
        )

    def held_out_loss_nats(self) -> float:
        """Mean loss in nats of the chosen tokens of the held-out items, always with the same masks."""
        import torch

        total, n_targets = 0.0, 0
        with torch.inference_mode():
            for batch in self._held_out_batches:
                n_chosen = int((batch.targets != UNMASKED).sum())
                total += float(self._loss(batch)) * n_chosen
                n_targets += n_chosen
        return total / n_targets

    @cached_property
    def _held_out_batches(self) -> list[MaskedBatch]:
        rng = np.random.default_rng(derive_seed(self.seed, "held-out masks"))
        items = sorted(self.held_out_items, key=len)
        size = self.settings.batch_size
        return [self._masked(items[start : start + size], rng) for start in range(0, len(items), size)]

    def _tokens(self, contents: list[str]) -> list[list[int]]:
        encoded = self.tokenizer(contents, truncation=True, max_length=self.settings.max_length)["input_ids"]
        known = [item for item in encoded if any(token >= N_SPECIAL for token in item)]
        if not known:
            raise ModelError("a split has no item with a known token; raise vocab_size or give more items")
        return known

    def _masked(self, items: list[list[int]], rng: np.random.Generator) -> MaskedBatch:
        return masked_batch(items, self.settings.mask_share, self.vocab_size, rng)

    def _batches(self) -> Iterator[MaskedBatch]:
        rng = np.random.default_rng(derive_seed(self.seed, "batches"))
        lengths = np.array([len(item) for item in self.items])
        while True:
            for positions in epoch_batches(lengths, self.settings.batch_size, rng):
                yield self._masked([self.items[i] for i in positions], rng)

    def _steps(self) -> Iterator[tuple[int, float | None]]:
        """Step 0 without a loss, then each step with its training loss in nats."""
        import torch

        optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=self.settings.learning_rate, weight_decay=WEIGHT_DECAY
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, self._relative_rate)
        self.model.train()
        yield 0, None
        for step, batch in zip(range(1, self.settings.steps[-1] + 1), self._batches(), strict=False):
            loss = self._loss(batch)
            if not torch.isfinite(loss):
                raise ModelError(
                    f"the training loss is {float(loss.detach())} at step {step}; lower learning_rate "
                    f"({self.settings.learning_rate}) or raise warmup ({self.settings.warmup})"
                )
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), MAX_GRADIENT_NORM)
            optimiser.step()
            schedule.step()
            yield step, float(loss.detach())

    def _relative_rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0, as a share of the peak."""
        n_warmup, n_steps = self.settings.warmup, max(self.settings.steps[-1], 1)
        if step < n_warmup:
            return (step + 1) / (n_warmup + 1)
        return (n_steps - step) / (n_steps - n_warmup)

    def _loss(self, batch: MaskedBatch) -> "torch.Tensor":
        """Mean loss in nats; scores of the vocabulary are computed only at the chosen positions."""
        import torch

        targets = batch.targets.to(self.device)
        hidden = self.model.bert(
            input_ids=batch.inputs.to(self.device), attention_mask=batch.attention.to(self.device)
        ).last_hidden_state  # (n_items, length, hidden_size)
        chosen = targets != UNMASKED
        scores = self.model.cls(hidden[chosen])  # (n_chosen, vocab_size)
        loss: torch.Tensor = torch.nn.functional.cross_entropy(scores, targets[chosen])
        return loss

    def _save(self, folder: Path) -> None:
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


def contents_of(table: pd.DataFrame, split: str, path: Path) -> list[str]:
    """The contents of one split.

    Raises:
        ModelError: the split is empty.
    """
    contents = table.loc[table[SPLIT] == split, CONTENT].tolist()
    if not contents:
        raise ModelError(f"{path} has no items in the split {split!r}; training needs both train and test")
    return contents
