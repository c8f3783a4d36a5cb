"""The network of an agent's policy, read from a file of weights. Nothing in the file is executed."""

import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from suffice.errors import ModelError, first_line
from suffice.storage.untrusted import UNREADABLE, check_unpacked

if TYPE_CHECKING:
    import torch

TORCH_SUFFIXES = (".pt", ".pth")
ACTIVATIONS = {
    "relu": "ReLU", "tanh": "Tanh", "elu": "ELU", "leaky_relu": "LeakyReLU", "silu": "SiLU", "gelu": "GELU",
    "sigmoid": "Sigmoid",
}  # fmt: skip
"""Name of each activation in the settings, and of its class in torch.nn."""
DATA, WEIGHTS = "data", "policy.pth"
DISCRETE, CONTINUOUS = "discrete", "continuous"
MATRIX_DIMS = 2
REMEDY = (
    "save the weights of the policy's layers alone, with torch.save of its state_dict or as safetensors, and "
    "set activation"
)
State = Mapping[str, "torch.Tensor"]


@dataclass(frozen=True)
class Known:
    """A policy class of Stable-Baselines3 that is read.

    Attributes:
        layers: prefixes of the names of the policy's layers, in their order.
        others: prefixes of weights that do not belong to the policy.
        activation: its default.
    """

    layers: tuple[str, ...]
    others: tuple[str, ...]
    activation: str


ACTOR_CRITIC = Known(
    ("mlp_extractor.policy_net.", "action_net."),
    ("mlp_extractor.value_net.", "value_net.", "log_std"),
    "tanh",
)
DQN = Known(("q_net.q_net.",), ("q_net_target.q_net.",), "relu")
KNOWN = {
    "stable_baselines3.common.policies.ActorCriticPolicy": ACTOR_CRITIC,
    "stable_baselines3.dqn.policies.DQNPolicy": DQN,
}


@dataclass(frozen=True)
class Layer:
    """A linear layer: weights of shape (n_outputs, n_inputs), and offsets of shape (n_outputs,) or None."""

    weight: "torch.Tensor"
    bias: "torch.Tensor | None"


@dataclass(frozen=True)
class Policy:
    """Linear layers with an activation after each but the last.

    Attributes:
        layers: at least two.
        activation: a key of `ACTIVATIONS`.
        actions: what the outputs are, `discrete` (logits or action values) or `continuous` (means); empty if
            the file does not say it.
    """

    layers: tuple[Layer, ...]
    activation: str
    actions: str


def read_policy(path: Path, activation: str | None, network: str | None) -> Policy:
    """The policy in a file.

    Args:
        path: a `.zip` of Stable-Baselines3, or a `.safetensors`, `.pt` or `.pth` file with the weights of
            linear layers.
        activation: a key of `ACTIVATIONS`; None: as the `.zip` says.
        network: what the names of the policy's layers begin with, in a file of several networks; None: the
            file has one network.

    Raises:
        ModelError: it is damaged, has content that is not read, or is not a policy of linear layers; the
            message names the reason and the remedy.

    Example:
        >>> import tempfile, torch
        >>> layers = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
        >>> path = Path(tempfile.mkdtemp()) / "policy.pt"
        >>> torch.save(layers.state_dict(), path)
        >>> [tuple(layer.weight.shape) for layer in read_policy(path, "relu", None).layers]
        [(8, 4), (2, 8)]
    """
    if not path.is_file():
        raise ModelError(f"there is no file {path}; give the file of a policy's checkpoint")
    suffix = path.suffix.lower()
    if suffix == ".zip":
        if network is not None or activation is not None:
            raise ModelError(f"{path} states its network and its activation; leave both settings empty")
        return _of_stable_baselines(path)
    if suffix != ".safetensors" and suffix not in TORCH_SUFFIXES:
        raise ModelError(
            f"{path} is not a checkpoint of a policy; give a .zip of Stable-Baselines3, or weights as "
            ".safetensors, .pt or .pth"
        )
    if activation is None:
        raise ModelError(
            f"{path} has weights only; set activation to what follows its layers ({', '.join(ACTIVATIONS)})"
        )
    if suffix == ".safetensors":
        state = _state_of_safetensors(path)
    else:
        state = state_of_torch(path.read_bytes(), str(path))
    return _of_weights(state, network, activation, str(path))


def _state_of_safetensors(path: Path) -> State:
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except Exception as error:  # noqa: BLE001 (the library's errors have no common base)
        raise ModelError(f"{path} is not a safetensors file ({first_line(error)}); save it again") from None


def state_of_torch(content: bytes, place: str) -> State:
    """The tensors of a file that torch wrote, by name.

    Raises:
        ModelError: it has anything else, or unpacks to far more than its size.
    """
    import torch

    try:
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                _check_members(archive, len(content))
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 (torch raises many kinds)
        raise ModelError(
            f"{place} cannot be read as weights alone ({first_line(error)}); pickled objects are never "
            "opened, so save it again with torch.save of a state_dict"
        ) from None
    if not isinstance(state, Mapping) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()
    ):
        raise ModelError(f"{place} is not a state_dict, whose values are tensors; save one")
    n_bytes = sum(value.numel() * value.element_size() for value in state.values())
    if n_bytes > len(content) or any(value.layout != torch.strided for value in state.values()):
        raise ModelError(f"{place} has tensors that are larger than the file; save them as dense tensors")
    return state


def _check_members(archive: zipfile.ZipFile, n_packed: int) -> None:
    """Raise ValueError for an archive with unsafe or repeated names, or far more content than bytes."""
    members = archive.infolist()
    names = [member.filename for member in members]
    for name in names:
        if "\\" in name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ValueError(f"it has a file {name!r}, whose name leads out of the archive")
        if names.count(name) > 1:
            raise ValueError(f"it has two files {name!r}")
    check_unpacked(sum(member.file_size for member in members), n_packed)


def _of_stable_baselines(path: Path) -> Policy:
    """The policy of PPO, A2C or DQN in an archive of Stable-Baselines3."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path.stat().st_size)
            missing = [name for name in (DATA, WEIGHTS) if name not in archive.namelist()]
            if missing:
                raise ValueError(f"it has no {missing[0]}")
            about, weights = json.loads(archive.read(DATA)), archive.read(WEIGHTS)
        if not isinstance(about, dict):
            raise ValueError(f"{DATA} must have keys and values")
    except (*UNREADABLE, NotImplementedError, RecursionError) as error:
        raise ModelError(
            f"{path} is not an archive of Stable-Baselines3 ({first_line(error)}); save the agent again"
        ) from None
    known, options = _known(about, path), _entry(about, "policy_kwargs")
    _check_observations(about, path)
    state = state_of_torch(weights, f"{path}: {WEIGHTS}")
    _check_names(state, known, options, path)
    layers = tuple(layer for prefix in known.layers for layer in _numbered(state, prefix, str(path)))
    activation = _activation(options, known, path)
    return Policy(_chained(layers, str(path)), activation, _actions(about, path))


def _entry(about: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    entry = about.get(name)
    return entry if isinstance(entry, dict) else {}


def _known(about: Mapping[str, Any], path: Path) -> Known:
    """The class of the policy, as the archive describes it in words."""
    entry = _entry(about, "policy_class")
    named = re.match(r"<function (\w+)\.", str(entry.get("__init__")))
    kind = f"{entry.get('__module__')}.{named[1] if named else '?'}"
    if kind not in KNOWN:
        raise ModelError(
            f"{path} has the policy class {kind}; only MlpPolicy of PPO, A2C and DQN is read, so {REMEDY}"
        )
    return KNOWN[kind]


def _check_observations(about: Mapping[str, Any], path: Path) -> None:
    """Observations must be vectors: discrete ones and images are changed before the first layer."""
    space = _entry(about, "observation_space")
    kind, shape = _class_name(space.get(":type:")), str(space.get("_shape"))
    if kind != "Box" or not re.fullmatch(r"[\[(]\d+,?[\])]", shape):
        raise ModelError(
            f"{path} has observations of the space {kind} with shape {shape}, which are not vectors; {REMEDY}"
        )


def _class_name(text: Any) -> str:
    return str(text).rstrip("'>").rpartition(".")[2]


def _check_names(state: State, known: Known, options: Mapping[str, Any], path: Path) -> None:
    """Every tensor must belong to the policy's layers, or be known not to."""
    strange = [name for name in state if not name.startswith((*known.layers, *known.others))]
    if strange or "features_extractor_class" in options:
        what = strange[0] if strange else str(options["features_extractor_class"])
        raise ModelError(f"{path} has a features extractor or other layers ({what}); {REMEDY}")


def _activation(options: Mapping[str, Any], known: Known, path: Path) -> str:
    """The activation that the archive names, or the default of its policy class."""
    if "activation_fn" not in options:
        return known.activation
    named = _class_name(options["activation_fn"])
    found = [key for key, name in ACTIVATIONS.items() if name == named]
    if not found:
        raise ModelError(f"{path} has the activation {named}; only {', '.join(ACTIVATIONS)} are computed")
    return found[0]


def _actions(about: Mapping[str, Any], path: Path) -> str:
    """The kind of actions."""
    kind = _class_name(_entry(about, "action_space").get(":type:"))
    found = {"Discrete": DISCRETE, "Box": CONTINUOUS}.get(kind)
    if found is None:
        raise ModelError(f"{path} has actions of the space {kind}; only Discrete and Box are read")
    return found


def _numbered(state: State, prefix: str, place: str) -> list[Layer]:
    """The layers `prefix` + number of a network, or the one layer without a number."""
    names = {name.removeprefix(prefix).rpartition(".")[0] for name in state if name.startswith(prefix)}
    if not all(name == "" or name.isdigit() for name in names):
        raise ModelError(f"{place} has layers in {prefix!r} that are not numbered; {REMEDY}")
    order = sorted(names, key=lambda name: int(name or 0))
    return [_layer(state, f"{prefix}{name}.".replace("..", "."), place) for name in order]


def _layer(state: State, prefix: str, place: str) -> Layer:
    """One linear layer.

    Raises:
        ModelError: its weights are not a matrix of numbers with offsets that fit.
    """
    weight, bias = state.get(f"{prefix}weight"), state.get(f"{prefix}bias")
    fits = weight is not None and weight.ndim == MATRIX_DIMS and weight.is_floating_point()
    if weight is None or not fits or (bias is not None and bias.shape != weight.shape[:1]):
        raise ModelError(f"{place}: {prefix.rstrip('.')} is not a linear layer; {REMEDY}")
    return Layer(weight.float(), None if bias is None else bias.float())


def _chained(layers: tuple[Layer, ...], place: str) -> tuple[Layer, ...]:
    """The layers, if each takes what the one before gives, and there is one before the outputs."""
    widths = " ".join(f"{layer.weight.shape[1]}->{layer.weight.shape[0]}" for layer in layers)
    if any(
        after.weight.shape[1] != before.weight.shape[0]
        for before, after in zip(layers, layers[1:], strict=False)
    ):
        raise ModelError(
            f"{place} has layers that do not follow each other ({widths}); if the file has several networks, "
            "name the policy's in network, otherwise number its layers in their order"
        )
    if len(layers) < 2:
        raise ModelError(f"{place} has no hidden layer ({widths}); an agent's representation needs one")
    return layers


def _of_weights(state: State, network: str | None, activation: str, place: str) -> Policy:
    """The policy in plain weights: layers in the order of the numbers in their names."""
    prefix = f"{network}." if network else ""
    chosen = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    if not chosen:
        heads = ", ".join(sorted({name.partition(".")[0] for name in state}))
        raise ModelError(f"{place} has no network {network!r}; its names begin with {heads}")
    names = sorted({name.rpartition(".")[0] for name in chosen}, key=_natural)
    layers = tuple(_layer(chosen, f"{name}." if name else "", place) for name in names)
    _check_order(names, layers, place)
    return Policy(_chained(layers, place), activation, "")


def _natural(name: str) -> list[tuple[str, int]]:
    """A key that sorts `layer10` after `layer9`."""
    return [(word, int(number or 0)) for word, number in re.findall(r"(\D*)(\d*)", name)]


def _check_order(names: Iterable[str], layers: Iterable[Layer], place: str) -> None:
    """Refuse layers that could change places: of equal widths, with names that no number orders."""
    square: dict[int, str] = {}
    for name, layer in zip(names, layers, strict=True):
        rows, columns = layer.weight.shape
        if rows == columns:
            word = re.sub(r"\d+", "#", name)
            if square.setdefault(rows, word) != word:
                raise ModelError(
                    f"{place} has layers of {rows} inputs and outputs whose order their names do not tell "
                    f"({name}); save the policy as torch.nn.Sequential, which numbers them"
                )
