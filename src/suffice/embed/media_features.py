"""Vectors from features of files that no network computes: all of them, or fewer dimensions."""

from abc import abstractmethod
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from suffice.data.corpus import Corpus, Window
from suffice.data.media_files import MediaFiles
from suffice.embed.bag_of_words import fit_contents
from suffice.embed.base import Encoder, Loader
from suffice.embed.principal_components import fit_principal_components
from suffice.errors import ModelError
from suffice.settings import Settings

Floats = npt.NDArray[np.float32]


class FeatureSettings(Settings):
    """Settings of all kinds of features."""

    n_components: int | None = Field(
        None, ge=1, description="dimensions after reduction; by default all are kept"
    )
    reduction: Literal["pca", "random_projection"] = Field(
        "pca", description="principal components of the data set's items, or a seeded random projection"
    )
    fit_items: int = Field(2000, ge=2, description="random items that the principal components are fitted on")

    @model_validator(mode="after")
    def _reduction_has_a_width(self) -> Self:
        if self.n_components is None and "reduction" in self.model_fields_set:
            raise ValueError("reduction needs n_components; give it, or leave reduction out")
        if "fit_items" in self.model_fields_set and (
            self.n_components is None or self.reduction == "random_projection"
        ):
            raise ValueError("fit_items is for principal components; give n_components, or leave it out")
        return self


F = TypeVar("F", bound=FeatureSettings)


class MediaFeatures(Loader[F], Generic[F]):
    """A floor that a trained encoder should beat; no weights are needed.

    Class attribute: `files`, how the items are opened.
    """

    files: ClassVar[type[MediaFiles[Any]]]

    @abstractmethod
    def features_of(self, item: Any) -> Floats:
        """Features of an item, shape (n_features,)."""

    @property
    def is_random(self) -> bool:
        """Whether there is a reduction, whose sample or matrix is random."""
        return self.settings.n_components is not None

    def open(self, corpus: Corpus) -> Encoder:
        """Fit the reduction, if there is one.

        Raises:
            ModelError: the items vary in fewer directions than there are to be components.
            DataError: the corpus has other items, or one cannot be read.
        """
        settings, encoder = self.settings, FeatureEncoder(self, self.files.of(corpus))
        width = encoder.features(next(iter(corpus.windows(1))).contents).shape[1]
        encoder.embed_dim = width
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
                f"directions of {len(chosen)} {self.files.items} with {width} features; lower it"
            )
        encoder.reduce_by(*fit_principal_components(encoder.features(chosen), settings.n_components))
        return encoder


class FeatureEncoder(Encoder):
    """Features of items, perhaps minus means, times a matrix of shape (n_features, embed_dim)."""

    def __init__(self, loader: MediaFeatures[Any], files: MediaFiles[Any]) -> None:
        self.loader, self.files = loader, files
        self.reduction: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None = None

    def reduce_by(self, means: npt.NDArray[Any], matrix: npt.NDArray[Any]) -> None:
        """Subtract means, shape (n_features,), and multiply by a matrix from now on."""
        self.reduction = means, matrix
        self.embed_dim, self.n_parameters = matrix.shape[1], matrix.size

    def features(self, contents: list[str]) -> Floats:
        """Features of items, shape (len(contents), n_features)."""
        return np.stack(list(self.files.each(contents, self.loader.features_of)))

    def encode(self, window: Window) -> np.ndarray:
        """Vectors of one window, float32, shape (len(window), embed_dim)."""
        features = self.features(window.contents)
        if self.reduction is None:
            return features
        means, matrix = self.reduction
        return np.asarray((features - means) @ matrix, dtype=np.float32)
