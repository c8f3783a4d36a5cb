"""Vectors from a language model's predictions: its distribution over the continuation of an item."""

import inspect
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from suffice.embed.self_check import SHORT, TOLERANCES, encoding_errors
from suffice.embed.transformer import TransformerEncoder, TransformerLoader, TransformerSettings, pad_right
from suffice.embed.word_vectors import local_file
from suffice.errors import ModelError
from suffice.storage.files import sha256_of_file

PROJECTION_SEED = 0  # models with the same vocabulary share the matrix, regardless of the study's seed


class NextTokenSettings(TransformerSettings):
    """Settings of kind `next_token`."""

    n_components: int = Field(
        256, ge=1, description="Width of the vectors; a smaller vocabulary is not projected"
    )
    continuations: str | None = Field(
        None,
        description="Text file with one continuation per line: the vector has the log-probability of each "
        "continuation after the item, so models with different vocabularies can be compared",
    )

    @model_validator(mode="after")
    def _one_kind_of_vector(self) -> Self:
        if self.continuations is not None and "n_components" in self.model_fields_set:
            raise ValueError(
                "n_components has no effect with continuations, which give one number each; remove it"
            )
        return self


class NextToken(TransformerLoader[NextTokenSettings]):
    r"""The predictions of a causal language model after each item.

    Without `continuations` the vector is the centred log-ratio of the distribution p of the next token,
    :math:`\log p_v - \frac{1}{V} \sum_w \log p_w` over the V tokens of the vocabulary (Aitchison, 1982,
    doi:10.1111/j.2517-6161.1982.tb01195.x), times a fixed matrix with independent entries from
    N(0, 1 / n_components), which keeps distances up to a small factor (Johnson-Lindenstrauss).

    With `continuations` entry k is :math:`\log p(c_k \mid \text{item})` in nats, the sum over the tokens of
    continuation k. This takes one forward pass per continuation.

    An item that is longer than the model reads is truncated at its end. An item without tokens gets a row of
    zeros.
    """

    kind = "next_token"
    Settings = NextTokenSettings
    auto_model = "AutoModelForCausalLM"

    def check(self) -> None:
        """Also check that the file of continuations can be read."""
        super().check()
        if self.settings.continuations is not None:
            self.continuations  # noqa: B018 - reading them raises

    def identity(self) -> dict[str, Any]:
        """Also the hash of the continuations."""
        if self.settings.continuations is None:
            return super().identity()
        found = sha256_of_file(local_file(self.settings.continuations))
        return super().identity() | {"continuations_sha256": found}

    @cached_property
    def continuations(self) -> list[str]:
        """The lines of the file that are not empty; spaces are kept.

        Raises:
            ModelError: it cannot be read, or has no such line.
        """
        path = local_file(str(self.settings.continuations))
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"continuations {path} cannot be read as UTF-8 text ({error})") from None
        found = [line for line in lines if line.strip()]
        if not found:
            raise ModelError(f"continuations {path} has no text; write one continuation per line")
        return found

    def _encoder(self, model: Any, tokenizer: Any, max_length: int) -> TransformerEncoder:
        settings = self.settings
        if settings.continuations is None:
            return NextTokenEncoder(model, tokenizer, settings, max_length)
        return ContinuationsEncoder(model, tokenizer, settings, max_length, self.continuations)


class CausalEncoder(TransformerEncoder):
    """A loaded causal language model. It reads items without a token for the end of a text."""

    settings: NextTokenSettings

    def check_itself(self) -> list[str]:
        """Also check that tokens do not see later tokens.

        Raises:
            ModelError: they see later tokens, as in a masked language model.
        """
        import torch

        ids = self._tokenize([SHORT])["input_ids"][0]
        with torch.inference_mode(), encoding_errors(self.settings.checkpoint, self.kind):
            first = torch.tensor([len(ids) // 2 - 1])
            short, long = (
                self.log_probabilities(torch.tensor([each], device=self.model.device), None, first)[0, 0]
                for each in (ids[: len(ids) // 2], ids)
            )
        gap = float((short - long).norm() / short.norm())
        if not gap <= TOLERANCES[self.settings.dtype]:
            raise ModelError(
                f"checkpoint {self.settings.checkpoint!r} is not a causal language model: its prediction "
                f"after a word depends on later words (relative difference {gap:.2g}); use hidden_states"
            )
        return super().check_itself()

    def log_probabilities(self, ids: Any, mask: Any, positions: Any) -> Any:
        """Log-probabilities of the token after each of some positions.

        Args:
            ids: token ids, tensor (n_items, n_tokens).
            mask: 1 for tokens and 0 for padding, likewise; None without padding.
            positions: counted from 0, tensor (n_positions,), on any device.

        Returns:
            float32 tensor (n_items, n_positions, n_known). Outputs without a token are left out.
        """
        positions = positions.to(ids.device)
        spare = {"logits_to_keep": positions} if self._can_keep_few else {}
        logits = self.model(
            input_ids=ids, attention_mask=mask, return_dict=True, use_cache=False, **spare
        ).logits
        if not spare:
            logits = logits[:, positions]
        return logits[..., : self.n_known].float().log_softmax(dim=-1)

    @cached_property
    def n_known(self) -> int:
        """Number of tokens that the tokenizer and the model have."""
        return min(len(self.tokenizer), int(self.model.config.vocab_size))

    @cached_property
    def _can_keep_few(self) -> bool:
        """Whether the model can leave out the logits of other positions, which take most of the memory."""
        return "logits_to_keep" in inspect.signature(self.model.forward).parameters

    def _tokenize(self, texts: list[str], role: str | None = None) -> dict[str, list[list[int]]]:
        """Token ids without an end-of-text token that the tokenizer appends."""
        ends = {self.tokenizer.eos_token_id, self.tokenizer.sep_token_id} - {None}
        ids = super()._tokenize(texts, role)["input_ids"]
        return {"input_ids": [row[:-1] if len(row) > 1 and row[-1] in ends else row for row in ids]}


class NextTokenEncoder(CausalEncoder):
    """Projected log-ratios of the next token.

    Args:
        model: the network.
        tokenizer: its tokenizer.
        settings: the user's settings.
        max_length: number of tokens read per item.
    """

    def __init__(self, model: Any, tokenizer: Any, settings: NextTokenSettings, max_length: int) -> None:
        n_known = min(len(tokenizer), int(model.config.vocab_size))
        width = min(settings.n_components, n_known)
        super().__init__(
            model, tokenizer, settings, max_length=max_length, embed_dim=width, kind=NextToken.kind
        )

    @cached_property
    def _projection(self) -> Any:
        """The fixed matrix, tensor (n_known, embed_dim); None if nothing is projected."""
        import torch

        if self.embed_dim == self.n_known:
            return None
        shape = (self.n_known, self.embed_dim)
        matrix = np.random.default_rng(PROJECTION_SEED).standard_normal(shape, dtype=np.float32)
        return torch.from_numpy(matrix / np.float32(np.sqrt(self.embed_dim))).to(self.model.device)

    def _vectors(self, inputs: Mapping[str, Any], mask: Any) -> Any:
        import torch

        last = mask.sum(dim=1) - 1
        positions, place = torch.unique(last, return_inverse=True)
        logs = self.log_probabilities(inputs["input_ids"], mask, positions)
        logs = logs[torch.arange(len(last), device=logs.device), place]  # (n_items, n_known)
        ratios = logs - logs.mean(dim=1, keepdim=True)
        return ratios if self._projection is None else ratios @ self._projection


class ContinuationsEncoder(CausalEncoder):
    """Log-probabilities of given continuations.

    Args:
        model: the network.
        tokenizer: its tokenizer.
        settings: the user's settings.
        max_length: number of tokens that the model reads, including the longest continuation.
        continuations: the texts.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        settings: NextTokenSettings,
        max_length: int,
        continuations: list[str],
    ) -> None:
        self.continuations = [
            tokenizer(text, add_special_tokens=False)["input_ids"] for text in continuations
        ]
        longest, shortest = (find(map(len, self.continuations)) for find in (max, min))
        if not shortest:
            raise ModelError("the tokenizer finds no token in a line of continuations; remove that line")
        if longest >= max_length:
            raise ModelError(
                f"the longest continuation has {longest} tokens, and the model reads {max_length} with the "
                "item; shorten it"
            )
        super().__init__(
            model,
            tokenizer,
            settings,
            max_length=max_length - longest,
            embed_dim=len(continuations),
            kind=NextToken.kind,
        )

    def _vectors(self, inputs: Mapping[str, Any], mask: Any) -> Any:
        import torch

        lengths = mask.sum(dim=1).tolist()
        items = [row[:length] for row, length in zip(inputs["input_ids"].tolist(), lengths, strict=True)]
        return torch.stack([self._sums(items, lengths, tokens) for tokens in self.continuations], dim=1)

    def _sums(self, items: list[list[int]], lengths: list[int], continuation: list[int]) -> Any:
        """Log-probability of one continuation after each item, tensor (n_items,)."""
        import torch

        device = self.model.device
        ids = pad_right([row + continuation for row in items], self.pad_id).to(device)
        mask = pad_right([[1] * (length + len(continuation)) for length in lengths], 0).to(device)
        steps = torch.arange(len(continuation), device=device)
        asked = torch.tensor(lengths, device=device)[:, None] - 1 + steps  # the position before each token
        positions, place = torch.unique(asked, return_inverse=True)
        logs = self.log_probabilities(ids, mask, positions)  # (n_items, n_positions, n_known)
        rows = torch.arange(len(items), device=device)[:, None]
        return logs[rows, place, torch.tensor(continuation, device=device)].sum(dim=1)
