"""The same function with different weights: rescaled, or with its units in another order.

A rectifier passes a positive factor. The input of a feed-forward layer can therefore be multiplied by a
factor and its output divided by it. The same holds for values and outputs of attention, which are linear.
Such twins give the same output for every input, but gradients change with the factor, and so does
fine-tuning. A new order of the units changes neither, so it is the negative control.
"""

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from suffice.errors import ModelError
from suffice.kinds.saturation.networks import Transformer


def rescale(network: Transformer, factor: float) -> Transformer:
    """A twin whose feed-forward and value-output pairs are scaled, by `factor` and by its inverse.

    Raises:
        ModelError: the factor is not positive, so a rectifier would not pass it.
    """
    if not factor > 0:
        raise ModelError(f"the factor is {factor}; it must be positive, or the function would change")
    twin = copy.deepcopy(network)
    with torch.no_grad():
        for first, second in inner_pairs(twin):
            first.weight.mul_(factor)
            first.bias.mul_(factor)
            second.weight.div_(factor)
    return twin


def permute(network: Transformer, seed: int) -> Transformer:
    """A twin with the inner units of its feed-forward layers in a random order."""
    twin = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for first, second in feed_forward_pairs(twin):
            order = torch.randperm(first.out_features, generator=generator)
            first.weight.copy_(first.weight[order])
            first.bias.copy_(first.bias[order])
            second.weight.copy_(second.weight[:, order])
    return twin


def feed_forward_pairs(network: Transformer) -> Iterator[tuple[nn.Linear, nn.Linear]]:
    """First and second linear map of each feed-forward layer."""
    for layer in _layers(network):
        first, _, second = layer.feed_forward
        yield first, second


def inner_pairs(network: Transformer) -> Iterator[tuple[nn.Linear, nn.Linear]]:
    """Pairs of linear maps that pass a positive factor."""
    yield from feed_forward_pairs(network)
    for layer in _layers(network):
        yield layer.attention.value, layer.attention.output


def _layers(network: Transformer) -> Iterator[Any]:
    return iter(network.layers)


@torch.no_grad()
def largest_logit_difference(first: nn.Module, second: nn.Module, tokens: torch.Tensor) -> float:
    """Largest absolute difference of the logits of two models on rows of tokens."""
    return float((first(tokens) - second(tokens)).abs().max())
