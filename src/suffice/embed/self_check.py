"""The check of an encoder at opening: an item must have the same vector in every batch."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from suffice.embed.batches import BatchRunner
from suffice.errors import ModelError, SufficeError, first_line, is_out_of_memory

TOLERANCES = {"float32": 1e-4, "float16": 2e-2, "bfloat16": 1e-1}  # of a vector's length
SHORT = "a small red house stands by the old river"
WORDS = (
    "many people who read long reports about water, trade or music in the city find that two numbers differ, "
    "so they write another letter"
)
LONG_TOKENS = 800  # more than models with sparse attention read in full
OTHER_LOADER = {"hidden_states": "sentence_transformer", "sentence_transformer": "hidden_states"}


T = TypeVar("T")
U = TypeVar("U")
C = TypeVar("C", contravariant=True)


@dataclass(frozen=True)
class Probes(Generic[T]):
    """Items that an encoder is checked with.

    Attributes:
        short: an item.
        long: one that may be in a batch with it; a longer one if batches can have several lengths.
        twin: another item of the same length as `short`.
    """

    short: T
    long: T
    twin: T

    def each(self, make: "Callable[[T], U]") -> "Probes[U]":
        """The result of a function for each."""
        return Probes(make(self.short), make(self.long), make(self.twin))


class Checked(Protocol[C]):
    """An encoder that can be checked."""

    batches: BatchRunner

    def encode_together(self, items: Sequence[C], /) -> np.ndarray:
        """Vectors of items that form one batch, in this order; truncated items are not counted.

        A row may hold the vectors of several models, in the last axis.
        """


def probe_texts(max_length: int | None) -> Probes[str]:
    """A short text, a long one with about as many tokens as the model reads, and the short one reversed."""
    n_words = min(max_length or LONG_TOKENS, LONG_TOKENS)
    words = WORDS.split()
    long = " ".join(words[place % len(words)] for place in range(n_words))
    return Probes(SHORT, long, " ".join(reversed(SHORT.split())))


def check_batches(encoder: Checked[str], max_length: int | None, dtype: str, checkpoint: str) -> list[str]:
    """The check of an encoder of texts that reads `max_length` tokens per text; None for all."""
    return checked_batches(encoder, probe_texts(max_length), dtype, checkpoint, "texts")


def checked_batches(
    encoder: Checked[T], probes: Probes[T], dtype: str, checkpoint: str, items: str
) -> list[str]:
    """Compare the vectors of an item alone, beside a longer one, and in the opposite order.

    If they differ, batches have items of one length only, or only one item.

    Args:
        encoder: the encoder; its way of making batches may be changed.
        probes: the items.
        dtype: precision of the computation, which decides what counts as equal.
        checkpoint: name of the model in errors.
        items: a word for several items.

    Returns:
        A sentence about the change; empty if an item always has the same vector.

    Raises:
        ModelError: the vector of an item changes after others were encoded.
    """
    try:
        return _checked(encoder, probes, TOLERANCES[dtype], checkpoint, items)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return [f"there was not enough memory to check that {items} have the same vectors in every batch"]


def _checked(encoder: Checked[T], probes: Probes[T], limit: float, checkpoint: str, items: str) -> list[str]:
    short, long = probes.short, probes.long
    alone = np.concatenate([encoder.encode_together([item]) for item in (short, long)])
    together = encoder.encode_together([short, long])
    swapped = encoder.encode_together([long, short])[::-1]
    again = np.concatenate([encoder.encode_together([item]) for item in (short, long)])
    if not np.isfinite(alone).all():
        return []  # this is found, with the item's number, when the items are encoded
    if apart(again, alone) > limit:
        figures = _figures(again, alone)
        raise ModelError(
            f"{checkpoint} returns different vectors for {items} after others were encoded ({figures}), "
            "so it is random or keeps a state; its vectors cannot be compared, so leave the model out"
        )
    worst = max((together, swapped), key=lambda vectors: apart(vectors, alone))
    if apart(worst, alone) <= limit:
        return []
    return [_narrowed(encoder, probes, alone[:1], limit, (items, _figures(worst, alone)))]


def _narrowed(
    encoder: Checked[T], probes: Probes[T], alone: np.ndarray, limit: float, said: tuple[str, str]
) -> str:
    """Use batches of items of one length, or of one item if that is not enough."""
    items, figures = said
    gap = apart(encoder.encode_together([probes.short, probes.twin])[:1], alone)
    encoder.batches.one_length = True
    if gap > limit:
        encoder.batches.batch_size = encoder.batches.asked = 1
    how = f"{items} of one length are encoded together" if gap <= limit else f"{items} are encoded one by one"
    return (
        f"the model's vectors depend on the other {items} in a batch ({figures} between one alone and "
        f"beside a longer one), so {how}, as with batch_size 1; this is slower"
    )


def apart(vectors: np.ndarray, others: np.ndarray) -> float:
    """The largest distance between two vectors (last axis), relative to the length of the second."""
    lengths = np.linalg.norm(others, axis=-1)
    return float(
        (np.linalg.norm(vectors - others, axis=-1) / np.maximum(lengths, np.finfo(float).tiny)).max()
    )


def _figures(vectors: np.ndarray, others: np.ndarray) -> str:
    lengths = np.linalg.norm(vectors, axis=-1) * np.linalg.norm(others, axis=-1)
    cosines = (vectors * others).sum(axis=-1) / np.maximum(lengths, np.finfo(float).tiny)
    return f"lowest cosine {cosines.min():.3f}"


@contextmanager
def encoding_errors(checkpoint: str, loader: str) -> Iterator[None]:
    """Turn a library's error while encoding into a ModelError with checkpoint, loader and remedy."""
    try:
        yield
    except Exception as error:
        if isinstance(error, SufficeError) or is_out_of_memory(error):
            raise
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise ModelError(
            f"checkpoint {checkpoint!r} was loaded by {loader} but cannot encode texts ({reason}); its "
            f"architecture may need other inputs or return no vector per token. Try loader "
            f"{OTHER_LOADER[loader]}, or compute the vectors yourself and use loader precomputed"
        ) from error
