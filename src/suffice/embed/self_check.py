"""The check of an encoder at opening: a text must have the same vector in every batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

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


class Checked(Protocol):
    """An encoder that can be checked."""

    batches: BatchRunner

    def encode_together(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts that form one batch, in this order; truncated texts are not counted."""


def probe_texts(max_length: int | None) -> tuple[str, str]:
    """A short text, and a long one with about as many tokens as the model reads."""
    n_words = min(max_length or LONG_TOKENS, LONG_TOKENS)
    words = WORDS.split()
    return SHORT, " ".join(words[place % len(words)] for place in range(n_words))


def check_batches(encoder: Checked, max_length: int | None, dtype: str, checkpoint: str) -> list[str]:
    """Compare the vectors of a text alone, beside a longer text, and in the opposite order.

    If they differ, batches have texts of one length only, or only one text.

    Args:
        encoder: the encoder; its way of making batches may be changed.
        max_length: number of tokens that it reads per text; None for all.
        dtype: precision of the computation, which decides what counts as equal.
        checkpoint: name of the model in errors.

    Returns:
        A sentence about the change; empty if a text always has the same vector.

    Raises:
        ModelError: the vector of a text changes after other texts were encoded.
    """
    try:
        return _checked(encoder, probe_texts(max_length), TOLERANCES[dtype], checkpoint)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return ["there was not enough memory to check that a text has the same vector in every batch"]


def _checked(encoder: Checked, texts: tuple[str, str], limit: float, checkpoint: str) -> list[str]:
    short, long = texts
    alone = np.concatenate([encoder.encode_together([text]) for text in (short, long)])
    together = encoder.encode_together([short, long])
    swapped = encoder.encode_together([long, short])[::-1]
    again = np.concatenate([encoder.encode_together([text]) for text in (short, long)])
    if not np.isfinite(alone).all():
        return []  # this is found, with the item's number, when the items are encoded
    if apart(again, alone) > limit:
        figures = _figures(again, alone)
        raise ModelError(
            f"{checkpoint} returns a different vector for a text after other texts were encoded ({figures}), "
            "so it is random or keeps a state; its vectors cannot be compared, so leave the model out"
        )
    worst = max((together, swapped), key=lambda vectors: apart(vectors, alone))
    if apart(worst, alone) <= limit:
        return []
    return [_narrowed(encoder, short, alone[:1], limit, _figures(worst, alone))]


def _narrowed(encoder: Checked, short: str, alone: np.ndarray, limit: float, figures: str) -> str:
    """Use batches of texts of one length, or of one text if that is not enough."""
    twin = " ".join(reversed(short.split()))
    gap = apart(encoder.encode_together([short, twin])[:1], alone)
    encoder.batches.one_length = True
    if gap > limit:
        encoder.batches.batch_size = encoder.batches.asked = 1
    how = "texts of one length are encoded together" if gap <= limit else "texts are encoded one by one"
    return (
        f"the model's vectors depend on the other texts in a batch ({figures} between a text alone and "
        f"beside a longer one), so {how}, as with batch_size 1; this is slower"
    )


def apart(vectors: np.ndarray, others: np.ndarray) -> float:
    """The largest distance between two rows, relative to the length of the second."""
    lengths = np.linalg.norm(others, axis=1)
    return float((np.linalg.norm(vectors - others, axis=1) / np.maximum(lengths, np.finfo(float).tiny)).max())


def _figures(vectors: np.ndarray, others: np.ndarray) -> str:
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(others, axis=1)
    cosines = (vectors * others).sum(axis=1) / np.maximum(lengths, np.finfo(float).tiny)
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
