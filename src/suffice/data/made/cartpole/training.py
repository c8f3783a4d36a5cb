"""Three ways to train an agent: advantage actor-critic, deep Q-learning, and the cross-entropy method.

Each yields the policy after given numbers of steps. The same seed gives the same policies on one machine.
"""

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from suffice.data.made.cartpole.networks import greedy, network
from suffice.data.made.cartpole.world import LIMIT, N_ACTIONS, N_STATE, Carts, Floats, steps_until_failure
from suffice.seeds import derive_seed

if TYPE_CHECKING:
    import torch

DISCOUNT = 0.99
WIDTHS = (64, 64)
N_CARTS = 16
Saved = Iterator[tuple[int, "torch.nn.Sequential"]]


def actor_critic(seed: int, steps: Sequence[int]) -> Saved:
    """Advantage actor-critic with rollouts of 16 steps.

    Source: Mnih et al. 2016, arXiv 1602.01783, in its synchronous form, with Adam.

    Args:
        seed: of weights, first states and actions.
        steps: steps of single carts after which the policy is yielded, increasing; 0 is untrained.
    """
    import torch

    length, rate, entropy_weight = 16, 1e-3, 0.01
    generator = np.random.default_rng(derive_seed(seed, "actor-critic"))
    policy, critic = network(WIDTHS, "Tanh", seed), network(WIDTHS, "Tanh", seed + 1)
    critic[-1] = value_of = torch.nn.Linear(WIDTHS[-1], 1)
    torch.nn.init.zeros_(value_of.weight)
    torch.nn.init.zeros_(value_of.bias)
    optimizer = torch.optim.Adam([*policy.parameters(), *critic.parameters()], lr=rate)
    carts, n_done = Carts(N_CARTS, generator), 0
    for wanted in steps:
        while n_done < wanted:
            states, actions, ends, lasts = [], [], [], []
            for _ in range(length):
                states.append(carts.states)
                with torch.inference_mode():
                    chances = policy(torch.from_numpy(states[-1])).softmax(dim=1).numpy()
                actions.append((generator.random(N_CARTS) > chances[:, 0]).astype(np.int64))
                failed = carts.push(actions[-1])
                lasts.append(carts.states)
                ended = failed | (carts.steps >= LIMIT)
                ends.append((failed, ended))
                carts.restart(ended)
            n_done += length * N_CARTS
            with torch.inference_mode():
                after = [critic(torch.from_numpy(last))[:, 0].numpy() for last in lasts]
            returns, ahead = [], after[-1]
            for (failed, ended), value in zip(reversed(ends), reversed(after), strict=True):
                ahead = 1 + DISCOUNT * np.where(failed, 0, np.where(ended, value, ahead))
                returns.append(ahead)
            seen = torch.from_numpy(np.concatenate(states))
            goal = torch.from_numpy(np.concatenate(returns[::-1]).astype(np.float32))
            value = critic(seen)[:, 0]
            logs = policy(seen).log_softmax(dim=1)
            advantage = (goal - value).detach()
            advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
            chosen = logs.gather(1, torch.from_numpy(np.concatenate(actions))[:, None])[:, 0]
            entropy = -(logs.exp() * logs).sum(dim=1).mean()
            loss = -(advantage * chosen).mean() - entropy_weight * entropy
            loss = loss + 0.5 * torch.nn.functional.mse_loss(value, goal)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_([*policy.parameters(), *critic.parameters()], 0.5)
            optimizer.step()
        yield wanted, copy.deepcopy(policy)


def q_learning(seed: int, steps: Sequence[int]) -> Saved:
    """Deep Q-learning with a target network and two action values compared (double Q-learning).

    Sources: Mnih et al. 2015, doi 10.1038/nature14236; van Hasselt et al. 2016, arXiv 1509.06461.

    Args:
        seed: of weights, first states, exploration and batches.
        steps: steps of single carts after which the policy is yielded, increasing; 0 is untrained.
    """
    import torch

    held, batch, rate, n_updates, refreshed = 20_000, 64, 1e-3, 4, 100
    least, explored = 0.05, 10_000  # share of random actions at the end, and steps until then
    generator = np.random.default_rng(derive_seed(seed, "q-learning"))
    policy = network(WIDTHS, "ReLU", seed)
    target = copy.deepcopy(policy)
    optimizer = torch.optim.Adam(policy.parameters(), lr=rate)
    before, after = (np.zeros((held, N_STATE), dtype=np.float32) for _ in range(2))
    taken, failures = np.zeros(held, dtype=np.int64), np.zeros(held, dtype=np.float32)
    carts, act, n_done, n_updated = Carts(N_CARTS, generator), greedy(policy), 0, 0
    for wanted in steps:
        while n_done < wanted:
            share = max(least, 1 - n_done * (1 - least) / explored)
            states = carts.states
            random = generator.integers(0, N_ACTIONS, N_CARTS)
            actions = np.where(generator.random(N_CARTS) < share, random, act(states))
            failed = carts.push(actions)
            rows = np.arange(n_done, n_done + N_CARTS) % held
            before[rows], after[rows], taken[rows], failures[rows] = states, carts.states, actions, failed
            carts.restart(failed | (carts.steps >= LIMIT))
            n_done += N_CARTS
            for _ in range(n_updates if n_done >= 1_000 else 0):
                drawn = generator.integers(0, min(n_done, held), batch)
                first, second = torch.from_numpy(before[drawn]), torch.from_numpy(after[drawn])
                with torch.no_grad():
                    best = policy(second).argmax(dim=1, keepdim=True)
                    ahead = target(second).gather(1, best)[:, 0]
                    goal = 1 + DISCOUNT * (1 - torch.from_numpy(failures[drawn])) * ahead
                value = policy(first).gather(1, torch.from_numpy(taken[drawn])[:, None])[:, 0]
                loss = torch.nn.functional.smooth_l1_loss(value, goal)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                n_updated += 1
                if n_updated % refreshed == 0:
                    target.load_state_dict(policy.state_dict())
        yield wanted, copy.deepcopy(policy)


def cross_entropy(seed: int, steps: Sequence[int]) -> Saved:
    """The cross-entropy method: weights are drawn from a normal distribution that follows the best draws.

    Source: Szita and Lorincz 2006, doi 10.1162/neco.2006.18.12.2936, with noise that decreases.

    Args:
        seed: of weights and first states.
        steps: generations after which the policy with the mean weights is yielded, increasing.
    """
    import torch

    n_drawn, n_best, n_episodes, extra = 40, 8, 2, 0.5
    generator = np.random.default_rng(derive_seed(seed, "cross-entropy"))
    policy = network((16,), "Tanh", seed)
    mean = torch.nn.utils.parameters_to_vector(policy.parameters()).detach().numpy().astype(np.float64)
    spread, n_done = np.ones_like(mean), 0
    for wanted in steps:
        while n_done < wanted:
            draws = mean + spread * generator.standard_normal((n_drawn, len(mean)))
            lasted = _lasted(draws.astype(np.float32), n_episodes, generator)
            best = draws[np.argsort(-lasted, kind="stable")[:n_best]]
            n_done += 1
            mean, spread = best.mean(axis=0), best.std(axis=0) + extra / n_done
        torch.nn.utils.vector_to_parameters(torch.from_numpy(mean.astype(np.float32)), policy.parameters())
        yield wanted, copy.deepcopy(policy)


def _lasted(draws: Floats, n_episodes: int, generator: np.random.Generator) -> Floats:
    """Mean number of steps of each draw of the weights of a policy with 16 hidden units."""
    width = 16
    cuts = np.cumsum([N_STATE * width, width, width * N_ACTIONS])
    parts = np.split(draws.repeat(n_episodes, axis=0), cuts, axis=1)
    into = parts[0].reshape(-1, width, N_STATE)
    out = parts[2].reshape(-1, N_ACTIONS, width)

    def act(states: Floats) -> np.ndarray:
        hidden = np.tanh(np.einsum("cwn,cn->cw", into, states) + parts[1])
        return np.asarray((np.einsum("caw,cw->ca", out, hidden) + parts[3]).argmax(axis=1))

    carts = Carts(len(draws) * n_episodes, generator)
    lasted = steps_until_failure(carts, act)
    return lasted.reshape(-1, n_episodes).mean(axis=1).astype(np.float32)
