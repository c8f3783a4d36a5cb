"""Many carts with poles at once: gymnasium's environment CartPole-v1, also with other dynamics."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Actions = npt.NDArray[np.int64]
Act = Callable[[Floats], Actions]
N_STATE, N_ACTIONS = 4, 2  # place and speed of the cart, angle and angular speed of the pole; left, right
LIMIT = 500  # steps of an episode, as in CartPole-v1
START = 0.05  # largest distance from 0 of each number of a first state


@dataclass(frozen=True)
class Dynamics:
    """The physics; the defaults are those of CartPole-v1.

    Attributes:
        force: of a push, in newtons.
        half_length: of the pole, in metres.
        pole_mass: in kilograms; the cart has 1.
        slips: share of the pushes whose direction is random.
        start: largest distance from 0 of each number of a first state.
    """

    force: float = 10.0
    half_length: float = 0.5
    pole_mass: float = 0.1
    slips: float = 0.0
    start: float = START


class Carts:
    """Independent carts, all of which get a push in each step.

    Args:
        n_carts: their number.
        generator: of first states and slips.
        dynamics: the physics.

    Attributes:
        states: of the carts, float32, shape (n_carts, 4).
        steps: since each cart was last restarted, shape (n_carts,).
    """

    def __init__(
        self, n_carts: int, generator: np.random.Generator, dynamics: Dynamics | None = None
    ) -> None:
        from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv

        self.dynamics, self.generator = dynamics or Dynamics(), generator
        self.world: Any = CartPoleVectorEnv(n_carts, max_episode_steps=np.iinfo(np.int32).max)
        self.world.force_mag, self.world.length = self.dynamics.force, self.dynamics.half_length
        self.world.masspole = self.dynamics.pole_mass
        self.world.total_mass = self.world.masscart + self.world.masspole
        self.world.polemass_length = self.world.masspole * self.world.length
        self.world.reset(seed=0)
        self.steps = np.zeros(n_carts, dtype=np.int64)
        self.restart(np.ones(n_carts, dtype=bool))

    @property
    def states(self) -> Floats:
        """The state of each cart."""
        return np.asarray(self.world.state.T, dtype=np.float32)

    def place(self, states: npt.NDArray[Any]) -> None:
        """Put the carts into given states, shape (n_carts, 4)."""
        self.world.state = np.asarray(states, dtype=np.float64).T.copy()
        self.steps[:] = 0

    def restart(self, chosen: npt.NDArray[np.bool_]) -> None:
        """Draw a first state for some carts, shape (n_carts,)."""
        start = self.dynamics.start
        self.world.state[:, chosen] = self.generator.uniform(-start, start, (N_STATE, int(chosen.sum())))
        self.steps[chosen] = 0

    def push(self, actions: Actions) -> npt.NDArray[np.bool_]:
        """Push every cart, to the left (0) or to the right (1), and say which of them failed.

        Args:
            actions: shape (n_carts,).

        Returns:
            Whether the pole fell or the cart left the track, shape (n_carts,).
        """
        if self.dynamics.slips:
            slips = self.generator.random(len(actions)) < self.dynamics.slips
            actions = np.where(slips, self.generator.integers(0, N_ACTIONS, len(actions)), actions)
        self.world.prev_done[:] = False  # carts are restarted here, not by the environment
        _, _, failed, _, _ = self.world.step(np.asarray(actions, dtype=np.int64))
        self.steps += 1
        return np.array(failed)


def steps_until_failure(carts: Carts, act: Act, limit: int = LIMIT) -> npt.NDArray[np.int64]:
    """How many steps each cart lasts, at most `limit`, shape (n_carts,).

    Args:
        carts: in their first states.
        act: from states, shape (n, 4), to actions, shape (n,).
        limit: steps after which an episode ends.
    """
    lasted, alive = np.zeros(len(carts.steps), dtype=np.int64), np.ones(len(carts.steps), dtype=bool)
    for _ in range(limit):
        failed = carts.push(act(carts.states))
        lasted += alive
        alive &= ~failed
        if not alive.any():
            break
        carts.restart(~alive)  # their states would otherwise grow without bound; they no longer count
    return lasted
