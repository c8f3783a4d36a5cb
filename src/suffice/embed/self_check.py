"""What is checked of an encoder when it is opened: that a text has one vector, whatever stands beside it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from suffice.embed.checkpoint import BatchRunner
from suffice.errors import ModelError, SufficeError, first_line, is_out_of_memory

TOLERANCES = {"float32": 1e-4, "float16": 2e-2, "bfloat16": 1e-1}  # of a vector's length
SHORT = "a small red house stands by the old river"
WORDS = (
    "many people who read long reports about water, trade or music in the city find that two numbers differ, "
    "so they write another letter"
)
LONG_TOKENS = 800  # beyond what models with sparse attention read in full
OTHER_LOADER = {"hidden_states": "sentence_transformer", "sentence_transformer": "hidden_states"}


class Checked(Protocol):
    """An encoder that can be checked."""

    batches: BatchRunner

    def encode_together(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts that form one batch, in this order; texts that are cut are not counted."""


def probe_texts(max_length: int | None) -> tuple[str, str]:
    """A short text, and a long one of about as many tokens as the model reads."""
    n_words = min(max_length or LONG_TOKENS, LONG_TOKENS)
    words = WORDS.split()
    return SHORT, " ".join(words[place % len(words)] for place in range(n_words))


def check_batches(encoder: Checked, max_length: int | None, dtype: str, checkpoint: str) -> list[str]:
    """Compare the vectors of a text alone, beside a longer one and in the other order.

    Where they differ, the encoder's batches are made of texts of one length, or else of one text.

    Args:
        encoder: the encoder; the way it makes batches may be changed.
        max_length: tokens that it reads of a text; None for all.
        dtype: precision of the computation, which decides what counts as equal.
        checkpoint: what errors call the model.

    Returns:
        What was changed, in a sentence; empty if a text has one vector.

    Raises:
        ModelError: a text alone has other vectors after other texts were encoded.
    """
    try:
        return _checked(encoder, probe_texts(max_length), TOLERANCES[dtype], checkpoint)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return ["there was not enough memory to check that a text has the same vector in any batch"]


def _checked(encoder: Checked, texts: tuple[str, str], limit: float, checkpoint: str) -> list[str]:
    short, long = texts
    alone = np.concatenate([encoder.encode_together([text]) for text in (short, long)])
    together = encoder.encode_together([short, long])
    swapped = encoder.encode_together([long, short])[::-1]
    again = np.concatenate([encoder.encode_together([text]) for text in (short, long)])
    if not np.isfinite(alone).all():
        return []  # which is found, with the item's number, when the items are encoded
    if _apart(again, alone) > limit:
        figures = _figures(again, alone)
        raise ModelError(
            f"{checkpoint} gives a text another vector after other texts were encoded ({figures}): it is "
            "random, or it remembers; its vectors cannot be compared"
        )
    worst = max((together, swapped), key=lambda vectors: _apart(vectors, alone))
    if _apart(worst, alone) <= limit:
        return []
    return [_narrowed(encoder, short, alone[:1], limit, _figures(worst, alone))]


def _narrowed(encoder: Checked, short: str, alone: np.ndarray, limit: float, figures: str) -> str:
    """Make batches of texts of one length, or of one text if that is not enough."""
    twin = " ".join(reversed(short.split()))
    apart = _apart(encoder.encode_together([short, twin])[:1], alone)
    encoder.batches.one_length = True
    if apart > limit:
        encoder.batches.batch_size = encoder.batches.asked = 1
    how = "texts of one length are encoded together" if apart <= limit else "texts are encoded one by one"
    return (
        f"the model's vectors depend on what else is in a batch ({figures} between a text alone and beside a "
        f"longer one), so {how}, as with batch_size 1; this is slower"
    )


def _apart(vectors: np.ndarray, others: np.ndarray) -> float:
    """The largest distance of two rows, in lengths of the second one."""
    lengths = np.linalg.norm(others, axis=1)
    return float((np.linalg.norm(vectors - others, axis=1) / np.maximum(lengths, np.finfo(float).tiny)).max())


def _figures(vectors: np.ndarray, others: np.ndarray) -> str:
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(others, axis=1)
    cosines = (vectors * others).sum(axis=1) / np.maximum(lengths, np.finfo(float).tiny)
    return f"lowest cosine {cosines.min():.3f}"


@contextmanager
def encoding_errors(checkpoint: str, loader: str) -> Iterator[None]:
    """Turn what a library raises while it encodes into a ModelError with checkpoint, loader and remedy."""
    try:
        yield
    except Exception as error:
        if isinstance(error, SufficeError) or is_out_of_memory(error):
            raise
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise ModelError(
            f"checkpoint {checkpoint!r} was loaded by {loader} but cannot encode texts ({reason}); its "
            f"architecture may need other inputs or give no vector per token. Try loader "
            f"{OTHER_LOADER[loader]}, or compute the vectors yourself and use loader precomputed"
        ) from error
