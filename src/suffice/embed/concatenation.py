"""Concatenated vectors of several models, used as one model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import Field

from suffice.data.corpus import Corpus, Window
from suffice.embed.base import ANYTHING, Encoder, Loader
from suffice.errors import ModelError
from suffice.settings import Settings
from suffice.storage.files import open_array, sha256_of_file
from suffice.vectors import unit_rows

SEPARATOR = ","
MIN_MODELS = 2


class ConcatenationSettings(Settings):
    """Settings of kind `concatenation`."""

    path: str = Field(description="Vectors (.npy) of two or more models on one data set, separated by commas")
    normalize: bool = Field(
        False,
        description="Divide each model's vectors by their Euclidean norm first, so all have the same weight",
    )


class Concatenation(Loader[ConcatenationSettings]):
    """The concatenated vectors of other models on the same data set."""

    kind = "concatenation"
    reads = ANYTHING
    Settings = ConcatenationSettings
    libraries = ("numpy",)
    new_items = "follows"

    @property
    def paths(self) -> list[str]:
        """The files of vectors, in their order."""
        return [path.strip() for path in self.settings.path.split(SEPARATOR) if path.strip()]

    def identity(self) -> dict[str, Any]:
        """Hashes of the other models' vectors."""
        return {"files_sha256": {f"path {i}": sha256_of_file(path) for i, path in enumerate(self.paths)}}

    def open(self, corpus: Corpus) -> "ConcatenationEncoder":
        """Open the other models' vectors."""
        if len(self.paths) < MIN_MODELS:
            raise ModelError(f"path {self.settings.path!r} names only one model; give two or more")
        arrays = [open_array(path) for path in self.paths]
        for path, array in zip(self.paths, arrays, strict=True):
            if array.ndim != 2 or len(array) != corpus.n_items:
                raise ModelError(
                    f"{path} has shape {array.shape}, but the data set has {corpus.n_items} items; "
                    "give embeddings of the same data set"
                )
        return ConcatenationEncoder(arrays, self.settings.normalize)


class ConcatenationEncoder(Encoder):
    """The concatenated rows of several embeddings.

    Args:
        arrays: the embeddings, each of shape (n_items, its embed_dim).
        normalize: whether each is divided by its norm first.
    """

    def __init__(self, arrays: list[np.ndarray], normalize: bool) -> None:
        self.arrays, self.normalize = arrays, normalize
        self.embed_dim = sum(array.shape[1] for array in arrays)

    def for_looks(self, of_bases: Sequence[np.ndarray]) -> "ConcatenationEncoder":
        """The concatenated vectors of the looks by the other models.

        Raises:
            ModelError: the number of models is wrong.
        """
        if len(of_bases) != len(self.arrays):
            raise ModelError(f"only {len(of_bases)} of {len(self.arrays)} models have vectors of the looks")
        return ConcatenationEncoder(list(of_bases), self.normalize)

    def encode(self, window: Window) -> np.ndarray:
        """The rows of the items, float32, shape (len(window), embed_dim)."""
        rows = slice(window.start, window.start + len(window))
        parts = [np.asarray(array[rows], dtype=np.float32) for array in self.arrays]
        return np.concatenate([unit_rows(part) if self.normalize else part for part in parts], axis=1)
