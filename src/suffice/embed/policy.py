"""Vectors of states from the policy of an agent: its last hidden layer, or its distribution of actions."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from suffice.data.corpus import Corpus, Window
from suffice.data.number_lists import numbers_in
from suffice.embed.base import Encoder, Loader
from suffice.embed.policy_checkpoint import ACTIVATIONS, CONTINUOUS, DISCRETE, Layer, Policy, read_policy
from suffice.errors import ModelError
from suffice.settings import Settings
from suffice.storage.files import sha256_of_file, user_path

if TYPE_CHECKING:
    import torch

UNTRAINED_WIDTHS = (64, 64)
"""Hidden layers of an untrained network without a checkpoint, as Stable-Baselines3 has by default."""


class PolicySettings(Settings):
    """Settings of kind `policy`."""

    checkpoint: str | None = Field(
        None,
        description="File of an agent: a .zip of Stable-Baselines3 (MlpPolicy of PPO, A2C or DQN), or the "
        "weights of linear layers as .safetensors, .pt or .pth",
    )
    layer: Literal["penultimate", "actions"] = Field(
        "penultimate",
        description="penultimate: the last hidden layer, after its activation; actions: the probabilities of "
        "discrete actions (the softmax of the outputs, also of action values), or the means of continuous "
        "ones",
    )
    activation: Literal["relu", "tanh", "elu", "leaky_relu", "silu", "gelu", "sigmoid"] | None = Field(
        None, description="What follows each hidden layer; needed for weights, stated in a .zip"
    )
    network: str | None = Field(
        None,
        description="What the names of the policy's layers begin with, such as actor, if a file of weights "
        "has several networks",
    )
    actions: Literal["discrete", "continuous"] | None = Field(
        None, description="Kind of actions; needed for layer actions of weights, stated in a .zip"
    )
    random_init: bool = Field(
        False,
        description="Seeded random weights in the same architecture, or in two layers of 64 (tanh) without a "
        "checkpoint, as a control",
    )

    @model_validator(mode="after")
    def _weights_are_from_somewhere(self) -> Self:
        if self.checkpoint is None and not self.random_init:
            raise ValueError("give the checkpoint of an agent, or random_init: true for untrained weights")
        if self.checkpoint is None and (self.layer == "actions" or self.model_fields_set & OF_A_FILE):
            raise ValueError(
                "without a checkpoint there are no actions and no network; leave layer, activation, network "
                "and actions empty"
            )
        return self


OF_A_FILE = {"activation", "network", "actions"}


class PolicyLoader(Loader[PolicySettings]):
    """The policy of an agent on states, which are vectors of observations. No code of a checkpoint runs."""

    kind = "policy"
    reads = "vector"
    uses_device = True
    Settings = PolicySettings
    libraries = ("torch",)

    def check(self) -> None:
        """Read the whole checkpoint, which is small, so that a bad file is refused before any job."""
        if importlib.util.find_spec("torch") is None:
            raise ModelError("policies need torch: pip install 'suffice[neural]'")
        if self.settings.checkpoint is not None:
            self._read()

    @property
    def _path(self) -> Path:
        assert self.settings.checkpoint is not None  # called only where there is one
        return user_path(self.settings.checkpoint)

    def _read(self) -> Policy:
        settings = self.settings
        policy = read_policy(self._path, settings.activation, settings.network)
        if policy.actions and settings.actions is not None:
            raise ModelError(f"{self._path} states its kind of actions; leave the setting actions empty")
        if settings.layer == "actions" and not (policy.actions or settings.actions):
            raise ModelError(
                f"{self._path} has weights only; set actions to {DISCRETE} or {CONTINUOUS} to use its outputs"
            )
        return policy

    @property
    def is_random(self) -> bool:
        """Whether the weights are untrained."""
        return self.settings.random_init

    def identity(self) -> dict[str, Any]:
        """The hash of the checkpoint, if there is one."""
        if self.settings.checkpoint is None:
            return {}
        return {"files_sha256": {"checkpoint": sha256_of_file(self._path)}}

    def open(self, corpus: Corpus) -> Encoder:
        """Read the checkpoint, or draw weights.

        Raises:
            ModelError: it is not a policy, or its states have another width than the items.
        """
        self.check()
        width = len(numbers_in(next(iter(corpus.windows(1))).contents[0]))
        read = self._read() if self.settings.checkpoint is not None else None
        shapes = _shapes(read.layers) if read else _untrained_shapes(width)
        if shapes[0][1] != width:
            raise ModelError(
                f"{self.settings.checkpoint} reads states of {shapes[0][1]} numbers, but the items of the "
                f"data set have {width}; use the agent's own environment"
            )
        layers = drawn_layers(shapes, self.seed) if read is None or self.is_random else read.layers
        activation = read.activation if read else "tanh"
        actions = (read.actions if read else "") or self.settings.actions or ""
        return PolicyEncoder(Policy(tuple(layers), activation, actions), self.settings.layer, self.device)


def _shapes(layers: tuple[Layer, ...]) -> list[tuple[int, int]]:
    """Outputs and inputs of each layer."""
    return [(layer.weight.shape[0], layer.weight.shape[1]) for layer in layers]


def _untrained_shapes(width: int) -> list[tuple[int, int]]:
    """Outputs and inputs of each layer of an untrained network; its single output is never used."""
    widths = [width, *UNTRAINED_WIDTHS, 1]
    return [(after, before) for before, after in zip(widths, widths[1:], strict=False)]


def drawn_layers(shapes: list[tuple[int, int]], seed: int) -> list[Layer]:
    """Untrained layers as torch draws them by default.

    Args:
        shapes: outputs and inputs of each layer.
        seed: of the weights.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        linear = [torch.nn.Linear(inputs, outputs) for outputs, inputs in shapes]
    return [Layer(layer.weight.detach(), layer.bias.detach()) for layer in linear]


class PolicyEncoder(Encoder):
    """States through the layers of a policy. A state has the same vector in every batch."""

    def __init__(self, policy: Policy, layer: str, device: str) -> None:
        import torch

        moved = [
            Layer(each.weight.to(device), None if each.bias is None else each.bias.to(device))
            for each in policy.layers
        ]
        self.hidden, self.head = moved[:-1], moved[-1]
        self.policy, self.layer, self.device = policy, layer, device
        self.activation = getattr(torch.nn, ACTIVATIONS[policy.activation])()
        used = self.hidden if layer == "penultimate" else moved
        self.embed_dim = len(used[-1].weight)
        self.n_parameters = sum(
            each.weight.numel() + (0 if each.bias is None else each.bias.numel()) for each in used
        )

    def encode(self, window: Window) -> np.ndarray:
        """Vectors of one window, float32, shape (len(window), embed_dim)."""
        import torch

        states = np.stack([numbers_in(content) for content in window.contents])
        with torch.inference_mode():
            vectors = self._forward(torch.from_numpy(states).to(self.device))
        return np.asarray(vectors.cpu().numpy(), dtype=np.float32)

    def _forward(self, states: "torch.Tensor") -> "torch.Tensor":
        from torch.nn.functional import linear

        for layer in self.hidden:
            states = self.activation(linear(states, layer.weight, layer.bias))
        if self.layer == "penultimate":
            return states
        outputs = linear(states, self.head.weight, self.head.bias)
        return outputs.softmax(dim=1) if self.policy.actions == DISCRETE else outputs
