"""Policies as stacks of linear layers, and their checkpoints."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from suffice.data.made.cartpole.world import N_ACTIONS, N_STATE, Act, Actions, Floats

if TYPE_CHECKING:
    import torch

SCRIPTED_PUSH = (0.1, 0.3, 1.0, 0.5)
"""What the scripted agent leans to: its sum with the state, to the right if it is positive."""


def network(widths: tuple[int, ...], activation: str, seed: int) -> "torch.nn.Sequential":
    """An untrained policy.

    Args:
        widths: of the hidden layers.
        activation: class in torch.nn after each of them.
        seed: of the weights.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers: list[torch.nn.Module] = []
        for before, after in zip((N_STATE, *widths), (*widths, N_ACTIONS), strict=True):
            layers += [torch.nn.Linear(before, after), getattr(torch.nn, activation)()]
    return torch.nn.Sequential(*layers[:-1])


def scripted() -> "torch.nn.Sequential":
    """The agent that is written by hand: two hidden units say how far it leans to each side."""
    import torch

    lean = torch.tensor(SCRIPTED_PUSH)
    hidden, head = torch.nn.Linear(N_STATE, 2), torch.nn.Linear(2, N_ACTIONS)
    with torch.no_grad():
        for layer, weight in ((hidden, torch.stack([-lean, lean])), (head, torch.eye(2))):
            layer.weight.copy_(weight)
            layer.bias.zero_()
    return torch.nn.Sequential(hidden, torch.nn.ReLU(), head)


def greedy(policy: "torch.nn.Module") -> Act:
    """The action with the largest output, for each state."""
    import torch

    def act(states: Floats) -> Actions:
        with torch.inference_mode():
            return np.asarray(policy(torch.from_numpy(states)).argmax(dim=1).numpy())

    return act


def save(policy: "torch.nn.Module", path: Path) -> None:
    """Write the weights."""
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in policy.state_dict().items()}, path)


def read(path: Path, activation: str) -> Act:
    """An agent that always takes the action with the largest output.

    Args:
        path: a checkpoint that `save` wrote.
        activation: class in torch.nn after each hidden layer.
    """
    import torch
    from safetensors.torch import load_file

    weights = load_file(path)
    layers: list[torch.nn.Module] = []
    for number in sorted({int(name.partition(".")[0]) for name in weights}):
        outputs, inputs = weights[f"{number}.weight"].shape
        layers += [torch.nn.Linear(inputs, outputs), getattr(torch.nn, activation)()]
    policy = torch.nn.Sequential(*layers[:-1])
    policy.load_state_dict(weights)
    return greedy(policy)
