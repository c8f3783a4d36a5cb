"""Vectors of images from an ONNX graph: any of its tensors, pooled over places."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from suffice.data.corpus import Corpus, Window
from suffice.data.image_files import ImageFiles
from suffice.embed.base import Encoder
from suffice.embed.batches import BatchRunner
from suffice.embed.inner_layers import COLOURS, cut_after, fit_to_images, inputs_of, n_weights, read_graph
from suffice.embed.onnx_graph import GraphLoader, GraphSettings, load_session
from suffice.embed.own_items import probe_images
from suffice.embed.self_check import checked_batches
from suffice.errors import ModelError, first_line
from suffice.vectors import unit_rows

Floats = npt.NDArray[np.float32]
MAP_DIMS, TOKEN_DIMS, VECTOR_DIMS = 4, 3, 2  # of a tensor with a batch of maps, of tokens, of vectors
NUMBERS = "a number from 0 to 255, or three separated by commas"


class OnnxImageSettings(GraphSettings):
    """Settings of kind `onnx_image`."""

    side: int = Field(ge=8, le=2048, description="Width and height that an image is resized to")
    mean: str = Field(
        "0",
        description="Subtracted from pixels of 0 to 255: one number, or three separated by commas in the "
        "order of `channels`",
    )
    std: str = Field("255", description="Pixels are then divided by this, written in the same way")
    channels: Literal["rgb", "bgr"] = Field("rgb", description="Order of the colours in the input")
    output: str | None = Field(
        None,
        description="Name of the tensor with the vectors, an output or an inner one; by default the only "
        "output",
    )
    pooling: Literal["mean", "cls"] = Field(
        "mean",
        description="Mean over all places of a map (height and width last) or over all tokens; or the first "
        "token (cls). Not used if there is one vector per image",
    )
    normalize: bool = Field(False, description="Divide each vector by its Euclidean norm")
    batch_size: int = Field(
        32,
        ge=1,
        description="Images in a batch; changes no vector, which is checked when the model is opened",
    )

    @field_validator("mean", "std")
    @classmethod
    def _are_numbers(cls, text: str) -> str:
        try:
            values = numbers_in(text)
        except ValueError:
            raise ValueError(f"write {NUMBERS}") from None
        if len(values) not in (1, COLOURS) or not np.isfinite(values).all():
            raise ValueError(f"write {NUMBERS}")
        return text

    @field_validator("std")
    @classmethod
    def _is_positive(cls, text: str) -> str:
        if min(numbers_in(text)) <= 0:
            raise ValueError("write numbers above 0")
        return text


def numbers_in(text: str) -> Floats:
    """The numbers of a setting."""
    return np.array([float(part) for part in text.split(",")], dtype=np.float32)


class OnnxImage(GraphLoader[OnnxImageSettings]):
    """An ONNX encoder of images that gets pixels, such as a network exported from torch, Keras or Paddle."""

    kind = "onnx_image"
    reads = "image"
    Settings = OnnxImageSettings
    libraries = ("onnx", "onnxruntime", "pillow")
    markers = ("model.onnx", "onnx/model.onnx")
    packages = ("onnx", "onnxruntime")

    def needed(self, names: Iterable[str]) -> list[str]:
        """The graph with the weights beside it."""
        return self.graph_among(sorted(names))

    def open(self, corpus: Corpus) -> Encoder:
        """Load the graph up to the tensor with the vectors.

        Raises:
            ModelError: it cannot be loaded, has no such tensor, or does not encode images.
            DataError: the corpus has other items.
        """
        self.check()
        graph = next(iter(self.files().values()))
        return OnnxImageEncoder(ImageFiles.of(corpus), graph, self.provider(), self.settings)


def part_for_images(graph: Path, settings: OnnxImageSettings) -> Any:
    """The part of a graph that computes the vectors, for images of the size in the settings.

    Raises:
        ModelError: its input is not images in three colours, or it has no such tensor, or several outputs.
    """
    model = read_graph(graph)
    shapes = [
        [each.dim_value or each.dim_param for each in given.type.tensor_type.shape.dim]
        for given in inputs_of(model)
    ]
    if len(shapes) != 1 or len(shapes[0]) != MAP_DIMS or COLOURS not in (shapes[0][1], shapes[0][3]):
        raise ModelError(
            f"{graph} has inputs of the shapes {shapes}, not one for images in three colours; use another "
            "loader, or a function of your own (loader callable)"
        )
    outputs = [each.name for each in model.graph.output]
    if settings.output is None and len(outputs) > 1:
        raise ModelError(
            f"{graph} has the outputs {', '.join(outputs)}; name one of them in the setting output"
        )
    fit_to_images(model, settings.side)
    return cut_after(model, [settings.output or outputs[0]], str(graph))


class OnnxImageEncoder(Encoder):
    """Images through a graph, checked to give an image one vector."""

    def __init__(self, files: ImageFiles, graph: Path, provider: str, settings: OnnxImageSettings) -> None:
        self.files, self.settings = files, settings
        model = part_for_images(graph, settings)
        self.session = load_session(model.SerializeToString(), provider, str(graph))
        self.n_parameters = n_weights(model)
        self.last = self.session.get_inputs()[0].shape[1] != COLOURS  # of the axes of the input
        self.batches = BatchRunner(settings.batch_size, settings.checkpoint)
        probes = probe_images().each(self.prepared)
        self.embed_dim = self.encode_together([probes.short]).shape[1]
        self.said = checked_batches(self, probes, "float32", settings.checkpoint, "images")

    def warnings(self) -> list[str]:
        """Warnings from the check at opening, and about smaller batches."""
        return [*self.said, *self.batches.warnings()]

    def prepared(self, image: Any) -> Floats:
        """An image in RGB as input of the graph, shape (3, side, side) or (side, side, 3)."""
        from PIL import Image

        settings = self.settings
        small = image.resize((settings.side, settings.side), Image.Resampling.BILINEAR)
        pixels = np.asarray(small, dtype=np.float32)
        pixels = pixels[..., ::-1] if settings.channels == "bgr" else pixels
        scaled = (pixels - numbers_in(settings.mean)) / numbers_in(settings.std)
        return np.ascontiguousarray(scaled if self.last else scaled.transpose(2, 0, 1))

    def encode(self, window: Window) -> np.ndarray:
        """Pooled vectors, float32, shape (len(window), embed_dim)."""
        prepared = list(self.files.each(window.contents, self.prepared))
        return self.batches.run(
            lambda batch: self.encode_together([prepared[i] for i in batch]), [1] * len(prepared)
        )

    def encode_together(self, items: Sequence[Floats]) -> np.ndarray:
        """Vectors of prepared images in one batch."""
        name = self.session.get_inputs()[0].name
        try:
            (found,) = self.session.run(None, {name: np.stack(items)})
        except Exception as error:  # noqa: BLE001 (the library's errors have no common base)
            raise ModelError(
                f"the graph of {self.settings.checkpoint!r} cannot encode images ({first_line(error)}); "
                "correct side, or the name of the tensor in output"
            ) from None
        vectors = self._pooled(np.asarray(found, dtype=np.float32))
        return unit_rows(vectors) if self.settings.normalize else vectors

    def _pooled(self, found: Floats) -> np.ndarray:
        """From the tensor to one vector per image."""
        if found.ndim == MAP_DIMS:
            return np.asarray(found.mean(axis=(2, 3)))
        if found.ndim == TOKEN_DIMS:
            return np.asarray(found[:, 0] if self.settings.pooling == "cls" else found.mean(axis=1))
        if found.ndim != VECTOR_DIMS:
            raise ModelError(
                f"the tensor {self.settings.output!r} of {self.settings.checkpoint!r} has shape "
                f"{found.shape}, which is not vectors, tokens or maps; set output to another one"
            )
        return found
