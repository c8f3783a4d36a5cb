"""Language models on disk: weights and the settings to rebuild them, in one safetensors file."""

import dataclasses
import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from suffice.errors import ModelError
from suffice.kinds.saturation.networks import ARCHITECTURES, LanguageModel, NetworkSize, build_network
from suffice.storage.files import whole_file

ARCHITECTURE, SIZE = "architecture", "size"


def save_network(network: LanguageModel, path: Path | str) -> None:
    """Write a network completely or not at all."""
    names = {kind: name for name, kind in ARCHITECTURES.items()}
    facts = {ARCHITECTURE: names[type(network)], SIZE: json.dumps(dataclasses.asdict(network.size))}
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    with whole_file(path) as temporary:
        save_file(weights, temporary, metadata=facts)


def load_network(path: Path | str) -> LanguageModel:
    """Read a network that `save_network` wrote, in evaluation mode.

    Raises:
        ModelError: the file is missing or has no such network.
    """
    try:
        with safe_open(path, framework="pt") as stream:
            facts = stream.metadata() or {}
            weights = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (no mapping)
        network = build_network(facts[ARCHITECTURE], NetworkSize(**json.loads(facts[SIZE])), seed=0)
        network.load_state_dict(weights)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{path} has no language model of this study ({error}); run its stage again"
        ) from error
    return network.eval()
