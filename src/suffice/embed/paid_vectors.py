"""Vectors from an endpoint, kept on disk so that no text is paid for twice."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from suffice.errors import ModelError, first_line

WAIT_SECONDS = 60  # to wait for another job that writes
TABLES = (
    "CREATE TABLE IF NOT EXISTS vectors "
    "(key BLOB PRIMARY KEY, vector BLOB NOT NULL, n_tokens REAL, truncated INTEGER) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, content TEXT NOT NULL)",
)


def key_of(text: str) -> bytes:
    """The key of a text: SHA-256 of its UTF-8 bytes."""
    return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True)
class Paid:
    """The answer to one text.

    Attributes:
        vector: float32, shape (embed_dim,).
        n_tokens: the text's share of the tokens of its request; None if the endpoint does not count them.
        truncated: whether the endpoint truncated the text; None if it does not say.
    """

    vector: np.ndarray
    n_tokens: float | None = None
    truncated: bool | None = None


class PaidVectors:
    """The answers of one endpoint and model, in an SQLite database.

    Several jobs may use one file at once. An answer is on disk when `add` returns.

    Args:
        path: the file; it is made if it does not exist.

    Raises:
        ModelError: the file is damaged, or cannot be written; all methods raise this.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as database:
            for table in TABLES:
                database.execute(table)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=WAIT_SECONDS)) as database, database:
                yield database
        except (sqlite3.Error, OSError) as error:
            raise ModelError(
                f"the vectors that are kept in {self.path} cannot be read or written "
                f"({first_line(error)}); free some space, or delete the file and pay for its vectors again"
            ) from error

    def add(self, answers: Mapping[bytes, Paid]) -> None:
        """Keep answers, by the keys of their texts."""
        rows = [
            (key, paid.vector.astype("<f4").tobytes(), paid.n_tokens, paid.truncated)
            for key, paid in answers.items()
        ]
        with self._open() as database:
            database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)", rows)

    def find(self, keys: Iterable[bytes]) -> dict[bytes, Paid]:
        """The kept answers, by key; keys without an answer are left out."""
        asked = "SELECT vector, n_tokens, truncated FROM vectors WHERE key = ?"
        with self._open() as database:
            rows = {key: database.execute(asked, (key,)).fetchone() for key in keys}
        return {key: _paid(*row) for key, row in rows.items() if row is not None}

    def note(self, name: str) -> dict[str, Any] | None:
        """A note about the endpoint, by name."""
        with self._open() as database:
            row = database.execute("SELECT content FROM notes WHERE name = ?", (name,)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def write_note(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a note about the endpoint; JSON-compatible."""
        with self._open() as database:
            database.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, json.dumps(dict(content))))


def _paid(vector: bytes, n_tokens: float | None, truncated: int | None) -> Paid:
    cut = None if truncated is None else bool(truncated)
    return Paid(np.frombuffer(vector, dtype="<f4"), n_tokens, cut)
