"""Vectors of images from any encoder that the transformers library can load, with its own preprocessing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from suffice.data.corpus import Corpus, Window
from suffice.data.image_files import ImageFiles
from suffice.embed.base import Encoder
from suffice.embed.batches import BatchRunner
from suffice.embed.checkpoint import WeightsLoader, WeightsSettings
from suffice.embed.checkpoint_places import is_local
from suffice.embed.loading import load_errors, quiet, refuse_missing_weights, torch_device
from suffice.embed.self_check import TOLERANCES, apart
from suffice.errors import ModelError, SufficeError, first_line, is_out_of_memory
from suffice.storage.fetch import without_network

PROCESSOR = "preprocessor_config.json"
BATCHES_AT_ONCE = 4  # batches whose images are in memory together
CLASS_TOKENS = ("cls_token", "class_embedding")  # names of its weights in the library's models
MAP_DIMS = 4  # of a feature map: items, channels, height, width
Pooling = Literal["mean", "cls", "pooler"]


class ImageModelSettings(WeightsSettings):
    """Settings of kind `image_model`."""

    layer: int = Field(
        -1,
        description="Index of the hidden state: 0 comes before the first layer, and -1 is the model's "
        "`last_hidden_state`",
    )
    pooling: Pooling = Field(
        "mean",
        description="Mean over all tokens, or over all positions of a feature map; first token (cls); or the "
        "model's own pooler",
    )
    random_init: bool = Field(
        False, description="Seeded random weights in the same architecture, as a control"
    )

    @model_validator(mode="after")
    def _settings_go_together(self) -> Self:
        if self.pooling == "pooler" and self.layer != -1:
            raise ValueError(
                "the pooler reads the last layer; leave layer out, or set pooling to mean or cls"
            )
        if self.random_init and self.sha256 is not None:
            raise ValueError("sha256 names the trained weights, which random_init does not use; remove one")
        return self


class ImageModel(WeightsLoader[ImageModelSettings]):
    """ViT, DINO, the vision towers of CLIP and SigLIP, ResNet, ConvNeXt and the like.

    Images are prepared by the checkpoint's own image processor. Weights are read from safetensors only, and
    no code that comes with a checkpoint runs.
    """

    kind = "image_model"
    reads = "image"
    Settings = ImageModelSettings
    libraries = ("torch", "transformers", "pillow")

    @property
    def reads_weights(self) -> bool:
        """Random weights need only the architecture."""
        return not self.settings.random_init

    def check(self) -> None:
        """Also check that the checkpoint says how images are prepared, and has safetensors."""
        super().check()
        self._check_files()

    def _check_files(self) -> None:
        checkpoint = self.settings.checkpoint
        if self.file(PROCESSOR) is None:
            raise ModelError(
                f"checkpoint {checkpoint!r} has no {PROCESSOR}, which says how images are prepared; copy the "
                "file of its image processor there"
            )
        if self.reads_weights and not self.uses_safetensors():
            raise ModelError(
                f"checkpoint {checkpoint!r} has no weights as safetensors, and pickled ones are not read for "
                "images; save it with `save_pretrained`"
            )

    @property
    def is_random(self) -> bool:
        """Whether the weights are untrained."""
        return not self.reads_weights

    def identity(self) -> dict[str, Any]:
        """As for any checkpoint, but of random weights the configuration alone."""
        if self.is_random and is_local(self.location):
            return {"files_sha256": {"checkpoint": self.opened.configuration_sha256()}}
        return super().identity()

    def open(self, corpus: Corpus) -> Encoder:
        """Load the image processor and the encoder of images.

        Raises:
            ModelError: the checkpoint cannot be loaded, has no such layer, or fails the check of its vectors.
            DataError: the corpus has no images.
        """
        settings, device = self.settings, torch_device(self.device)
        folder = self.checked_folder()
        self._check_files()
        with quiet(), without_network(), load_errors(settings.checkpoint):
            processor, model = _load_processor(folder), self._load_model(folder)
        model.eval().requires_grad_(False).to(device)
        encoder = ImageModelEncoder(ImageFiles.of(corpus), processor, model, settings)
        with quiet():
            encoder.check_itself()
        return encoder

    def _load_model(self, folder: Path) -> Any:
        import torch
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with torch.random.fork_rng(devices=[]):  # loading draws random numbers for weights it then discards
            torch.default_generator.manual_seed(self.seed)
            return self._trained(folder, config) if self.reads_weights else self._fresh(config)

    def _fresh(self, config: Any) -> Any:
        import torch
        from transformers import AutoModel

        model = AutoModel.from_config(config, trust_remote_code=False, dtype=torch.float32)
        return tower_of(model).to(getattr(torch, self.settings.dtype))

    def _trained(self, folder: Path, config: Any) -> Any:
        import torch
        from transformers import AutoModel

        model, report = AutoModel.from_pretrained(
            folder,
            config=config,
            dtype=getattr(torch, self.settings.dtype),
            output_loading_info=True,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
        tower, missing = tower_of(model), list(report["missing_keys"])
        refuse_missing_weights(missing, self.settings.checkpoint)
        if self.settings.pooling == "pooler" and any("pooler" in name for name in missing):
            raise ModelError(
                f"checkpoint {self.settings.checkpoint!r} has no weights for its pooler, which would be "
                "random; set pooling to mean or cls"
            )
        return tower


def tower_of(model: Any) -> Any:
    """The encoder of images in a model that also reads texts, such as CLIP; any other model as it is."""
    return getattr(model, "vision_model", model)


def has_class_token(model: Any) -> bool:
    """Whether the first token of a model is one for the whole image, and not its first patch."""
    return any(name.rpartition(".")[2] in CLASS_TOKENS for name, _ in model.named_parameters())


def _load_processor(folder: Path) -> Any:
    """The checkpoint's image processor, always with Pillow."""
    from transformers import AutoImageProcessor

    return AutoImageProcessor.from_pretrained(
        folder, backend="pil", local_files_only=True, trust_remote_code=False
    )


class ImageModelEncoder(Encoder):
    """Images through a processor and a model, in batches of one size of images."""

    def __init__(self, files: ImageFiles, processor: Any, model: Any, settings: ImageModelSettings) -> None:
        self.files, self.processor, self.model, self.settings = files, processor, model, settings
        self.n_parameters = sum(weights.numel() for weights in model.parameters())
        self.batches = BatchRunner(settings.batch_size, settings.checkpoint)
        self.batches.one_length = True
        self.said: list[str] = []

    def warnings(self) -> list[str]:
        """Warnings from the check at opening, and about smaller batches."""
        return [*self.said, *self.batches.warnings()]

    def check_itself(self) -> None:
        """Check that an image has one vector, alone and beside another; otherwise batches have one image.

        Raises:
            ModelError: the vector of an image changes after others were encoded, or it cannot be encoded.
        """
        if self.settings.pooling == "cls" and not has_class_token(self.model):
            raise ModelError(
                f"checkpoint {self.settings.checkpoint!r} has no class token; set pooling to mean or pooler"
            )
        first, second = (self._prepared(image) for image in probe_images())
        limit, name = TOLERANCES[self.settings.dtype], self.settings.checkpoint
        alone = np.concatenate([self._encode_batch([each]) for each in (first, second)])
        self.embed_dim = alone.shape[1]
        if first.shape == second.shape and apart(self._encode_batch([first, second]), alone) > limit:
            self.batches.batch_size = self.batches.asked = 1
            self.said.append(
                "the model's vectors depend on the other images in a batch, so each image is encoded alone"
            )
        if apart(np.concatenate([self._encode_batch([each]) for each in (first, second)]), alone) > limit:
            raise ModelError(
                f"{name} returns a different vector for an image after other images were encoded, so it is "
                "random or keeps a state; its vectors cannot be compared, so leave the model out"
            )

    def encode(self, window: Window) -> np.ndarray:
        """Pooled vectors, float32, shape (len(window), embed_dim)."""
        step = BATCHES_AT_ONCE * self.settings.batch_size
        contents = window.contents
        return np.concatenate(
            [self._encode(contents[start : start + step]) for start in range(0, len(contents), step)]
        )

    def _encode(self, contents: Sequence[str]) -> np.ndarray:
        """Vectors of the images that are in memory together."""
        prepared = list(self.files.each(contents, self._prepared))
        shapes = sorted({each.shape for each in prepared}, key=lambda shape: (np.prod(shape), shape))
        lengths = [shapes.index(each.shape) for each in prepared]
        return self.batches.run(lambda batch: self._encode_batch([prepared[i] for i in batch]), lengths)

    def _prepared(self, image: Any) -> Any:
        """An image as input of the model, shape (n_channels, height, width)."""
        with encoding_errors(self.settings.checkpoint):
            return self.processor(images=[image], return_tensors="pt")["pixel_values"][0]

    def _encode_batch(self, images: Sequence[Any]) -> np.ndarray:
        """Vectors of images of one shape."""
        import torch

        parameter = next(self.model.parameters())
        given = torch.stack(list(images)).to(parameter.device, parameter.dtype)
        with torch.inference_mode(), encoding_errors(self.settings.checkpoint):
            output = self.model(pixel_values=given, output_hidden_states=True, return_dict=True)
            vectors = pooled(output, self.settings).float()
            if self.settings.normalize:
                vectors = torch.nn.functional.normalize(vectors, dim=1)
        return np.asarray(vectors.cpu().numpy(), dtype=np.float32)


def pooled(output: Any, settings: ImageModelSettings) -> Any:
    """One vector per image from a model's output, a tensor (n_images, embed_dim).

    Raises:
        ModelError: the output has no such layer, or cannot be pooled in this way.
    """
    name = settings.checkpoint
    if settings.pooling == "pooler":
        found = getattr(output, "pooler_output", None)
        if found is None:
            raise ModelError(f"checkpoint {name!r} has no pooler; set pooling to mean or cls")
        return found.flatten(1)
    states = _states(output, settings.layer, name)
    if states.ndim == MAP_DIMS:
        return states.mean(dim=(2, 3))
    return states[:, 0] if settings.pooling == "cls" else states.mean(dim=1)


def _states(output: Any, layer: int, name: str) -> Any:
    """The hidden states of a layer: (n_images, n_tokens, width), or (n_images, n_channels, height, width)."""
    if layer == -1:
        return output.last_hidden_state
    listed = getattr(output, "hidden_states", None) or ()
    if not -len(listed) <= layer < len(listed):
        raise ModelError(f"layer {layer} does not exist; {name!r} has hidden states 0 to {len(listed) - 1}")
    return listed[layer]


@contextmanager
def encoding_errors(checkpoint: str) -> Iterator[None]:
    """Turn a library's error while encoding into a ModelError with checkpoint and remedy."""
    try:
        yield
    except Exception as error:
        if isinstance(error, SufficeError) or is_out_of_memory(error):
            raise
        raise ModelError(
            f"checkpoint {checkpoint!r} was loaded but cannot encode images ({type(error).__name__}: "
            f"{first_line(error)}); compute the vectors yourself and use loader precomputed"
        ) from error


def probe_images() -> list[Any]:
    """Two different images, of noise and of one colour, in RGB."""
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, size=(64, 64, 3), dtype=np.uint8)
    return [Image.fromarray(noise), Image.new("RGB", (64, 64), (200, 40, 90))]
