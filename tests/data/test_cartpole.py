"""Agents on carts: the physics is gymnasium's, training teaches, checkpoints and states are what they say."""

import numpy as np
import pandas as pd
import pytest

from suffice.data.made.cartpole import agents, states, training
from suffice.data.made.cartpole.networks import SCRIPTED_PUSH, greedy, network, read, save, scripted
from suffice.data.made.cartpole.world import Carts, Dynamics, steps_until_failure
from suffice.data.made.registry import FOLDERS, MAKERS, folder_of, place_of_made
from suffice.errors import DataError

torch = pytest.importorskip("torch")
gymnasium = pytest.importorskip("gymnasium", reason="gymnasium of config/agents is not installed")


def rng(seed=0):
    return np.random.default_rng(seed)


def falls(n_carts):
    """An agent that always pushes to the right."""
    return lambda given: np.ones(len(given), dtype=np.int64)


def test_carts_move_as_in_the_environment_of_one_cart():
    single = gymnasium.make("CartPole-v1").unwrapped
    carts = Carts(3, rng())
    single.reset(seed=0)
    single.state = tuple(carts.world.state[:, 1])
    actions = rng(1).integers(0, 2, size=(60, 3))
    for chosen in actions:
        failed = carts.push(chosen)
        seen, _, ended, _, _ = single.step(int(chosen[1]))
        np.testing.assert_allclose(carts.states[1], seen, rtol=1e-5, atol=1e-6)
        assert failed[1] == ended
        if ended:
            break
    assert carts.steps[1] > 5


def test_another_world_has_another_physics_and_slips_follow_from_the_seed():
    def moved(dynamics):
        carts = Carts(200, rng(), dynamics)
        carts.place(np.zeros((200, 4)))
        carts.push(np.ones(200, dtype=np.int64))
        return carts.states[:, 1]

    usual = moved(Dynamics())
    np.testing.assert_allclose(moved(Dynamics(force=5.0)), usual / 2, rtol=1e-5)
    assert moved(Dynamics(pole_mass=0.5))[0] < usual[0]
    slipped = np.sign(moved(Dynamics(slips=0.5))) == -1
    assert 30 < slipped.sum() < 70  # a quarter: half of the pushes are random, and half of these turn
    np.testing.assert_array_equal(moved(Dynamics(slips=0.5)), moved(Dynamics(slips=0.5)))


def test_steps_are_counted_until_the_first_failure():
    carts = Carts(4, rng())
    lasted = steps_until_failure(carts, falls(4))
    single = gymnasium.make("CartPole-v1").unwrapped
    single.reset(seed=0)
    single.state = tuple(Carts(4, rng()).world.state[:, 2])
    n_steps = 1
    while not single.step(1)[2]:
        n_steps += 1
    assert lasted[2] == n_steps
    assert steps_until_failure(Carts(4, rng()), falls(4), limit=5).tolist() == [5] * 4


def test_the_scripted_agent_leans_as_it_is_written(tmp_path):
    policy, given = scripted(), rng().normal(size=(50, 4)).astype(np.float32)
    lean = given @ np.float32(SCRIPTED_PUSH)
    np.testing.assert_array_equal(greedy(policy)(given), lean > 0)
    hidden = policy[:2](torch.from_numpy(given)).detach().numpy()
    np.testing.assert_allclose(hidden, np.maximum(np.stack([-lean, lean], axis=1), 0), atol=1e-5)
    save(policy, tmp_path / "scripted.safetensors")
    np.testing.assert_array_equal(read(tmp_path / "scripted.safetensors", "ReLU")(given), lean > 0)
    assert steps_until_failure(Carts(20, rng()), greedy(policy)).mean() > 200


@pytest.mark.parametrize(
    ("train", "steps"),
    [
        (training.actor_critic, (0, 12_000)),
        (training.q_learning, (0, 6_000)),
        (training.cross_entropy, (0, 8)),
    ],
)
def test_training_teaches_and_follows_from_the_seed(train, steps):
    (_, before), (_, after) = train(0, steps)
    earned = [steps_until_failure(Carts(40, rng()), greedy(policy)).mean() for policy in (before, after)]
    assert earned[1] > 1.5 * earned[0]
    first = [dict(train(seed, (0, 2)))[2].state_dict() for seed in (0, 0, 1)]
    assert all(torch.equal(first[0][name], first[1][name]) for name in first[0])
    assert any(not torch.equal(first[0][name], first[2][name]) for name in first[0])


def test_draws_of_weights_act_as_networks_of_these_weights():
    policy = network((16,), "Tanh", 3)
    weights = torch.nn.utils.parameters_to_vector(policy.parameters()).detach().numpy()
    lasted = training._lasted(np.stack([weights, weights]), 5, rng())
    expected = steps_until_failure(Carts(10, rng()), greedy(policy))
    np.testing.assert_allclose(lasted, expected.reshape(2, 5).mean(axis=1))


def test_the_second_state_of_an_episode_follows_the_first():
    pairs = states.visited_pairs(greedy(scripted()), 30, rng())
    carts = Carts(30, rng())
    reached = []
    for action in (0, 1):
        carts.place(pairs[:, 0])
        carts.push(np.full(30, action))
        reached.append(np.abs(carts.states - pairs[:, 1]).max(axis=1) < 1e-4)
    assert (reached[0] | reached[1]).all() and reached[0].any() and reached[1].any()
    assert len(np.unique(pairs[:, 0], axis=0)) == 30


def test_a_state_from_which_the_pole_falls_has_a_smaller_value():
    given = np.array([[0, 0, 0, 0], [0, 0, 0.2, 1.5]], dtype=np.float32)
    found = states.values(given, greedy(scripted()), Dynamics(), rng())
    assert found[0] == states.HORIZON and found[1] < 20


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of agents that were hardly trained."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        for name, kind in agents.KINDS.items():
            few = (1, 2, 3) if name == "cem" else (16, 32, 48)
            patch.setitem(agents.KINDS, name, agents.Kind(kind.train, few, kind.activation))
        FOLDERS["cartpole-agents"].write(folder)
    return folder


def test_a_folder_has_a_checkpoint_and_all_returns_of_each_agent(made):
    assert sorted(path.name for path in made.iterdir()) == sorted(FOLDERS["cartpole-agents"].files)
    table = pd.read_csv(made / "returns.csv").pivot(index="model", columns="task", values="value")
    assert set(table.index) == set(agents.activations()) and set(table.columns) == set(agents.WORLDS)
    assert table.loc["scripted", "return"] > 5 * table.loc["untrained-relu", "return"]
    name = "scripted", "return-slips"
    assert table.loc[name] == pytest.approx(agents.mean_return(greedy(scripted()), "return-slips"), abs=0.001)


def test_states_are_of_every_agent_in_pairs_of_one_episode(made, monkeypatch):
    monkeypatch.setattr(states, "N_EPISODES", 5)
    maker = MAKERS["cartpole-states"]
    arrays, again, other = (maker.arrays(seed, made) for seed in (0, 0, 1))
    assert set(arrays) == {maker.content, *maker.columns}
    n_agents = len(agents.activations())
    assert arrays["state"].shape == (n_agents * 5 * 2, 4) and arrays["state"].dtype == np.float32
    assert pd.Series(arrays["episode"]).value_counts().eq(2).all()
    assert (arrays["agent"][::2] == arrays["agent"][1::2]).all()
    for name in arrays:
        np.testing.assert_array_equal(arrays[name], again[name])
    assert (arrays["state"] != other["state"]).any()


def test_a_path_names_a_file_of_a_folder_that_is_made():
    path = "made:cartpole-agents/scripted.safetensors"
    assert folder_of(path) == "cartpole-agents" and folder_of("agent.zip") == folder_of(None) == ""
    assert place_of_made("results/agents", path) == "results/agents/made/cartpole-agents/scripted.safetensors"
    with pytest.raises(DataError, match="no folder that can be made; did you mean 'cartpole-agents'"):
        folder_of("made:cartpole-agent/scripted.safetensors")
    with pytest.raises(DataError, match="cartpole-agents has no such file; did you mean 'scripted.safe"):
        folder_of("made:cartpole-agents/script.safetensors")
