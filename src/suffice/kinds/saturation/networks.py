"""Small autoregressive language models: each maps a token and its past to a hidden state and to logits.

They are the object of study, so this file shows how they differ: how a token uses the tokens before it, and
how it represents its position.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import nn

from suffice.errors import ModelError
from suffice.settings import did_you_mean

ROTARY_BASE = 10_000.0
N_HEADS = 4
FEED_FORWARD = 4  # times the width


@dataclass(frozen=True)
class NetworkSize:
    """Size of a network.

    Attributes:
        n_tokens: size of the vocabulary.
        context: longest row of tokens that it reads, start included.
        width: of the hidden states.
        n_layers: layers; recurrent and linear networks have one.
    """

    n_tokens: int
    context: int
    width: int = 32
    n_layers: int = 2


class LanguageModel(nn.Module):
    """An autoregressive language model.

    Args:
        size: of the network.

    Attributes:
        read_out: from hidden states to logits.
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.size = size
        self.read_out = nn.Linear(size.width, size.n_tokens)

    @abstractmethod
    def hidden(self, tokens: torch.Tensor) -> torch.Tensor:
        """Hidden state after each token, from this token and those before it.

        Args:
            tokens: shape (n_rows, n_tokens), integers.

        Returns:
            Shape (n_rows, n_tokens, width).
        """

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits of the token that follows each, shape (n_rows, n_tokens, size of the vocabulary).

        Raises:
            ModelError: a row is longer than the context.
        """
        if tokens.shape[1] > self.size.context:
            raise ModelError(
                f"rows of {tokens.shape[1]} tokens are longer than the model's context of {self.size.context}"
            )
        return self.read_out(self.hidden(tokens))


class Attention(nn.Module):
    """Causal self-attention; with optional rotary positions (Su et al. 2021, arXiv 2104.09864)."""

    def __init__(self, width: int, rotary: bool) -> None:
        super().__init__()
        self.rotary = rotary
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.output = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Shape (n_rows, n_tokens, width) in and out."""
        query, key, value = (self._heads(part(states)) for part in (self.query, self.key, self.value))
        if self.rotary:
            query, key = rotate(query), rotate(key)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.output(mixed.transpose(1, 2).flatten(2))

    def _heads(self, states: torch.Tensor) -> torch.Tensor:
        heads = states.reshape(*states.shape[:2], N_HEADS, -1)
        return heads.transpose(1, 2)  # (n_rows, heads, n_tokens, width / heads)


def rotate(states: torch.Tensor) -> torch.Tensor:
    """Turn each pair of dimensions by an angle that grows with the position.

    Args:
        states: shape (..., n_tokens, dim) with an even dim.
    """
    half = states.shape[-1] // 2
    speeds = ROTARY_BASE ** (-torch.arange(half, dtype=states.dtype) / half)
    angles = torch.arange(states.shape[-2], dtype=states.dtype)[:, None] * speeds  # (n_tokens, half)
    first, second = states[..., :half], states[..., half:]
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


def feed_forward(width: int) -> nn.Sequential:
    """Two layers with a rectifier between."""
    inner = FEED_FORWARD * width
    return nn.Sequential(nn.Linear(width, inner), nn.ReLU(), nn.Linear(inner, width))


class TransformerLayer(nn.Module):
    """Attention and feed-forward, each after a layer norm and added to its input."""

    def __init__(self, width: int, rotary: bool) -> None:
        super().__init__()
        self.attention_norm, self.attention = nn.LayerNorm(width), Attention(width, rotary)
        self.feed_forward_norm, self.feed_forward = nn.LayerNorm(width), feed_forward(width)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Shape (n_rows, n_tokens, width) in and out."""
        states = states + self.attention(self.attention_norm(states))
        return states + self.feed_forward(self.feed_forward_norm(states))


class Transformer(LanguageModel):
    """A causal transformer without positions; a token sees its past as an unordered set of prefixes."""

    rotary = False

    def __init__(self, size: NetworkSize) -> None:
        super().__init__(size)
        self.embedding = nn.Embedding(size.n_tokens, size.width)
        self.layers = nn.ModuleList(TransformerLayer(size.width, self.rotary) for _ in range(size.n_layers))
        self.norm = nn.LayerNorm(size.width)

    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        """The input of the first layer."""
        return self.embedding(tokens)

    def hidden(self, tokens: torch.Tensor) -> torch.Tensor:
        """The last layer's output, normalised."""
        states = self.embed(tokens)
        for layer in self.layers:
            states = layer(states)
        return self.norm(states)


class RotaryTransformer(Transformer):
    """The same with rotary positions in the attention."""

    rotary = True


class LearnedPositionsTransformer(Transformer):
    """The same with a learned vector for each position."""

    def __init__(self, size: NetworkSize) -> None:
        super().__init__(size)
        self.positions = nn.Embedding(size.context, size.width)

    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        """Token and position."""
        return self.embedding(tokens) + self.positions.weight[: tokens.shape[1]]


class Recurrent(LanguageModel):
    """One recurrent layer."""

    layer: type[nn.LSTM] | type[nn.GRU]

    def __init__(self, size: NetworkSize) -> None:
        super().__init__(size)
        self.embedding = nn.Embedding(size.n_tokens, size.width)
        self.recurrence = self.layer(size.width, size.width, batch_first=True)

    def hidden(self, tokens: torch.Tensor) -> torch.Tensor:
        """The recurrent state."""
        return self.recurrence(self.embedding(tokens))[0]


class LongShortTermMemory(Recurrent):
    """A long short-term memory of one layer."""

    layer = nn.LSTM


class GatedRecurrentUnit(Recurrent):
    """A gated recurrent unit of one layer."""

    layer = nn.GRU


class StateSpaceLayer(nn.Module):
    r"""A diagonal state-space layer, then feed-forward, each after a layer norm and added to its input.

    Each channel is a sum of damped oscillations of its own past,

    .. math:: y_t = \sum_{s \le t} k_{t-s} x_s + D x_t, \quad
              k_j = \mathrm{Re} \sum_m c_m e^{(-\alpha_m + i \omega_m) j}

    Source: Gu, Gupta, Goel and Re 2022 (S4D), arXiv 2206.11893, in discrete time and without their
    discretisation of a step.
    """

    def __init__(self, width: int, n_modes: int = 8) -> None:
        super().__init__()
        self.norm, self.mix = nn.LayerNorm(width), nn.Linear(width, width)
        self.log_damping = nn.Parameter(torch.linspace(-6, 0, n_modes).repeat(width, 1))
        self.frequency = nn.Parameter(torch.linspace(0, math.pi / 2, n_modes).repeat(width, 1))
        self.amplitude = nn.Parameter(torch.randn(width, n_modes, 2) / n_modes)
        self.direct = nn.Parameter(torch.ones(width))
        self.feed_forward_norm, self.feed_forward = nn.LayerNorm(width), feed_forward(width)

    def kernel(self, n_tokens: int) -> torch.Tensor:
        """The weights of a channel's past, shape (n_tokens, width), the present first."""
        lags = torch.arange(n_tokens, dtype=self.direct.dtype)[:, None, None]
        size = torch.exp(-self.log_damping.exp() * lags)  # (n_tokens, width, modes)
        angle = self.frequency * lags
        real, imaginary = self.amplitude.unbind(-1)
        return (size * (real * angle.cos() - imaginary * angle.sin())).sum(-1)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Shape (n_rows, n_tokens, width) in and out."""
        n_tokens = states.shape[1]
        kernel, entering = self.kernel(n_tokens), self.norm(states)
        lags = torch.arange(n_tokens)[:, None] - torch.arange(n_tokens)
        causal = torch.where((lags >= 0)[..., None], kernel[lags.clamp(min=0)], 0)  # (to, from, width)
        past = torch.einsum("tsw,nsw->ntw", causal, entering)
        states = states + self.mix(nn.functional.gelu(past + self.direct * entering))
        return states + self.feed_forward(self.feed_forward_norm(states))


class StateSpace(LanguageModel):
    """Diagonal state-space layers."""

    def __init__(self, size: NetworkSize) -> None:
        super().__init__(size)
        self.embedding = nn.Embedding(size.n_tokens, size.width)
        self.layers = nn.Sequential(*(StateSpaceLayer(size.width) for _ in range(size.n_layers)))
        self.norm = nn.LayerNorm(size.width)

    def hidden(self, tokens: torch.Tensor) -> torch.Tensor:
        """The last layer's output, normalised."""
        return self.norm(self.layers(self.embedding(tokens)))


class LinearModel(LanguageModel):
    """Logits that are linear in the past: every earlier token at every position has its own vector.

    A state is the sum of the vectors of the present and the earlier tokens. Vectors of later tokens are left
    out, so the network does not see the tokens to predict.
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__(size)
        shape = (size.context, size.context, size.n_tokens, size.width)
        self.vectors = nn.Parameter(torch.randn(shape) / math.sqrt(size.context * size.width))
        self.bias = nn.Parameter(torch.zeros(size.context, size.width))

    def hidden(self, tokens: torch.Tensor) -> torch.Tensor:
        """The sum of vectors of the past."""
        n_tokens = tokens.shape[1]
        causal = torch.ones(n_tokens, n_tokens).tril()
        vectors = self.vectors[:n_tokens, :n_tokens] * causal[..., None, None]  # (to, from, token, width)
        present = nn.functional.one_hot(tokens, self.size.n_tokens).to(vectors.dtype)
        return torch.einsum("nsv,tsvw->ntw", present, vectors) + self.bias[:n_tokens]


ARCHITECTURES: dict[str, type[LanguageModel]] = {
    "transformer": Transformer,
    "transformer-learned": LearnedPositionsTransformer,
    "transformer-rotary": RotaryTransformer,
    "lstm": LongShortTermMemory,
    "gru": GatedRecurrentUnit,
    "state-space": StateSpace,
    "linear": LinearModel,
}


def build_network(architecture: str, size: NetworkSize, seed: int) -> LanguageModel:
    """A network with random weights.

    Raises:
        ModelError: the architecture is unknown, or the width cannot be divided among the heads.
    """
    if architecture not in ARCHITECTURES:
        raise ModelError(
            f"unknown architecture {architecture!r}{did_you_mean(architecture, list(ARCHITECTURES))}"
        )
    if size.width % (2 * N_HEADS):
        raise ModelError(f"width is {size.width}; it must be a multiple of {2 * N_HEADS}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ARCHITECTURES[architecture](size)


def n_parameters(network: nn.Module) -> int:
    """Number of trained parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
