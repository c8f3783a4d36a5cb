"""Policies of agents: equal to the network's own forward pass, the same in every batch, hostile files."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
from pydantic import ValidationError

from suffice.data.build import DatasetSettings, build_corpus
from suffice.data.corpus import Corpus, Window
from suffice.data.number_lists import text_of
from suffice.embed.policy import PolicyLoader, PolicySettings
from suffice.errors import ModelError

torch = pytest.importorskip("torch")
save_file = pytest.importorskip("safetensors.torch").save_file

N_STATES, WIDTH, N_ACTIONS = 50, 4, 3
COMMON, DQN = "stable_baselines3.common.policies", "stable_baselines3.dqn.policies"


def described(kind, **about):
    """An object as Stable-Baselines3 writes it: a pickle, which is never opened, and words about it."""
    return {":type:": f"<class '{kind}'>", ":serialized:": "bm90IGEgcGlja2xl", **about}


def about_agent(module=COMMON, name="ActorCriticPolicy", options=None, actions="Discrete", shape="[4]"):
    policy = described(
        "abc.ABCMeta", __module__=module, __init__=f"<function {name}.__init__ at 0x7f5150866160>"
    )
    return {
        "policy_class": policy,
        "policy_kwargs": options or {},
        "observation_space": described("gymnasium.spaces.box.Box", _shape=shape),
        "action_space": described(f"gymnasium.spaces.discrete.{actions}", n="3"),
        "gamma": 0.99,
    }


def torch_bytes(content):
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def write_zip(path, about, weights, more=(), compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in (("data", json.dumps(about)), ("policy.pth", weights), *more):
            archive.writestr(name, content)
    return path


def stack(widths, activation, seed=0):
    torch.manual_seed(seed)
    layers = []
    for before, after in zip(widths, widths[1:], strict=False):
        layers += [torch.nn.Linear(before, after), activation()]
    return torch.nn.Sequential(*layers[:-1])


def actor_critic_state(policy):
    """The names of Stable-Baselines3: hidden layers, the layer of actions, and the critic."""
    state = {f"mlp_extractor.policy_net.{name}": value for name, value in policy[:-1].state_dict().items()}
    state |= {f"action_net.{name}": value for name, value in policy[-1].state_dict().items()}
    critic = stack([WIDTH, 5, 1], torch.nn.Tanh, seed=9)
    state |= {f"mlp_extractor.value_net.{name}": value for name, value in critic[:-1].state_dict().items()}
    return state | {f"value_net.{name}": value for name, value in critic[-1].state_dict().items()}


@pytest.fixture(scope="module")
def states():
    return np.random.default_rng(0).normal(size=(N_STATES, WIDTH)).astype(np.float32)


@pytest.fixture(scope="module")
def corpus(states, tmp_path_factory):
    folder = tmp_path_factory.mktemp("states")
    np.savez(folder / "states.npz", state=states)
    settings = DatasetSettings(
        source="file", path=str(folder / "states.npz"), content_type="vector", content="state", min_items=2
    )
    build_corpus(settings, 0, folder / "states.parquet")
    return Corpus(folder / "states.parquet")


def encoder_of(corpus, path, **settings):
    return PolicyLoader(PolicySettings(checkpoint=str(path), **settings)).open(corpus)


def vectors_of(corpus, path, **settings):
    encoder = encoder_of(corpus, path, **settings)
    vectors = np.concatenate([encoder.encode(window) for window in corpus.windows(16)])
    assert vectors.shape == (N_STATES, encoder.embed_dim) and vectors.dtype == np.float32
    return vectors


def same(vectors, expected):
    np.testing.assert_allclose(vectors, expected.detach().numpy(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_actor_critic_is_equal_to_its_own_forward_pass(corpus, states, tmp_path, compression):
    policy = stack([WIDTH, 8, 7, N_ACTIONS], torch.nn.Tanh)
    weights = torch_bytes(actor_critic_state(policy))
    path = write_zip(tmp_path / "ppo.zip", about_agent(), weights, compression=compression)
    given = torch.from_numpy(states)
    same(vectors_of(corpus, path), policy[:-1](given))
    same(vectors_of(corpus, path, layer="actions"), policy(given).softmax(dim=1))
    hidden = encoder_of(corpus, path)
    assert hidden.n_parameters == 4 * 8 + 8 + 8 * 7 + 7


def test_an_activation_that_the_archive_names_is_used(corpus, states, tmp_path):
    policy = stack([WIDTH, 8, N_ACTIONS], torch.nn.ELU)
    options = described("dict", activation_fn="<class 'torch.nn.modules.activation.ELU'>")
    weights = torch_bytes(actor_critic_state(policy))
    path = write_zip(tmp_path / "a2c.zip", about_agent(options=options), weights)
    same(vectors_of(corpus, path), policy[:-1](torch.from_numpy(states)))


def test_action_values_of_q_learning_become_probabilities(corpus, states, tmp_path):
    policy = stack([WIDTH, 6, 12, N_ACTIONS], torch.nn.ReLU)
    target = stack([WIDTH, 6, 12, N_ACTIONS], torch.nn.ReLU, seed=5)
    state = {f"q_net.q_net.{name}": value for name, value in policy.state_dict().items()}
    state |= {f"q_net_target.q_net.{name}": value for name, value in target.state_dict().items()}
    path = write_zip(tmp_path / "dqn.zip", about_agent(DQN, "DQNPolicy"), torch_bytes(state))
    given = torch.from_numpy(states)
    same(vectors_of(corpus, path), policy[:-1](given))
    same(vectors_of(corpus, path, layer="actions"), policy(given).softmax(dim=1))


def test_continuous_actions_are_their_means(corpus, states, tmp_path):
    policy = stack([WIDTH, 8, 2], torch.nn.Tanh)
    state = actor_critic_state(policy) | {"log_std": torch.zeros(2)}
    path = write_zip(tmp_path / "a2c.zip", about_agent(actions="Box"), torch_bytes(state))
    same(vectors_of(corpus, path, layer="actions"), policy(torch.from_numpy(states)))


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
@pytest.mark.parametrize("network", [None, "actor"])
def test_plain_weights_are_equal_to_their_own_forward_pass(corpus, states, tmp_path, suffix, network):
    widths = [WIDTH, *range(5, 16), 2]  # layers 0, 2, ... 22: the tenth comes after the ninth
    policy = stack(widths, torch.nn.SiLU)
    prefix = f"{network}." if network else ""
    state = {f"{prefix}{name}": value.clone() for name, value in policy.state_dict().items()}
    if network:
        state["critic.0.weight"] = torch.ones(3, WIDTH)
    path = tmp_path / f"agent{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    given = torch.from_numpy(states)
    how = {"activation": "silu", "network": network}
    same(vectors_of(corpus, path, **how), policy[:-1](given))
    same(vectors_of(corpus, path, layer="actions", actions="discrete", **how), policy(given).softmax(dim=1))
    same(vectors_of(corpus, path, layer="actions", actions="continuous", **how), policy(given))


def test_layers_without_offsets_and_in_half_precision_are_read(corpus, states, tmp_path):
    torch.manual_seed(3)
    first, second = torch.nn.Linear(WIDTH, 6, bias=False).half(), torch.nn.Linear(6, 2, bias=False).half()
    torch.save({"fc1.weight": first.weight.data, "fc2.weight": second.weight.data}, tmp_path / "half.pt")
    expected = torch.relu(torch.from_numpy(states) @ first.weight.float().T)
    same(vectors_of(corpus, tmp_path / "half.pt", activation="relu"), expected)


def test_a_state_has_the_same_vector_in_every_batch(corpus, states, tmp_path):
    policy = stack([WIDTH, 64, 64, N_ACTIONS], torch.nn.Tanh)
    torch.save(policy.state_dict(), tmp_path / "agent.pt")
    for layer in ({}, {"layer": "actions", "actions": "discrete"}):
        encoder = encoder_of(corpus, tmp_path / "agent.pt", activation="tanh", **layer)
        texts = [text_of(state) for state in states]
        ids = list(map(str, range(N_STATES)))
        together = encoder.encode(Window(0, ids, texts))
        swapped = encoder.encode(Window(0, ids, texts[::-1]))[::-1]
        alone = np.concatenate([encoder.encode(Window(0, ["a"], [text])) for text in texts])
        for other in (swapped, alone):
            np.testing.assert_allclose(other, together, rtol=0, atol=1e-6)


def test_untrained_weights_follow_from_the_seed_in_the_same_architecture(corpus, tmp_path):
    policy = stack([WIDTH, 9, N_ACTIONS], torch.nn.Tanh, seed=7)
    torch.save(policy.state_dict(), tmp_path / "agent.pt")

    def drawn(seed, **settings):
        loader = PolicyLoader(PolicySettings(random_init=True, **settings), seed=seed)
        assert loader.is_random
        return loader.open(corpus).encode(next(corpus.windows()))

    named = {"checkpoint": str(tmp_path / "agent.pt"), "activation": "tanh"}
    one, again, other = drawn(0, **named), drawn(0, **named), drawn(1, **named)
    np.testing.assert_array_equal(one, again)
    assert one.shape == (N_STATES, 9) and np.abs(one - other).max() > 0.1
    assert np.abs(one - vectors_of(corpus, tmp_path / "agent.pt", activation="tanh")).max() > 0.1
    assert drawn(0).shape == (N_STATES, 64)


class Bad:
    """A pickle that would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.parametrize("make", [pickle.dumps, torch_bytes])
@pytest.mark.parametrize("kind", ["zip", "pth"])
def test_pickled_objects_are_never_opened(tmp_path, make, kind):
    touched = tmp_path / "touched"
    content = make({"action_net.weight": Bad(str(touched))})
    path = tmp_path / f"agent.{kind}"
    if kind == "zip":
        write_zip(path, about_agent(), content)
    else:
        path.write_bytes(content)
    settings = {} if kind == "zip" else {"activation": "relu"}
    with pytest.raises(ModelError, match="cannot be read as weights alone"):
        PolicyLoader(PolicySettings(checkpoint=str(path), **settings)).check()
    assert not touched.exists()


def test_pickles_in_the_description_are_not_opened(corpus, tmp_path):
    policy = stack([WIDTH, 8, N_ACTIONS], torch.nn.Tanh)
    about = about_agent()
    about["lr_schedule"] = described("function")
    about["policy_class"][":serialized:"] = "%%% not base64 %%%"
    path = write_zip(tmp_path / "ppo.zip", about, torch_bytes(actor_critic_state(policy)))
    assert vectors_of(corpus, path).shape[1] == 8


@pytest.mark.parametrize("name", ["../policy.txt", "/etc/agent", "a/../../b", "..\\policy.txt"])
def test_names_that_lead_out_of_the_archive_are_refused(tmp_path, name):
    state = torch_bytes(actor_critic_state(stack([WIDTH, 8, 2], torch.nn.Tanh)))
    path = write_zip(tmp_path / "agent.zip", about_agent(), state, more=[(name, "x")])
    with pytest.raises(ModelError, match="whose name leads out of the archive"):
        PolicyLoader(PolicySettings(checkpoint=str(path))).check()


@pytest.mark.parametrize("place", ["outer", "weights", "beside"])
def test_archives_that_unpack_to_far_more_than_their_size_are_refused(tmp_path, place):
    zeros = bytes(100 << 20)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", zeros)
    weights = {"outer": zeros, "weights": inner.getvalue(), "beside": b""}[place]
    more = [("pytorch_variables.pth", zeros)] if place == "beside" else []
    how = zipfile.ZIP_STORED if place == "weights" else zipfile.ZIP_DEFLATED
    path = write_zip(tmp_path / "agent.zip", about_agent(), weights, more, how)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(ModelError, match="unpacks to more than"):
        PolicyLoader(PolicySettings(checkpoint=str(path))).check()


def test_tensors_that_are_larger_than_their_file_are_refused(tmp_path):
    wide = torch.zeros(1).expand(60_000, 60_000)
    torch.save({"0.weight": wide, "2.weight": torch.zeros(2, 60_000)}, tmp_path / "agent.pt")
    with pytest.raises(ModelError, match="tensors that are larger than the file"):
        PolicyLoader(PolicySettings(checkpoint=str(tmp_path / "agent.pt"), activation="relu")).check()


def write_strange(tmp_path, case):
    """An archive with something that is not read."""
    state = actor_critic_state(stack([WIDTH, 8, N_ACTIONS], torch.nn.Tanh))
    about = {
        "policy": lambda: about_agent("stable_baselines3.sac.policies", "SACPolicy"),
        "images": lambda: about_agent(shape="[84, 84, 3]"),
        "actions": lambda: about_agent(actions="MultiDiscrete"),
        "activation": lambda: about_agent(options={"activation_fn": "<class 'mine.Snake'>"}),
        "own extractor": lambda: about_agent(options={"features_extractor_class": "<class 'mine.Scaled'>"}),
        "list": list,
    }.get(case, about_agent)()
    state |= {
        "extractor": {"features_extractor.cnn.0.weight": torch.zeros(3, 3)},
        "norm": {"mlp_extractor.policy_net.1.weight": torch.ones(8)},
    }.get(case, {})
    if case == "linear":
        state = {name: value for name, value in state.items() if "policy_net" not in name}
    more = [("data", "{}")] if case == "twice" else []
    content = torch_bytes([1, 2]) if case == "no state" else torch_bytes(state)
    return write_zip(tmp_path / "agent.zip", about, content, more)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("policy", "has the policy class stable_baselines3.sac.policies.SACPolicy; only MlpPolicy of PPO"),
        ("images", r"observations of the space Box with shape \[84, 84, 3\], which are not vectors"),
        ("actions", "actions of the space MultiDiscrete"),
        ("activation", "has the activation Snake; only relu, tanh"),
        ("extractor", r"other layers \(features_extractor.cnn.0.weight\)"),
        ("own extractor", "other layers .*mine.Scaled"),
        ("norm", "mlp_extractor.policy_net.1 is not a linear layer"),
        ("linear", r"has no hidden layer \(8->3\)"),
        ("twice", "two files 'data'"),
        ("list", "data must have keys and values"),
        ("no state", "is not a state_dict"),
    ],
)
def test_an_archive_that_is_not_read_is_refused_by_name(tmp_path, case, message):
    with pytest.raises(ModelError, match=message):
        PolicyLoader(PolicySettings(checkpoint=str(write_strange(tmp_path, case)))).check()


@pytest.mark.parametrize(
    ("shapes", "settings", "message"),
    [
        ({"0": (8, 4), "2": (2, 7)}, {}, r"do not follow each other \(4->8 7->2\)"),
        ({"actor.0": (8, 4), "actor.2": (2, 8)}, {"network": "policy"}, "no network 'policy'; .* actor"),
        ({"first": (8, 4), "hidden": (8, 8), "latent": (8, 8), "out": (2, 8)}, {}, "order their names"),
        ({"0": (8, 4), "2": (2, 8)}, {"layer": "actions"}, "set actions to discrete or continuous"),
    ],
)  # fmt: skip
def test_plain_weights_that_are_not_one_policy_are_refused(tmp_path, shapes, settings, message):
    state = {f"{name}.weight": torch.zeros(shape) for name, shape in shapes.items()}
    torch.save(state, tmp_path / "agent.pt")
    given = {"checkpoint": str(tmp_path / "agent.pt"), "activation": "relu", **settings}
    with pytest.raises(ModelError, match=message):
        PolicyLoader(PolicySettings(**given)).check()


def test_what_a_file_states_or_lacks_must_fit_the_settings(tmp_path):
    policy = stack([WIDTH, 8, N_ACTIONS], torch.nn.Tanh)
    path = write_zip(tmp_path / "ppo.zip", about_agent(), torch_bytes(actor_critic_state(policy)))
    torch.save(policy.state_dict(), tmp_path / "agent.pt")
    (tmp_path / "agent.bin").write_bytes(b"")
    for checkpoint, settings, message in (
        (path, {"activation": "relu"}, "states its network and its activation"),
        (path, {"actions": "discrete"}, "states its kind of actions"),
        (tmp_path / "agent.pt", {}, "has weights only; set activation"),
        (tmp_path / "agent.bin", {}, "is not a checkpoint of a policy"),
        (tmp_path / "absent.zip", {}, "there is no file"),
    ):
        with pytest.raises(ModelError, match=message):
            PolicyLoader(PolicySettings(checkpoint=str(checkpoint), **settings)).check()


def test_states_of_another_environment_are_refused(corpus, tmp_path):
    torch.save(stack([WIDTH + 1, 8, 2], torch.nn.Tanh).state_dict(), tmp_path / "agent.pt")
    with pytest.raises(ModelError, match="reads states of 5 numbers, but the items of the data set have 4"):
        encoder_of(corpus, tmp_path / "agent.pt", activation="tanh")


@pytest.mark.parametrize("settings", [{}, {"random_init": True, "layer": "actions"}])
def test_settings_without_a_network_are_refused(settings):
    with pytest.raises(ValidationError, match="checkpoint"):
        PolicySettings(**settings)


def test_the_identity_follows_the_bytes_of_the_checkpoint(tmp_path):
    policy = stack([WIDTH, 8, 2], torch.nn.Tanh)
    found = []
    for name in ("one.pt", "two.pt"):
        torch.save(policy.state_dict(), tmp_path / name)
        found.append(
            PolicyLoader(PolicySettings(checkpoint=str(tmp_path / name), activation="relu")).identity()
        )
        with torch.no_grad():
            policy[0].weight += 1
    assert found[0] != found[1]
