"""The interface of every kind of loader: settings, a check, an identity, and an encoder.

A loader module imports heavy packages inside functions only, so a study can be validated without them.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

import numpy as np

from suffice.data.corpus import Corpus, Window
from suffice.errors import ModelError
from suffice.settings import Settings

S = TypeVar("S", bound=Settings)
ANYTHING = "anything"
"""Value of `reads` for a loader that takes items of any kind, or does not use their content."""


class Encoder(ABC):
    """A loaded model, ready to turn windows of items into vectors.

    Attributes:
        embed_dim: width of the vectors.
        n_parameters: number of parameters used at inference, None where the word has no meaning.
        n_truncated: how many items so far were longer than the model reads; None where the model
            reads items of any length.
        n_tokens: how many tokens it has read so far; None if it counts none.
        role_column: column of the data set that tells queries from documents; None if that changes nothing.
    """

    embed_dim: int
    n_parameters: int | None = None
    n_truncated: int | None = None
    n_tokens: float | None = None
    role_column: str | None = None

    def warnings(self) -> list[str]:
        """Warnings from encoding for the user, such as batches that did not fit."""
        return []

    def count_tokens(self, n_tokens: int) -> None:
        """Add to the number of tokens read so far."""
        self.n_tokens = (self.n_tokens or 0) + n_tokens

    def for_looks(self, of_bases: Sequence[np.ndarray]) -> "Encoder":
        """The encoder of looks at the items, such as halves of their texts.

        Args:
            of_bases: for a model made from other models, their vectors of the looks.

        Raises:
            ModelError: the model has vectors of the items only.
        """
        return self

    @abstractmethod
    def encode(self, window: Window) -> np.ndarray:
        """Vectors of one window in its order, float32, shape (len(window), embed_dim)."""


@dataclass(frozen=True)
class Part:
    """One model's share of an encoder of several models; the counts are as in `Encoder`.

    Attributes:
        embed_dim: width of its vectors.
        n_parameters: as in `Encoder`.
        n_truncated: as in `Encoder`.
        n_tokens: as in `Encoder`.
        share: share of the network's layers that this model needs, which is its share of the costs.
        warnings: warnings from encoding for the user.
    """

    embed_dim: int
    n_parameters: int | None
    n_truncated: int | None
    n_tokens: float | None
    share: float
    warnings: tuple[str, ...]


class EncoderOfSeveral(Encoder):
    """Several models of one checkpoint in one forward pass; their vectors are side by side."""

    @abstractmethod
    def parts(self) -> list[Part]:
        """The models, in the order of their vectors."""


class Loader(ABC, Generic[S]):
    """One kind of embedding model.

    Args:
        settings: the validated settings of the kind.
        seed: seed of everything random in the loader.
        device: torch device, for kinds that use one.

    Class attributes: `kind`, its name in model tables; `Settings`, the settings in a row; `libraries`, the
    packages that compute the vectors, whose versions are part of an embedding's identity; `uses_device`,
    whether it computes with torch on the study's device; `new_items`, whether it can embed items that are not
    in the corpus: "embeds", "never", or "follows" the model whose vectors it is made from; `reads`, how it
    interprets the content of items, see `read_as` of `suffice.data.modalities.base.Modality`;
    `beside_identity`, settings that change no vector; `computes`, whether this process does the model's work,
    so that its time is the model's cost; `counts_tokens`, whether its encoder has `n_tokens`;
    `differ_in_one_pass`, settings in which models of one forward pass may differ, None if each has its own
    pass; `leads_pass`, whether it takes models of other kinds along, and none of its own kind.
    """

    kind: ClassVar[str]
    Settings: ClassVar[type[Settings]]
    libraries: ClassVar[tuple[str, ...]] = ()
    uses_device: ClassVar[bool] = False
    new_items: ClassVar[Literal["embeds", "follows", "never"]] = "embeds"
    reads: ClassVar[str] = "text"
    beside_identity: ClassVar[frozenset[str]] = frozenset()
    computes: ClassVar[bool] = True
    counts_tokens: ClassVar[bool] = False
    differ_in_one_pass: ClassVar[frozenset[str] | None] = None
    leads_pass: ClassVar[bool] = False

    def __init__(self, settings: S, seed: int = 0, device: str = "cpu") -> None:
        self.settings = settings
        self.seed = seed
        self.device = device

    def check(self) -> None:
        """Raise ModelError if a quick offline check shows that the model cannot be loaded."""

    def check_roles(self, column: str) -> None:
        """Raise ModelError if queries and documents need a treatment that the settings do not give them.

        Args:
            column: column of a data set with "query" and "document".
        """

    def fetch(self) -> str | None:
        """Download what the model needs into the local cache; returns a description, or None if not needed.

        Raises:
            SufficeError: it cannot be downloaded.
        """
        return None

    @property
    def is_random(self) -> bool:
        """Whether the vectors depend on the seed, which is then a part of their identity."""
        return False

    def identity(self) -> dict[str, Any]:
        """Everything that the vectors depend on besides settings, corpus, `libraries` and seed: hashes.

        JSON-compatible; called before `open`.
        """
        return {}

    def warnings(self) -> list[str]:
        """Warnings about the use of this model, such as a prompt that it has but was not given."""
        return []

    def cost(self) -> dict[str, Any]:
        """Costs other than time, after the items were encoded, such as tokens; JSON-compatible."""
        return {}

    @abstractmethod
    def open(self, corpus: Corpus) -> Encoder:
        """Load the model, or fit it on the items of `corpus`.

        Raises:
            ModelError: the model cannot be loaded or fitted; the message names it and the remedy.
        """

    def open_together(self, others: "Sequence[Loader[Any]]", corpus: Corpus) -> EncoderOfSeveral:
        """Load this model and others with the same pass, see `differ_in_one_pass`.

        Args:
            others: the other models.
            corpus: as for `open`.

        Raises:
            ModelError: one of them cannot be loaded, or this kind has no shared passes.
        """
        raise ModelError(f"models of kind {self.kind} cannot share a forward pass")
