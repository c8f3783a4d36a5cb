"""Inner layers of a network in an ONNX file."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from suffice.embed.inner_layers import cut_after, fit_to_images, n_weights, read_graph

Floats = npt.NDArray[np.floating]


class InnerLayers:
    """A network that gives some of its inner tensors instead of its outputs.

    Args:
        path: the file.
        layers: names of the tensors.
        side: pixels of the input, where the file fixes another number.

    Attributes:
        n_parameters: number of weights and constants that these tensors need.
    """

    def __init__(self, path: Path, layers: tuple[str, ...], side: int | None = None) -> None:
        model = read_graph(path)
        if side is not None:
            fit_to_images(model, side)
        model = cut_after(model, layers, str(path))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self.layers = list(layers)
        self.n_parameters = n_weights(model)

    def __call__(self, *inputs: npt.NDArray[np.generic]) -> list[Floats]:
        """The tensors, for inputs in the order of the file."""
        names = [each.name for each in self.session.get_inputs()]
        return list(self.session.run(self.layers, dict(zip(names, inputs, strict=True))))
