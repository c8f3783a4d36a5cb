"""The agents: three ways to train, two seeds, several checkpoints; one written by hand, two untrained.

A table says what each agent earns, in the world that it was trained in and in others.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from suffice.data.made.base import Folder, Score, one_thread, write_scores
from suffice.data.made.cartpole.networks import greedy, network, read, save, scripted
from suffice.data.made.cartpole.training import WIDTHS, actor_critic, cross_entropy, q_learning
from suffice.data.made.cartpole.world import Act, Carts, Dynamics, steps_until_failure
from suffice.seeds import derive_seed

if TYPE_CHECKING:
    import torch

RETURNS = "returns.csv"
SUFFIX = ".safetensors"
STAGES = ("early", "middle", "late")
N_EPISODES = 100
SEEDS = (0, 1)


@dataclass(frozen=True)
class Kind:
    """A way to train.

    Attributes:
        train: yields the policy after given steps.
        steps: of each checkpoint, in the order of `STAGES`.
        activation: class in torch.nn.
    """

    train: Callable[[int, Sequence[int]], Iterator[tuple[int, "torch.nn.Sequential"]]]
    steps: tuple[int, int, int]
    activation: str


KINDS = {
    "a2c": Kind(actor_critic, (10_000, 40_000, 120_000), "Tanh"),
    "dqn": Kind(q_learning, (5_000, 15_000, 40_000), "ReLU"),
    "cem": Kind(cross_entropy, (2, 8, 20), "Tanh"),
}
UNTRAINED = {"untrained-tanh": "Tanh", "untrained-relu": "ReLU"}
SCRIPTED = "scripted"
WORLDS = {
    "return": Dynamics(),
    "return-weak-motor": Dynamics(force=4.0, start=0.2),
    "return-heavy-pole": Dynamics(half_length=0.25, pole_mass=0.5, start=0.2),
    "return-slips": Dynamics(slips=0.3, start=0.2),
}
"""The world of the training, and three others, chosen before any agent was trained."""


def activations() -> dict[str, str]:
    """The activation of each agent, by its name."""
    trained = {
        f"{kind}-{seed}-{stage}": KINDS[kind].activation
        for kind in KINDS
        for seed in SEEDS
        for stage in STAGES
    }
    return trained | UNTRAINED | {SCRIPTED: "ReLU"}


def policies() -> Iterator[tuple[str, "torch.nn.Sequential"]]:
    """Name and policy of every agent; most are trained now."""
    for name, kind in KINDS.items():
        for seed in SEEDS:
            for stage, (_, policy) in zip(STAGES, kind.train(seed, kind.steps), strict=True):
                yield f"{name}-{seed}-{stage}", policy
    for name, activation in UNTRAINED.items():
        yield name, network(WIDTHS, activation, derive_seed(0, name) % 2**31)
    yield SCRIPTED, scripted()


def make_agents(folder: Path) -> None:
    """Train the agents, and write their checkpoints and the table of what they earn.

    Args:
        folder: where; it exists.
    """
    scores: list[Score] = []
    with one_thread():
        for name, policy in policies():
            save(policy, folder / f"{name}{SUFFIX}")
            scores += [
                (name, world, "return", "steps", mean_return(greedy(policy), world)) for world in WORLDS
            ]
    write_scores(folder / RETURNS, scores)


def mean_return(act: Act, world: str, n_episodes: int = N_EPISODES) -> float:
    """Mean number of steps of an agent's episodes, which start alike for all agents.

    Args:
        act: the agent.
        world: a key of `WORLDS`.
        n_episodes: their number.
    """
    generator = np.random.default_rng(derive_seed(0, "returns", world))
    return float(steps_until_failure(Carts(n_episodes, generator, WORLDS[world]), act).mean())


def agents_in(folder: Path) -> dict[str, Act]:
    """The agents of a folder, by name."""
    return {name: read(folder / f"{name}{SUFFIX}", kind) for name, kind in activations().items()}


CARTPOLE_AGENTS = Folder(
    summary=f"{len(activations())} agents of CartPole-v1 of gymnasium, trained here, with {RETURNS}",
    files=(*(f"{name}{SUFFIX}" for name in activations()), RETURNS),
    fill=make_agents,
    packages={"gymnasium": "gymnasium"},
)
