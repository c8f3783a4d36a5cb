"""Vectors from the hidden states of any transformer that the transformers library can load."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from suffice.data.corpus import Corpus, Window
from suffice.embed.base import Encoder
from suffice.embed.checkpoint import (
    BatchRunner,
    CheckpointLoader,
    CheckpointSettings,
    is_local,
    load_errors,
    quiet,
    refuse_missing_weights,
    torch_device,
)
from suffice.embed.long_texts import cut_long_texts
from suffice.embed.promises import keep_promises, last_tokens
from suffice.embed.roles import by_role
from suffice.embed.self_check import check_batches, encoding_errors, probe_texts
from suffice.errors import ModelError
from suffice.storage.fetch import without_network

DEFAULT_MAX_LENGTH = 512  # tokens, unless the model or its tokenizer reads fewer
Pooling = Literal["mean", "cls", "last_token"]


class HiddenStatesSettings(CheckpointSettings):
    """Settings of kind `hidden_states`."""

    layer: int = Field(
        -1, description="Index of the hidden state: 0 is the token embedding, -1 the last layer's output"
    )
    pooling: Pooling = Field(
        "mean", description="Mean over all tokens except padding, first token (cls), or last_token"
    )
    max_length: int | None = Field(
        None, ge=1, description="Number of tokens read per item; by default the model's limit, at most 512"
    )
    prompt: str = Field("", description="Text put before each item")
    random_init: bool = Field(
        False, description="Seeded random weights in the same architecture, as a control"
    )

    @model_validator(mode="after")
    def _no_hash_of_unused_weights(self) -> Self:
        if self.random_init and self.sha256 is not None:
            raise ValueError("sha256 names the trained weights, which random_init does not use; remove one")
        return self


class HiddenStates(CheckpointLoader[HiddenStatesSettings]):
    """Pooled hidden states of one layer of an encoder or decoder; for T5 and similar models the encoder."""

    kind = "hidden_states"
    Settings = HiddenStatesSettings
    libraries = ("torch", "transformers", "tokenizers")

    @property
    def reads_weights(self) -> bool:
        """Random weights need only the architecture."""
        return not self.settings.random_init

    def identity(self) -> dict[str, Any]:
        """As for any checkpoint, but random weights have a seed instead of a hash."""
        if not self.settings.random_init:
            return super().identity()
        if not is_local(self.location):
            return super().identity() | {"seed": self.seed}
        return {"files_sha256": {"checkpoint": self.opened.configuration_sha256()}, "seed": self.seed}

    def open(self, corpus: Corpus) -> Encoder:
        """Load the tokenizer and the required layers."""
        settings, device = self.settings, torch_device(self.device)
        folder = self.checked_folder()
        with quiet(), without_network(), load_errors(settings.checkpoint):
            tokenizer, model = self._load_tokenizer(folder), self._load_model(folder)
            said = keep_promises(tokenizer, self.read_config("tokenizer_config.json"))
        layer = _layer_index(settings.layer, model.config.num_hidden_layers)
        drop_layers_above(model, layer)
        max_length = _max_length(settings.max_length, position_limit(model), tokenizer.model_max_length)
        model.eval().requires_grad_(False).to(device)
        encoder = HiddenStatesEncoder(model, tokenizer, settings, layer, max_length)
        encoder.prompts = self.own_treatment.chosen(settings)
        with quiet():
            encoder.said = [*said, *encoder.check_itself()]
        return encoder

    @property
    def _source(self) -> dict[str, Any]:
        return {"local_files_only": True, "trust_remote_code": self.settings.trust_remote_code}

    def _load_tokenizer(self, folder: Path) -> Any:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder, **self._source)
        refuse_empty_vocabulary(tokenizer, self.settings.checkpoint)
        return tokenizer

    def _load_model(self, folder: Path) -> Any:
        import torch
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(folder, **self._source)
        with torch.random.fork_rng(devices=[]):  # loading draws random numbers for weights it then discards
            torch.default_generator.manual_seed(self.seed)
            fresh = self.settings.random_init
            model = self._fresh_model(config) if fresh else self._trained_model(folder, config)
        return model.encoder if _has_decoder_apart(model) else model

    def _fresh_model(self, config: Any) -> Any:
        import torch
        from transformers import AutoModel

        trusted = self.settings.trust_remote_code
        model = AutoModel.from_config(config, trust_remote_code=trusted, dtype=torch.float32)
        return model.to(getattr(torch, self.settings.dtype))

    def _trained_model(self, folder: Path, config: Any) -> Any:
        import torch
        from transformers import AutoModel

        dtype = getattr(torch, self.settings.dtype)
        model, report = AutoModel.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            output_loading_info=True,
            use_safetensors=self.uses_safetensors(),
            weights_only=True,
            **self._source,
        )
        missing = report["missing_keys"]
        if _has_decoder_apart(model):  # it is not used, and encoder-only checkpoints exist
            missing = [name for name in missing if not name.startswith("decoder.")]
        refuse_missing_weights(list(missing), self.settings.checkpoint)
        return model


def _has_decoder_apart(model: Any) -> bool:
    """Whether a model has an encoder and a decoder; the configuration of encoder-only T5 does not show it."""
    return {"encoder", "decoder"} <= {name for name, _ in model.named_children()}


def refuse_empty_vocabulary(tokenizer: Any, checkpoint: str) -> None:
    """Raise ModelError for a tokenizer with special tokens only, which the library creates without files."""
    if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):
        raise ModelError(
            f"checkpoint {checkpoint!r} has no vocabulary, so every word would be unknown; add the "
            "tokenizer's files (tokenizer.json, or vocab.txt and the like)"
        )


def _layer_index(layer: int, n_layers: int) -> int:
    """Position of `layer` among the n_layers + 1 hidden states, counted from 0."""
    index = layer if layer >= 0 else n_layers + 1 + layer
    if not 0 <= index <= n_layers:
        raise ModelError(f"layer {layer} does not exist; the model has hidden states 0 to {n_layers}")
    return index


def drop_layers_above(model: Any, layer: int) -> None:
    """Remove the layers that hidden state `layer` does not depend on, if they form a plain list.

    One extra layer is kept: many architectures normalise the output of their last layer, and hidden state
    `layer` must remain unnormalised. A model without such a list, or with several lists of this length, is
    not changed.
    """
    from torch.nn import ModuleList

    n_layers = model.config.num_hidden_layers
    stacks = [
        (parent, name)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, ModuleList) and len(child) == n_layers
    ]
    if len(stacks) == 1 and layer + 1 < n_layers:
        parent, name = stacks[0]
        setattr(parent, name, getattr(parent, name)[: layer + 1])


def position_limit(model: Any) -> int | None:
    """The largest number of tokens by positions; None if positions are relative and unlimited.

    RoBERTa and similar models start to count after the padding index, so their table exceeds their limit.
    """
    from torch.nn import Embedding

    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, Embedding):
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    limit = getattr(model.config, "max_position_embeddings", None)
    return int(limit) if limit and limit > 0 else None


def _max_length(asked: int | None, limit: int | None, tokenizer_limit: int) -> int:
    if asked is None:
        return min(limit or DEFAULT_MAX_LENGTH, tokenizer_limit, DEFAULT_MAX_LENGTH)
    if limit is not None and asked > limit:
        raise ModelError(f"max_length {asked} is more than the {limit} positions of the model; lower it")
    return asked


def pool(hidden: Any, mask: Any, pooling: Pooling) -> Any:
    """One vector per item from the vectors of its tokens, with padding on any side.

    Args:
        hidden: tensor (n_items, n_tokens, embed_dim).
        mask: 1 for tokens and 0 for padding, tensor (n_items, n_tokens); at least one token per item.
        pooling: mean over tokens, first token (cls), or last token.

    Returns:
        float32 tensor (n_items, embed_dim).
    """
    import torch

    hidden, mask = hidden.float(), mask.bool()
    if pooling == "mean":
        total = hidden.masked_fill(~mask.unsqueeze(-1), 0.0).sum(dim=1)  # (n_items, embed_dim)
        return total / mask.sum(dim=1, keepdim=True)
    if pooling == "cls":
        position = mask.int().argmax(dim=1)
    else:
        position = mask.shape[1] - 1 - mask.flip(1).int().argmax(dim=1)
    return hidden[torch.arange(len(hidden), device=hidden.device), position]


class HiddenStatesEncoder(Encoder):
    """A loaded transformer with its tokenizer.

    Items are always padded on the right, so the positions of tokens do not depend on other items in the
    batch. An item without any token gets a zero row.

    Args:
        model: the encoder or decoder, on its device.
        tokenizer: its tokenizer.
        settings: the user's settings.
        layer: index of the hidden state, not negative.
        max_length: number of tokens read per item.
    """

    def __init__(
        self, model: Any, tokenizer: Any, settings: HiddenStatesSettings, layer: int, max_length: int
    ) -> None:
        self.model, self.tokenizer, self.settings = model, tokenizer, settings
        self.layer, self.max_length = layer, max_length
        self.embed_dim = int(model.config.hidden_size)
        self.n_parameters = sum(p.numel() for name, p in model.named_parameters() if "pooler" not in name)
        self.n_truncated = 0
        self.role_column, self.prompts = settings.role_column, dict[str, str]()
        self.batches = BatchRunner(settings.batch_size, settings.checkpoint)
        self.pad_id = _pad_id(tokenizer, model.config)
        self.said: list[str] = []
        self.n_layers = int(model.config.num_hidden_layers)
        self.takes_token_types = "token_type_ids" in inspect.signature(model.forward).parameters

    def warnings(self) -> list[str]:
        """Warnings from the check at opening, and about smaller batches."""
        return [*self.said, *self.batches.warnings()]

    def check_itself(self) -> list[str]:
        """Check that a text always has the same vector, and that the right token is pooled.

        Raises:
            ModelError: the check fails, or the model cannot encode a text.
        """
        settings = self.settings
        said = check_batches(self, self.max_length, settings.dtype, settings.checkpoint)
        if settings.pooling == "last_token":
            rows = self._tokenize(list(probe_texts(self.max_length)))["input_ids"]
            said += last_tokens(self.tokenizer, rows)
        self.n_truncated = 0
        return said

    def encode_together(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts in one batch, in this order."""
        encoded = self._tokenize(list(texts))
        rows = [{name: encoded[name][i] for name in encoded} for i in range(len(texts))]
        vectors = self._encode_batch(rows)
        self.n_truncated = 0
        return vectors

    def encode(self, window: Window) -> np.ndarray:
        """Pooled hidden states, float32, shape (len(window), embed_dim)."""
        return by_role(window, self._encode_alike, self.embed_dim)

    def _encode_alike(self, texts: list[str], role: str | None) -> np.ndarray:
        """Vectors of texts of one role."""
        encoded = self._tokenize(texts, role)
        lengths = [len(ids) for ids in encoded["input_ids"]]
        vectors = np.zeros((len(texts), self.embed_dim), dtype=np.float32)
        present = np.flatnonzero(lengths)
        if len(present):
            rows = [{name: encoded[name][i] for name in encoded} for i in present]
            vectors[present] = self.batches.run(
                lambda batch: self._encode_batch([rows[i] for i in batch]), [lengths[i] for i in present]
            )
        return vectors

    def _tokenize(self, texts: list[str], role: str | None = None) -> dict[str, list[list[int]]]:
        """Token ids (and types) of each text, cut to `max_length`; counts the texts that were cut."""
        prompt = self.prompts.get(role or "", self.settings.prompt)
        texts = [prompt + text if text else text for text in texts]
        texts = cut_long_texts(texts, self.max_length, self._n_tokens, self.tokenizer)
        encoded = self.tokenizer(texts, verbose=False)
        names = ["input_ids"]
        if self.takes_token_types and "token_type_ids" in encoded:
            names.append("token_type_ids")
        long = [i for i, ids in enumerate(encoded["input_ids"]) if len(ids) > self.max_length]
        if long:
            self.n_truncated = (self.n_truncated or 0) + len(long)
            cut = self.tokenizer([texts[i] for i in long], truncation=True, max_length=self.max_length)
            for name in names:
                for i, values in zip(long, cut[name], strict=True):
                    encoded[name][i] = values
        return {name: encoded[name] for name in names}

    def _n_tokens(self, text: str) -> int:
        return len(self.tokenizer(text, verbose=False)["input_ids"])

    def _encode_batch(self, rows: list[dict[str, list[int]]]) -> np.ndarray:
        import torch

        device = self.model.device
        fill = {"input_ids": self.pad_id, "token_type_ids": 0}
        inputs = {
            name: _pad_right([row[name] for row in rows], value).to(device)
            for name, value in fill.items()
            if name in rows[0]
        }
        mask = _pad_right([[1] * len(row["input_ids"]) for row in rows], 0).to(device)
        with torch.inference_mode(), encoding_errors(self.settings.checkpoint, HiddenStates.kind):
            output = self.model(**inputs, attention_mask=mask, output_hidden_states=True, return_dict=True)
            vectors = pool(self._states(output, mask.shape[1]), mask, self.settings.pooling)
            if self.settings.normalize:
                vectors = torch.nn.functional.normalize(vectors, dim=1)
        return np.asarray(vectors.cpu().numpy(), dtype=np.float32)

    def _states(self, output: Any, n_tokens: int) -> Any:
        """The layer's state at each token; architectures that do not list these may return the last ones.

        Raises:
            ModelError: there is no state of that layer for each token.
        """
        listed = getattr(output, "hidden_states", None) or ()
        last = getattr(output, "last_hidden_state", None)
        candidates = [*listed[self.layer : self.layer + 1], *([last] if self.layer == self.n_layers else [])]
        for states in candidates:
            if states is not None and states.ndim == 3 and states.shape[1] == n_tokens:
                return states
        lengths = ", ".join(str(tuple(states.shape)) for states in candidates if states is not None) or "none"
        raise ModelError(
            f"checkpoint {self.settings.checkpoint!r} does not return states of layer {self.layer} for each "
            f"of {n_tokens} tokens (shapes: {lengths}); set layer to -1, or use loader sentence_transformer"
        )


def _pad_right(rows: list[list[int]], value: int) -> Any:
    """Tensor (len(rows), longest row), padded with `value`."""
    import torch

    width = max(map(len, rows))
    return torch.tensor([row + [value] * (width - len(row)) for row in rows], dtype=torch.long)


def _pad_id(tokenizer: Any, config: Any) -> int:
    """A token id for padding; any valid id works, unless positions are counted from it."""
    candidates = (
        tokenizer.pad_token_id,
        getattr(config, "pad_token_id", None),
        tokenizer.eos_token_id,
        tokenizer.unk_token_id,
    )
    return next((int(i) for i in candidates if isinstance(i, int) and 0 <= i < config.vocab_size), 0)
