"""The states that agents are compared on: an equal number from the episodes of each agent.

An item is a state. Each episode gives two states that follow each other, at a random step of it. They are
the two looks, and no other item comes from this episode.
"""

from pathlib import Path

import numpy as np

from suffice.data.made.base import Arrays, Maker
from suffice.data.made.cartpole.agents import CARTPOLE_AGENTS, agents_in
from suffice.data.made.cartpole.networks import SCRIPTED_PUSH
from suffice.data.made.cartpole.world import (
    LIMIT,
    N_ACTIONS,
    Act,
    Actions,
    Carts,
    Dynamics,
    Floats,
    steps_until_failure,
)
from suffice.seeds import derive_seed

N_EPISODES = 60  # of each agent
START = 0.2  # first states are farther from rest than in training, so that episodes differ
EXPLORING = 0.1  # share of random actions, so that episodes differ
N_ROLLOUTS, HORIZON = 16, 200  # episodes for the value of a state, and their longest


def visited_pairs(act: Act, n_episodes: int, generator: np.random.Generator) -> Floats:
    """Two states that follow each other from each episode, float32, shape (n_episodes, 2, 4).

    Args:
        act: the agent.
        n_episodes: their number.
        generator: of first states, of the random actions among the agent's, and of the step.
    """
    carts = Carts(n_episodes, generator, Dynamics(start=START))
    seen, alive = [carts.states], np.ones(n_episodes, dtype=bool)
    last = np.zeros(n_episodes, dtype=np.int64)
    for step in range(1, LIMIT + 1):
        is_random = generator.random(n_episodes) < EXPLORING
        actions = np.where(is_random, generator.integers(0, N_ACTIONS, n_episodes), act(carts.states))
        failed = carts.push(actions)
        seen.append(carts.states)
        last[alive] = step
        alive &= ~failed
        if not alive.any():
            break
        carts.restart(~alive)
    steps = (generator.random(n_episodes) * last).astype(np.int64)
    path, episodes = np.stack(seen), np.arange(n_episodes)
    return np.stack([path[steps, episodes], path[steps + 1, episodes]], axis=1)


def values(states: Floats, act: Act, dynamics: Dynamics, generator: np.random.Generator) -> Floats:
    """Mean number of steps until failure from each state, at most `HORIZON`, shape (n_states,).

    Args:
        states: shape (n_states, 4).
        act: the agent whose value it is.
        dynamics: the world.
        generator: of what is random.
    """
    carts = Carts(len(states) * N_ROLLOUTS, generator, dynamics)
    carts.place(states.repeat(N_ROLLOUTS, axis=0))
    lasted = steps_until_failure(carts, act, HORIZON)
    return np.asarray(lasted.reshape(-1, N_ROLLOUTS).mean(axis=1), dtype=np.float32)


def cartpole_states(seed: int, folder: Path) -> Arrays:
    """States with the agent and episode that they are from, and three values.

    Args:
        seed: of episodes and values.
        folder: the agents.
    """
    generator = np.random.default_rng(derive_seed(seed, "cartpole states"))
    agents = agents_in(folder)
    pairs = np.concatenate([visited_pairs(act, N_EPISODES, generator) for act in agents.values()])
    states = pairs.reshape(-1, pairs.shape[-1])
    name = np.repeat(list(agents), N_EPISODES)
    episode = np.array([f"{agent}/{number % N_EPISODES}" for number, agent in enumerate(name)])

    def at_random(given: Floats) -> Actions:
        return generator.integers(0, N_ACTIONS, len(given))

    def by_script(given: Floats) -> Actions:
        return np.asarray(given @ np.array(SCRIPTED_PUSH, dtype=np.float32) > 0, dtype=np.int64)

    return {
        "state": states,
        "agent": name.repeat(2),
        "episode": episode.repeat(2),
        "value-random": values(states, at_random, Dynamics(), generator),
        "value-heavy-pole": values(states, at_random, Dynamics(half_length=0.25, pole_mass=0.5), generator),
        "value-slips": values(states, by_script, Dynamics(slips=0.6), generator),
    }


CARTPOLE_STATES = Maker(
    content_type="vector",
    summary=f"{2 * N_EPISODES} states of CartPole-v1 from the episodes of each of the agents "
    "`made:cartpole-agents`",
    content="state",
    columns=("agent", "episode", "value-random", "value-heavy-pole", "value-slips"),
    arrays=cartpole_states,
    packages=CARTPOLE_AGENTS.packages,
    needs="cartpole-agents",
)
