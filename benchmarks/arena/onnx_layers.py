"""Inner layers of a network in an ONNX file."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

Floats = npt.NDArray[np.floating]


class InnerLayers:
    """A network that gives some of its inner tensors instead of its outputs.

    Args:
        path: the file.
        layers: names of the tensors.
        side: pixels of the input, where the file fixes another number; inputs have channels last then.

    Attributes:
        n_parameters: number of weights and constants in the file.
    """

    def __init__(self, path: Path, layers: tuple[str, ...], side: int | None = None) -> None:
        model = cut_after(onnx.load(str(path)), layers)
        if side is not None:
            for dimension in model.graph.input[0].type.tensor_type.shape.dim[1:3]:
                dimension.dim_value = side
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self.layers = list(layers)
        constants = [
            value.t for node in model.graph.node if node.op_type == "Constant" for value in node.attribute
        ]
        held = [*model.graph.initializer, *constants]
        self.n_parameters = sum(int(np.prod(each.dims)) for each in held if each.dims)

    def __call__(self, *inputs: npt.NDArray[np.generic]) -> list[Floats]:
        """The tensors, for inputs in the order of the file."""
        names = [each.name for each in self.session.get_inputs()]
        return list(self.session.run(self.layers, dict(zip(names, inputs, strict=True))))


def cut_after(model: onnx.ModelProto, layers: tuple[str, ...]) -> onnx.ModelProto:
    """The model with these tensors as outputs, and without the nodes that they do not need."""
    needed, kept = set(layers), []
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    del model.graph.node[:], model.graph.output[:], model.graph.value_info[:]
    model.graph.node.extend(reversed(kept))
    model.graph.output.extend(onnx.ValueInfoProto(name=layer) for layer in layers)
    return model
