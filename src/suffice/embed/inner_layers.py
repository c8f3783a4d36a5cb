"""Inner layers of ONNX graphs: the part of a graph that computes one of its tensors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from suffice.embed.onnx_graph import unreadable
from suffice.errors import ModelError
from suffice.settings import did_you_mean

COLOURS = 3
MAX_NAMED = 10  # tensors in an error


def read_graph(graph: Path) -> Any:
    """A graph as the onnx library holds it.

    Raises:
        ModelError: it cannot be read.
    """
    import onnx

    try:
        return onnx.load(str(graph))
    except Exception as error:  # noqa: BLE001 (the library's errors have no common base)
        raise unreadable(graph, error) from None


def fit_to_images(model: Any, side: int) -> None:
    """Let a graph take batches of any number of images, with another width and height than it fixes."""
    (images,) = inputs_of(model)
    dimensions = images.type.tensor_type.shape.dim
    for place, dimension in enumerate(dimensions):
        if place == 0:
            dimension.dim_param = "batch"
        elif dimension.dim_value != COLOURS:
            dimension.dim_value = side


def cut_after(model: Any, tensors: Sequence[str], name: str) -> Any:
    """The part of a graph that computes some of its tensors, which are its outputs then.

    Args:
        model: as the onnx library holds it.
        tensors: names of outputs or inner tensors.
        name: of the model in errors.

    Raises:
        ModelError: it has no such tensor.
    """
    import onnx
    from onnx.utils import Extractor

    made = [tensor for node in model.graph.node for tensor in node.output]
    missing = next((tensor for tensor in tensors if tensor not in made), None)
    if missing is not None:
        raise ModelError(f"{name} has no tensor {missing!r}{did_you_mean(missing, made[-MAX_NAMED:])}")
    del model.graph.value_info[:]  # shapes for images of the size that the file fixed
    model.graph.value_info.extend(onnx.ValueInfoProto(name=tensor) for tensor in tensors)
    return Extractor(model).extract_model([each.name for each in inputs_of(model)], list(tensors))


def inputs_of(model: Any) -> list[Any]:
    """The inputs of a graph, without weights that old exporters list among them."""
    weights = {each.name for each in model.graph.initializer}
    return [each for each in model.graph.input if each.name not in weights]


def n_weights(model: Any) -> int:
    """The number of weights and constants of a graph."""
    constants = [
        value.t for node in model.graph.node if node.op_type == "Constant" for value in node.attribute
    ]
    held = [*model.graph.initializer, *constants]
    return sum(int(np.prod(each.dims)) for each in held if each.dims)
