"""Vectors of images from any encoder that the transformers library can load, with its own preprocessing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suffice.data.image_files import ImageFiles
from suffice.data.media_files import MediaFiles
from suffice.embed.media_model import (
    MAP_DIMS,
    MediaModel,
    MediaModelEncoder,
    MediaModelSettings,
    pooler_output,
    states_of,
)
from suffice.embed.own_items import probe_images
from suffice.embed.self_check import Probes


class ImageModelSettings(MediaModelSettings):
    """Settings of kind `image_model`."""


class ImageModel(MediaModel[ImageModelSettings]):
    """ViT, DINO, the vision towers of CLIP and SigLIP, ResNet, ConvNeXt and the like."""

    kind = "image_model"
    reads = "image"
    Settings = ImageModelSettings
    libraries = ("torch", "transformers", "pillow")
    files = ImageFiles
    tower = "vision_model"

    def load_processor(self, folder: Path) -> Any:
        """The checkpoint's image processor, always with Pillow."""
        from transformers import AutoImageProcessor

        return AutoImageProcessor.from_pretrained(
            folder, backend="pil", local_files_only=True, trust_remote_code=False
        )

    def encoder(self, files: MediaFiles[Any], processor: Any, model: Any) -> MediaModelEncoder:
        """The encoder of images."""
        return ImageModelEncoder(files, processor, model, self.settings)


class ImageModelEncoder(MediaModelEncoder):
    """Images through a processor and a model, in batches of one size of images."""

    def prepared(self, item: Any) -> Any:
        """An image as input of the model, shape (n_channels, height, width)."""
        return self.processor(images=[item], return_tensors="pt")["pixel_values"][0]

    def pooled_of(self, prepared: Sequence[Any]) -> Any:
        """Vectors of images of one shape."""
        import torch

        settings = self.settings
        output = self.model(
            pixel_values=self.given(torch.stack(list(prepared))), output_hidden_states=True, return_dict=True
        )
        if settings.pooling == "pooler":
            return pooler_output(output, settings.checkpoint)
        states = states_of(output, settings.layer, settings.checkpoint)
        if states.ndim == MAP_DIMS:
            return states.mean(dim=(2, 3))
        return states[:, 0] if settings.pooling == "cls" else states.mean(dim=1)

    def probes(self) -> Probes[Any]:
        """Noise, one colour and other noise, of one size."""
        return probe_images().each(self._prepared)
