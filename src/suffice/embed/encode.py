"""Encoding one window after the other into a file; memory does not grow with the number of items."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Spent:
    """What encoding took.

    Attributes:
        cpu_seconds: of this process with all its threads, and of the child processes that it has waited for.
        wall_seconds: by the clock on the wall.
        n_tokens: tokens that the model read; None if it counts none.
    """

    cpu_seconds: float
    wall_seconds: float
    n_tokens: float | None


def encode_to(temporary: Path, encoder: Encoder, contents: Contents, rows: range, model: str) -> Spent:
    """Encode a block of whole windows, or all of them, into a memory map; returns what that took.

    Progress is shown if requested, see `suffice.progress`.
    """
    check_memory(
        WINDOW_ITEMS * encoder.embed_dim * BYTES_AT_ONCE,
        f"model {model}: a window of {WINDOW_ITEMS} vectors of {encoder.embed_dim:,} dimensions",
        "lower the setting that decides the number of dimensions",
    )
    started, cpu_before, tokens_before = time.perf_counter(), cpu_seconds(), encoder.n_tokens
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
    wall_seconds, cpu = time.perf_counter() - started, cpu_seconds() - cpu_before
    counted = None if encoder.n_tokens is None else encoder.n_tokens - (tokens_before or 0)
    return Spent(cpu, wall_seconds, counted)


def cpu_seconds() -> float:
    """CPU time so far of this process, its threads, and the children that it has waited for."""
    times = os.times()  # its own fields are rounded to 10 ms
    return time.process_time() + times.children_user + times.children_system
