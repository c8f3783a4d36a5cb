"""Vectors of images without a trained network: small pixels, colours, and the directions of edges."""

from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from suffice.data.image_files import ImageFiles
from suffice.embed.media_features import FeatureSettings, Floats, MediaFeatures

COLOUR_STEPS = 4  # of each channel
N_DIRECTIONS, CELLS, BLOCK = (
    9,
    4,
    2,
)  # of edges; cells on each side of an image; cells on each side of a block
CLIPPED = 0.2  # largest entry of a block
TINY = 1e-6


class ImagePixelsSettings(FeatureSettings):
    """Settings of kind `image_pixels`."""

    features: Literal["pixels", "colours", "edges"] = Field(
        "pixels",
        description="pixels: red, green and blue of the image at `side` x `side`; colours: share of its "
        "pixels in each of 64 colours; edges: histograms of the directions of edges (HOG)",
    )
    side: int = Field(32, ge=2, le=256, description="width and height that an image is resized to")

    @model_validator(mode="after")
    def _edges_have_cells(self) -> Self:
        if self.features == "edges" and self.side < 2 * CELLS:
            raise ValueError(f"edges need a side of at least {2 * CELLS} pixels")
        return self


class ImagePixels(MediaFeatures[ImagePixelsSettings]):
    """Features of images that need no weights."""

    kind = "image_pixels"
    reads = "image"
    Settings = ImagePixelsSettings
    libraries = ("numpy", "pillow")
    files = ImageFiles

    def features_of(self, item: Any) -> Floats:
        """Features of an image in RGB, shape (n_features,)."""
        from PIL import Image

        small = item.resize((self.settings.side, self.settings.side), Image.Resampling.BILINEAR)
        return FEATURES[self.settings.features](np.asarray(small))


def pixels(image: npt.NDArray[np.uint8]) -> Floats:
    """All values, from 0 to 1."""
    return (image.reshape(-1) / np.float32(255)).astype(np.float32)


def colours(image: npt.NDArray[np.uint8]) -> Floats:
    """Square root of the share of the pixels that have each of 64 colours."""
    steps = image.reshape(-1, 3).astype(np.int64) * COLOUR_STEPS // 256
    codes = steps @ np.array([COLOUR_STEPS**2, COLOUR_STEPS, 1])
    return np.sqrt(np.bincount(codes, minlength=COLOUR_STEPS**3) / len(codes)).astype(np.float32)


def edges(image: npt.NDArray[np.uint8]) -> Floats:
    """Histograms of the directions of edges in 4 x 4 cells, normed in blocks of 2 x 2 cells.

    Source: Dalal and Triggs 2005, doi 10.1109/CVPR.2005.177: 9 directions without sign, weighted by the
    strength of the edge, each block at length 1, clipped at 0.2 and normed again. Votes go to one cell.
    """
    grey = image.astype(np.float64) @ np.array([0.299, 0.587, 0.114]) / 255
    down, across = np.gradient(grey)
    strength, angle = np.hypot(across, down), np.arctan2(down, across) % np.pi
    direction = np.minimum((angle / np.pi * N_DIRECTIONS).astype(np.int64), N_DIRECTIONS - 1)
    cell = np.arange(len(grey)) * CELLS // len(grey)
    codes = (cell[:, None] * CELLS + cell[None, :]) * N_DIRECTIONS + direction
    votes = np.bincount(codes.ravel(), strength.ravel(), minlength=CELLS**2 * N_DIRECTIONS)
    cells = votes.reshape(CELLS, CELLS, N_DIRECTIONS)
    last = CELLS - BLOCK + 1
    blocks = [
        cells[row : row + BLOCK, column : column + BLOCK] for row in range(last) for column in range(last)
    ]
    return np.concatenate([_normed(block.reshape(-1)) for block in blocks]).astype(np.float32)


def _normed(block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A block at length 1, with no entry far above the others."""
    clipped = np.minimum(block / np.sqrt(block @ block + TINY), CLIPPED)
    return clipped / np.sqrt(clipped @ clipped + TINY)


FEATURES: dict[str, Callable[[npt.NDArray[np.uint8]], Floats]] = {
    "pixels": pixels,
    "colours": colours,
    "edges": edges,
}
