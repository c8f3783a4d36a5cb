"""Vectors of images without a trained network: small pixels, colours, and the directions of edges."""

from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from suffice.data.corpus import Corpus, Window
from suffice.data.image_files import ImageFiles
from suffice.embed.bag_of_words import fit_contents
from suffice.embed.base import Encoder, Loader
from suffice.embed.principal_components import fit_principal_components
from suffice.errors import ModelError
from suffice.settings import Settings

Floats = npt.NDArray[np.float32]

COLOUR_STEPS = 4  # of each channel
N_DIRECTIONS, CELLS, BLOCK = (
    9,
    4,
    2,
)  # of edges; cells on each side of an image; cells on each side of a block
CLIPPED = 0.2  # largest entry of a block
TINY = 1e-6


class ImagePixelsSettings(Settings):
    """Settings of kind `image_pixels`."""

    features: Literal["pixels", "colours", "edges"] = Field(
        "pixels",
        description="pixels: red, green and blue of the image at `side` x `side`; colours: share of its "
        "pixels in each of 64 colours; edges: histograms of the directions of edges (HOG)",
    )
    side: int = Field(32, ge=2, le=256, description="width and height that an image is resized to")
    n_components: int | None = Field(
        None, ge=1, description="dimensions after reduction; by default all are kept"
    )
    reduction: Literal["pca", "random_projection"] = Field(
        "pca", description="principal components of the data set's images, or a seeded random projection"
    )
    fit_items: int = Field(
        2000, ge=2, description="random images that the principal components are fitted on"
    )

    @model_validator(mode="after")
    def _settings_go_together(self) -> Self:
        if self.n_components is None and "reduction" in self.model_fields_set:
            raise ValueError("reduction needs n_components; give it, or leave reduction out")
        if "fit_items" in self.model_fields_set and (
            self.n_components is None or self.reduction == "random_projection"
        ):
            raise ValueError("fit_items is for principal components; give n_components, or leave it out")
        if self.features == "edges" and self.side < 2 * CELLS:
            raise ValueError(f"edges need a side of at least {2 * CELLS} pixels")
        return self


class ImagePixels(Loader[ImagePixelsSettings]):
    """A floor that a trained encoder of images should beat; no weights are needed."""

    kind = "image_pixels"
    reads = "image"
    Settings = ImagePixelsSettings
    libraries = ("numpy", "pillow")

    @property
    def is_random(self) -> bool:
        """Whether there is a reduction, whose sample or matrix is random."""
        return self.settings.n_components is not None

    def open(self, corpus: Corpus) -> Encoder:
        """Fit the reduction, if there is one.

        Raises:
            ModelError: the images vary in fewer directions than there are to be components.
            DataError: the corpus has no images, or one cannot be read.
        """
        settings, files = self.settings, ImageFiles.of(corpus)
        probe = files.image(next(iter(corpus.windows(1))).contents[0])
        width = len(features_of(probe, settings))
        encoder = ImagePixelsEncoder(files, settings, np.zeros(width))
        if settings.n_components is None:
            return encoder
        if settings.reduction == "random_projection":
            generator = np.random.default_rng(self.seed)
            directions = generator.standard_normal((width, settings.n_components))
            encoder.reduce_by(np.zeros(width), directions / np.sqrt(settings.n_components))
            return encoder
        chosen = fit_contents(corpus, settings.fit_items, self.seed)
        if settings.n_components > min(width, len(chosen) - 1):
            raise ModelError(
                f"n_components {settings.n_components} is more than the {min(width, len(chosen) - 1)} "
                f"directions of {len(chosen)} images with {width} features; lower it"
            )
        encoder.reduce_by(*fit_principal_components(encoder.features(chosen), settings.n_components))
        return encoder


class ImagePixelsEncoder(Encoder):
    """Features of images, perhaps minus means, times a matrix of shape (n_features, embed_dim)."""

    def __init__(self, files: ImageFiles, settings: ImagePixelsSettings, means: npt.NDArray[Any]) -> None:
        self.files, self.settings, self.means = files, settings, means
        self.matrix: npt.NDArray[Any] | None = None
        self.embed_dim = len(means)

    def reduce_by(self, means: npt.NDArray[Any], matrix: npt.NDArray[Any]) -> None:
        """Subtract means, shape (n_features,), and multiply by a matrix from now on."""
        self.means, self.matrix = means, matrix
        self.embed_dim, self.n_parameters = matrix.shape[1], matrix.size

    def features(self, contents: list[str]) -> Floats:
        """Features of images, shape (len(contents), n_features)."""
        return np.stack(list(self.files.each(contents, lambda image: features_of(image, self.settings))))

    def encode(self, window: Window) -> np.ndarray:
        """Vectors of one window, float32, shape (len(window), embed_dim)."""
        features = self.features(window.contents)
        if self.matrix is None:
            return features
        return np.asarray((features - self.means) @ self.matrix, dtype=np.float32)


def features_of(image: Any, settings: ImagePixelsSettings) -> Floats:
    """Features of an image in RGB, shape (n_features,)."""
    from PIL import Image

    small = image.resize((settings.side, settings.side), Image.Resampling.BILINEAR)
    return FEATURES[settings.features](np.asarray(small))


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
