"""Vectors from the hidden states of any transformer that the transformers library can load."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from pydantic import Field

from suffice.data.corpus import Corpus
from suffice.embed.base import EncoderOfSeveral, Loader, Part
from suffice.embed.promises import last_tokens
from suffice.embed.self_check import probe_texts
from suffice.embed.transformer import TransformerEncoder, TransformerLoader, TransformerSettings, scaled
from suffice.errors import ModelError

Pooling = Literal["mean", "cls", "last_token"]


class HiddenStatesSettings(TransformerSettings):
    """Settings of kind `hidden_states`."""

    layer: int = Field(
        -1, description="Index of the hidden state: 0 is the token embedding, -1 the last layer's output"
    )
    pooling: Pooling = Field(
        "mean", description="Mean over all tokens except padding, first token (cls), or last_token"
    )


@dataclass(frozen=True)
class Head:
    """What one model takes from a forward pass.

    Attributes:
        layer: index of the hidden state, not negative.
        pooling: pooling of tokens.
        normalize: whether vectors get length 1.
        n_parameters: parameters of the network up to this layer and, unless it is the last, the next.
        n_layers: their number of layers.
    """

    layer: int
    pooling: Pooling
    normalize: bool
    n_parameters: int
    n_layers: int


class HiddenStates(TransformerLoader[HiddenStatesSettings]):
    """Pooled hidden states of one layer of an encoder or decoder; for T5 and similar models the encoder."""

    kind = "hidden_states"
    Settings = HiddenStatesSettings
    differ_in_one_pass = frozenset({"layer", "pooling", "normalize", "sha256"})
    others: tuple[HiddenStatesSettings, ...] = ()  # of models that share the forward pass
    network: Any = None  # loaded already, by a loader that leads the pass

    def open_together(self, others: Sequence[Loader[Any]], corpus: Corpus) -> "HiddenStatesEncoder":
        """Load the network once for all layers and poolings."""
        together = copy(self)
        together.others = tuple(other.settings for other in others)
        return cast("HiddenStatesEncoder", together.open(corpus))

    def _encoder(self, model: Any, tokenizer: Any, max_length: int) -> TransformerEncoder:
        heads = [head_of(settings, model) for settings in (self.settings, *self.others)]
        encoder = HiddenStatesEncoder(model, tokenizer, self.settings, heads, max_length)
        if self.network is None:
            drop_layers_above(model, max(head.layer for head in heads))
            encoder.n_run = max(head.n_layers for head in heads)
        return encoder

    def _load_model(self, folder: Path) -> Any:
        if self.network is not None:
            return self.network
        model = super()._load_model(folder)
        return model.encoder if _has_decoder_apart(model) else model

    def _used(self, model: Any, missing: Sequence[str]) -> list[str]:
        """Without a decoder, which is not used: encoder-only checkpoints exist."""
        apart = _has_decoder_apart(model)
        return [name for name in missing if not (apart and name.startswith("decoder."))]


def _has_decoder_apart(model: Any) -> bool:
    """Whether a model has an encoder and a decoder; the configuration of encoder-only T5 does not show it."""
    return {"encoder", "decoder"} <= {name for name, _ in model.named_children()}


def _layer_index(layer: int, n_layers: int) -> int:
    """Position of `layer` among the n_layers + 1 hidden states, counted from 0."""
    index = layer if layer >= 0 else n_layers + 1 + layer
    if not 0 <= index <= n_layers:
        raise ModelError(f"layer {layer} does not exist; the model has hidden states 0 to {n_layers}")
    return index


def head_of(settings: HiddenStatesSettings, model: Any) -> Head:
    """What a model with these settings takes from a network that has all its layers.

    Raises:
        ModelError: the network has no such layer.
    """
    layer = _layer_index(settings.layer, model.config.num_hidden_layers)
    dropped = {id(p) for each in _layers_above(model, layer) for p in each.parameters()}
    used = (p for name, p in model.named_parameters() if "pooler" not in name and id(p) not in dropped)
    n_layers = min(layer + 1, model.config.num_hidden_layers)
    return Head(layer, settings.pooling, settings.normalize, sum(p.numel() for p in used), n_layers)


def _stack(model: Any) -> tuple[Any, str] | None:
    """Where a model has its layers, if they form a plain list: a module and its attribute.

    None for a model without such a list, or with several lists of this length.
    """
    from torch.nn import ModuleList

    n_layers = model.config.num_hidden_layers
    stacks = [
        (parent, name)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, ModuleList) and len(child) == n_layers
    ]
    return stacks[0] if len(stacks) == 1 else None


def _layers_above(model: Any, layer: int) -> list[Any]:
    """The layers that hidden state `layer` does not depend on, without the first of them, see below."""
    stack = _stack(model)
    return [] if stack is None else list(getattr(*stack)[layer + 1 :])


def drop_layers_above(model: Any, layer: int) -> None:
    """Remove the layers that hidden state `layer` does not depend on, if they form a plain list.

    One extra layer is kept: many architectures normalise the output of their last layer, and hidden state
    `layer` must remain unnormalised.
    """
    stack = _stack(model)
    if stack is not None and layer + 1 < model.config.num_hidden_layers:
        setattr(*stack, getattr(*stack)[: layer + 1])


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


class HiddenStatesEncoder(TransformerEncoder, EncoderOfSeveral):
    """A loaded encoder or decoder, for one model or for several that share its forward pass.

    Args:
        model: the network.
        tokenizer: its tokenizer.
        settings: the user's settings.
        heads: what each model takes from the pass; their vectors are side by side.
        max_length: number of tokens read per item.

    Attributes:
        n_run: number of layers that run.
        known: vectors of items that the network has read already, by their token ids.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        settings: HiddenStatesSettings,
        heads: Sequence[Head],
        max_length: int,
    ) -> None:
        self.width = int(model.config.hidden_size)
        width, kind = self.width * len(heads), HiddenStates.kind
        super().__init__(model, tokenizer, settings, max_length=max_length, embed_dim=width, kind=kind)
        self.heads = tuple(heads)
        self.n_parameters = max(head.n_parameters for head in heads)
        self.n_layers = self.n_run = int(model.config.num_hidden_layers)
        self.known: dict[tuple[int, ...], np.ndarray] = {}

    def parts(self) -> list[Part]:
        """The models; each has its share of the layers that run."""
        warnings, n_run = tuple(self.warnings()), self.n_run
        counts = self.n_truncated, self.n_tokens
        return [
            Part(self.width, head.n_parameters, *counts, head.n_layers / n_run, warnings)
            for head in self.heads
        ]

    def check_itself(self) -> list[str]:
        """Also that the right token is pooled."""
        said = super().check_itself()
        if any(head.pooling == "last_token" for head in self.heads):
            probes = probe_texts(self.max_length)
            rows = self._tokenize([probes.short, probes.long])["input_ids"]
            said += last_tokens(self.tokenizer, rows)
            self.n_truncated = 0
        return said

    def encode_together(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts in one batch, apart for each model: shape (n_texts, n_models, width)."""
        return super().encode_together(texts).reshape(len(texts), len(self.heads), self.width)

    def _to_run(self, rows: list[list[int]], vectors: np.ndarray) -> np.ndarray:
        """Also without those that are known."""
        found = [self.known.get(tuple(row)) for row in rows] if self.known else [None] * len(rows)
        for place, vector in enumerate(found):
            if vector is not None:
                vectors[place] = vector
        return np.flatnonzero([len(row) > 0 and at is None for row, at in zip(rows, found, strict=True)])

    def _vectors(self, inputs: Mapping[str, Any], mask: Any) -> Any:
        """Pooled hidden states."""
        output = self.model(**inputs, attention_mask=mask, output_hidden_states=True, return_dict=True)
        return self.pooled(output, mask)

    def pooled(self, output: Any, mask: Any) -> Any:
        """The vectors of all models from the network's output, tensor (n_items, embed_dim)."""
        import torch

        n_tokens = mask.shape[1]
        vectors = [
            scaled(pool(self._states(output, n_tokens, head.layer), mask, head.pooling), head.normalize)
            for head in self.heads
        ]
        return vectors[0] if len(vectors) == 1 else torch.cat(vectors, dim=1)

    def _scaled(self, vectors: Any) -> Any:
        """As they are: each model's vectors have been scaled."""
        return vectors

    def _states(self, output: Any, n_tokens: int, layer: int) -> Any:
        """A layer's state at each token; architectures that do not list these may return the last ones.

        Raises:
            ModelError: there is no state of that layer for each token.
        """
        listed = getattr(output, "hidden_states", None) or ()
        last = getattr(output, "last_hidden_state", None)
        candidates = [*listed[layer : layer + 1], *([last] if layer == self.n_layers else [])]
        for states in candidates:
            if states is not None and states.ndim == 3 and states.shape[1] == n_tokens:
                return states
        lengths = ", ".join(str(tuple(states.shape)) for states in candidates if states is not None) or "none"
        raise ModelError(
            f"checkpoint {self.settings.checkpoint!r} does not return states of layer {layer} for each "
            f"of {n_tokens} tokens (shapes: {lengths}); set layer to -1, or use loader sentence_transformer"
        )
