"""A sentence-transformers model that passes the hidden states of its network on, for models of its layers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from functools import wraps
from itertools import compress
from typing import Any

import numpy as np

from suffice.data.corpus import Corpus, Window
from suffice.embed.base import Encoder, EncoderOfSeveral, Loader, Part
from suffice.embed.hidden_states import HiddenStates, HiddenStatesEncoder
from suffice.errors import ModelError


def with_hidden_states(
    own: Encoder, network: Any, loaders: Sequence[Loader[Any]], corpus: Corpus
) -> "EncoderWithStates":
    """An opened model together with models of its network's layers.

    Args:
        own: the model.
        network: the transformer in it.
        loaders: the other models, of kind `hidden_states`; they use the same network.
        corpus: the items.

    Raises:
        ModelError: one of the other models cannot be opened.
    """
    first = copy(loaders[0])
    if not isinstance(first, HiddenStates):
        raise ModelError(f"models of kind {first.kind} have no hidden states of another model's network")
    first.network = network
    return EncoderWithStates(own, network, first.open_together(loaders[1:], corpus))


class EncoderWithStates(EncoderOfSeveral):
    """The vectors of a model, and beside them those of its network's layers, from one forward pass.

    An item's states are taken from the pass only if the model read exactly the tokens that the layers' models
    would read. Other items, such as texts that they cut elsewhere, are read again for the layers.

    Args:
        own: the model.
        network: the transformer in it.
        states: the models of its layers.
    """

    def __init__(self, own: Encoder, network: Any, states: HiddenStatesEncoder) -> None:
        self.own, self.network, self.states = own, network, states
        self.embed_dim = own.embed_dim + states.embed_dim
        self.role_column = own.role_column

    def parts(self) -> list[Part]:
        """The model, and those of the layers."""
        own, warnings = self.own, tuple(self.own.warnings())
        first = Part(own.embed_dim, own.n_parameters, own.n_truncated, own.n_tokens, 1.0, warnings)
        return [first, *self.states.parts()]

    def encode(self, window: Window) -> np.ndarray:
        """Vectors of one window, float32, shape (len(window), embed_dim)."""
        with self._listening() as known:
            vectors = self.own.encode(window)
        self.states.known = known
        states = self.states.encode(window)
        self.states.known = {}
        return np.hstack([vectors, states])

    @contextmanager
    def _listening(self) -> Iterator[dict[tuple[int, ...], np.ndarray]]:
        """Collect the layers' vectors, by the tokens of an item, while the network runs in the block."""
        known: dict[tuple[int, ...], np.ndarray] = {}

        forward = self.network.forward

        @wraps(forward)
        def listened(**named: Any) -> Any:
            output = forward(**named | {"output_hidden_states": True})
            mask = named["attention_mask"]
            vectors = self.states.pooled(output, mask).cpu().numpy()
            rows = zip(named["input_ids"].tolist(), mask.bool().tolist(), vectors, strict=True)
            known.update((tuple(compress(ids, present)), vector) for ids, present, vector in rows)
            return output

        self.network.forward = listened  # the library calls it directly, which leaves out torch's hooks
        try:
            yield known
        finally:
            self.network.forward = forward
