"""Vectors from the hidden states of any transformer that the transformers library can load."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from suffice.embed.promises import last_tokens
from suffice.embed.self_check import probe_texts
from suffice.embed.transformer import TransformerEncoder, TransformerLoader, TransformerSettings
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


class HiddenStates(TransformerLoader[HiddenStatesSettings]):
    """Pooled hidden states of one layer of an encoder or decoder; for T5 and similar models the encoder."""

    kind = "hidden_states"
    Settings = HiddenStatesSettings

    def _encoder(self, model: Any, tokenizer: Any, max_length: int) -> TransformerEncoder:
        layer = _layer_index(self.settings.layer, model.config.num_hidden_layers)
        drop_layers_above(model, layer)
        return HiddenStatesEncoder(model, tokenizer, self.settings, layer, max_length)

    def _load_model(self, folder: Path) -> Any:
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


class HiddenStatesEncoder(TransformerEncoder):
    """A loaded encoder or decoder.

    Args:
        model: the network.
        tokenizer: its tokenizer.
        settings: the user's settings.
        layer: index of the hidden state, not negative.
        max_length: number of tokens read per item.
    """

    def __init__(
        self, model: Any, tokenizer: Any, settings: HiddenStatesSettings, layer: int, max_length: int
    ) -> None:
        width = int(model.config.hidden_size)
        super().__init__(
            model, tokenizer, settings, max_length=max_length, embed_dim=width, kind=HiddenStates.kind
        )
        self.layer, self.pooling = layer, settings.pooling
        self.n_layers = int(model.config.num_hidden_layers)

    def check_itself(self) -> list[str]:
        """Also that the right token is pooled."""
        said = super().check_itself()
        if self.pooling == "last_token":
            probes = probe_texts(self.max_length)
            rows = self._tokenize([probes.short, probes.long])["input_ids"]
            said += last_tokens(self.tokenizer, rows)
            self.n_truncated = 0
        return said

    def _vectors(self, inputs: Mapping[str, Any], mask: Any) -> Any:
        """Pooled hidden states."""
        output = self.model(**inputs, attention_mask=mask, output_hidden_states=True, return_dict=True)
        return pool(self._states(output, mask.shape[1]), mask, self.pooling)

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
