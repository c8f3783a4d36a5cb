"""Encoding one window after the other into a file; memory does not grow with the number of items."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from suffice.data.corpus import Window
from suffice.embed.base import Encoder
from suffice.embed.shards import WINDOW_ITEMS
from suffice.errors import ModelError
from suffice.memory import check_memory
from suffice.progress import counting
from suffice.storage.files import create_array

BYTES_AT_ONCE = 12  # per value of a window: in double precision, and in the stored type


class Contents(Protocol):
    """Contents to embed: a corpus, or looks at its items."""

    @property
    def n_items(self) -> int:
        """Number of contents."""

    def windows(
        self, n_items: int = ..., rows: range | None = ..., roles: str | None = ...
    ) -> Iterator[Window]:
        """Runs of them, in their order."""


def encode_to(temporary: Path, encoder: Encoder, contents: Contents, rows: range, model: str) -> float:
    """Encode a block of whole windows, or all of them, into a memory map; returns the seconds.

    Progress is shown if requested, see `suffice.progress`.
    """
    check_memory(
        WINDOW_ITEMS * encoder.embed_dim * BYTES_AT_ONCE,
        f"model {model}: a window of {WINDOW_ITEMS} vectors of {encoder.embed_dim:,} dimensions",
        "lower the setting that decides the number of dimensions",
    )
    started = time.perf_counter()
    array = create_array(temporary, (len(rows), encoder.embed_dim))
    with counting(model, len(rows), "items") as done:
        for window in contents.windows(WINDOW_ITEMS, rows, encoder.role_column):
            vectors = encoder.encode(window)
            if vectors.shape != (len(window), encoder.embed_dim):
                raise ModelError(
                    f"model {model} returned vectors of shape {vectors.shape} for {len(window)} items, but "
                    f"its width should be {encoder.embed_dim}; check the checkpoint"
                )
            first = window.start - rows.start
            array[first : first + len(window)] = vectors
            done(len(window))
    array.flush()
    return time.perf_counter() - started
