"""What every kind of loader is: settings, a check, an identity, and an encoder it opens.

A loader module imports heavy packages inside functions only, so that a study can be validated
without them.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar

import numpy as np

from suffice.data.corpus import Corpus, Window
from suffice.settings import Settings

S = TypeVar("S", bound=Settings)
ANYTHING = "anything"
"""What a loader reads that takes no notice of the content of items."""


class Encoder(ABC):
    """A loaded model, ready to turn windows of items into vectors.

    Attributes:
        embed_dim: width of the vectors.
        n_parameters: number of parameters used at inference, None where the word has no meaning.
        n_truncated: how many items so far were longer than the model reads; None where the model
            reads items of any length.
        role_column: column of the data set that tells queries from documents; None if that changes nothing.
    """

    embed_dim: int
    n_parameters: int | None = None
    n_truncated: int | None = None
    role_column: str | None = None

    def warnings(self) -> list[str]:
        """What happened while encoding that a user should know, such as batches that did not fit."""
        return []

    def for_looks(self, of_bases: Sequence[np.ndarray]) -> "Encoder":
        """The encoder of looks at the items that this one was opened on, such as halves of their texts.

        Args:
            of_bases: for a model that is made from others, their vectors of the looks.

        Raises:
            ModelError: the model has vectors of the items alone.
        """
        return self

    @abstractmethod
    def encode(self, window: Window) -> np.ndarray:
        """Vectors of one window in its order, float32, shape (len(window), embed_dim)."""


class Loader(ABC, Generic[S]):
    """One kind of embedding model.

    Args:
        settings: the kind's own settings, validated.
        seed: seed of whatever is random in the loader.
        device: torch device for kinds that use one.

    Class attributes: `kind`, its name in model tables; `Settings`, what a row may set; `libraries`, the
    packages that do its computation, whose versions are part of an embedding's identity; `uses_device`,
    whether it computes with torch on the study's device; `new_items`, whether it can embed items that are
    not in the corpus: "embeds", "never", or "follows" the model whose
    vectors it is made from; `reads`, what it takes the content of items for, see `read_as` of
    `suffice.data.modalities.base.Modality`; `beside_identity`, settings that change no vector.
    """

    kind: ClassVar[str]
    Settings: ClassVar[type[Settings]]
    libraries: ClassVar[tuple[str, ...]] = ()
    uses_device: ClassVar[bool] = False
    new_items: ClassVar[Literal["embeds", "follows", "never"]] = "embeds"
    reads: ClassVar[str] = "text"
    beside_identity: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, settings: S, seed: int = 0, device: str = "cpu") -> None:
        self.settings = settings
        self.seed = seed
        self.device = device

    def check(self) -> None:
        """Raise ModelError if it can be told, offline and cheaply, that the model cannot be loaded."""

    def check_roles(self, column: str) -> None:
        """Raise ModelError if queries and documents need a treatment that the settings do not give them.

        Args:
            column: column of a data set that holds "query" and "document".
        """

    def fetch(self) -> str | None:
        """Bring what the model needs into the local cache; says what, or None if it needs no network.

        Raises:
            SufficeError: it cannot be fetched.
        """
        return None

    def identity(self) -> dict[str, Any]:
        """Everything beyond settings, corpus and `libraries` that the vectors depend on: file hashes, seed.

        JSON-compatible; called before `open`.
        """
        return {}

    def warnings(self) -> list[str]:
        """What a user should know of how this model is used, such as a prompt it has but was not given."""
        return []

    def cost(self) -> dict[str, Any]:
        """What this model cost besides time, once the items were encoded, such as tokens; JSON-compatible."""
        return {}

    @abstractmethod
    def open(self, corpus: Corpus) -> Encoder:
        """Load the model, or fit it on the items of `corpus`.

        Raises:
            ModelError: the model cannot be loaded or fitted; the message names it and the remedy.
        """
