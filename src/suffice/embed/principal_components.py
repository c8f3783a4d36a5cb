"""A smaller version of another model's vectors: principal components, or the first dimensions."""

from abc import abstractmethod
from collections.abc import Sequence
from copy import copy
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field

from suffice.data.corpus import Corpus, Window
from suffice.embed.base import ANYTHING, Encoder, Loader
from suffice.errors import ModelError
from suffice.health import column_means, scatter_matrix
from suffice.settings import Settings
from suffice.storage.files import open_array, sha256_of_file
from suffice.vectors import unit_rows

RANK_TOLERANCE = 1e-12  # share of the largest variance; smaller components are float32 rounding noise


class PrincipalComponentsSettings(Settings):
    """Settings of kind `principal_components`."""

    path: str = Field(description="Vectors of another model on the same data set (.npy)")
    n_components: int = Field(ge=1, description="Dimensions of the new vectors")
    method: Literal["pca", "first"] = Field(
        "pca", description="Centred principal components, or the first dimensions (Matryoshka models)"
    )
    normalize: bool = Field(False, description="Divide each new vector by its Euclidean norm")


class PrincipalComponents(Loader[PrincipalComponentsSettings]):
    """Linear reductions of an embedding, fitted on all items of the same data set."""

    kind = "principal_components"
    reads = ANYTHING
    new_items = "follows"
    Settings = PrincipalComponentsSettings
    libraries = ("numpy",)

    def identity(self) -> dict[str, Any]:
        """Hash of the other model's vectors."""
        return {"files_sha256": {"path": sha256_of_file(self.settings.path)}}

    def open(self, corpus: Corpus) -> "ReducedEncoder":
        """Open the other model's vectors and fit the projection."""
        settings = self.settings
        vectors = open_array(settings.path)
        if vectors.ndim != 2 or len(vectors) != corpus.n_items:
            raise ModelError(
                f"{settings.path} has shape {vectors.shape}, but the data set has {corpus.n_items} items; "
                "give the embedding of the same data set"
            )
        n_possible = (
            vectors.shape[1] if settings.method == "first" else min(vectors.shape[1], len(vectors) - 1)
        )
        if settings.n_components > n_possible:
            raise ModelError(
                f"n_components {settings.n_components} is more than the {n_possible} components of vectors "
                f"of shape {vectors.shape}; lower it"
            )
        if settings.method == "first":
            return FirstDimensionsEncoder(vectors, settings)
        return PrincipalComponentsEncoder(vectors, settings)


def fit_principal_components(vectors: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and leading eigenvectors of the covariance, fitted by blocks with memory embed_dim squared.

    The sign of each component is fixed: its largest entry is positive.

    Args:
        vectors: shape (n_items, embed_dim); may be a memory map.
        n_components: number of components.

    Returns:
        Means of shape (embed_dim,) and components of shape (embed_dim, n_components), by decreasing variance.

    Raises:
        ModelError: the vectors vary in fewer directions, or are not finite.
    """
    means = column_means(vectors)
    scatter = scatter_matrix(vectors, means)
    if not np.isfinite(scatter).all():
        raise ModelError("the vectors to reduce have NaN or infinite values; embed them again")
    variances, components = np.linalg.eigh(scatter)
    variances, components = variances[::-1], components[:, ::-1]
    rank = int((variances > RANK_TOLERANCE * variances[0]).sum())
    if n_components > rank:
        raise ModelError(f"n_components {n_components} is more than the rank {rank} of the vectors; lower it")
    components = components[:, :n_components]
    largest = components[np.abs(components).argmax(axis=0), np.arange(n_components)]
    return means, components * np.sign(largest)


class ReducedEncoder(Encoder):
    """The reduced rows of an embedding in the items' order."""

    def __init__(self, vectors: np.ndarray, settings: PrincipalComponentsSettings) -> None:
        self.vectors, self.settings = vectors, settings
        self.embed_dim = settings.n_components

    def for_looks(self, of_bases: Sequence[np.ndarray]) -> Self:
        """The same reduction of the other model's vectors of the looks.

        Raises:
            ModelError: there are no such vectors, or they have another width.
        """
        if len(of_bases) != 1 or of_bases[0].shape[1:] != self.vectors.shape[1:]:
            raise ModelError(
                f"looks of shape {[each.shape for each in of_bases]} cannot be reduced like vectors of shape "
                f"{self.vectors.shape}; both must come from one model"
            )
        other = copy(self)
        other.vectors = of_bases[0]
        return other

    def encode(self, window: Window) -> np.ndarray:
        """The reduced rows of the items, float32."""
        rows = np.asarray(self.vectors[window.start : window.start + len(window)], dtype=np.float64)
        reduced = self.reduce(rows)
        return (unit_rows(reduced) if self.settings.normalize else reduced).astype(np.float32)

    @abstractmethod
    def reduce(self, rows: np.ndarray) -> np.ndarray:
        """From (n, embed_dim of the other model) to (n, n_components), float64."""


class FirstDimensionsEncoder(ReducedEncoder):
    """The unchanged first dimensions."""

    def reduce(self, rows: np.ndarray) -> np.ndarray:
        """Cut the rows."""
        return rows[:, : self.embed_dim]


class PrincipalComponentsEncoder(ReducedEncoder):
    """Coordinates along the leading principal components."""

    def __init__(self, vectors: np.ndarray, settings: PrincipalComponentsSettings) -> None:
        super().__init__(vectors, settings)
        self.means, self.components = fit_principal_components(vectors, settings.n_components)
        self.n_parameters = self.means.size + self.components.size

    def reduce(self, rows: np.ndarray) -> np.ndarray:
        """Centre and project the rows."""
        projected: np.ndarray = (rows - self.means) @ self.components
        return projected
