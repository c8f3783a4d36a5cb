"""Results on disk, addressed by everything that they depend on.

The key of a result is a hash of the contents of its inputs, its settings, its seed, its code, and the
versions of the numerical libraries that the code imports. A stale result therefore has another key and is
never found, and a new model or task costs only its own results. Each result is one small JSON file with a
checksum.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suffice.errors import DataError
from suffice.storage.files import read_json, unsealed, write_sealed

log = logging.getLogger("suffice")


@dataclass(frozen=True)
class ResultStore:
    """A folder of results.

    Attributes:
        folder: folder of the files; created when the first one is written.
    """

    folder: Path

    def path(self, key: str) -> Path:
        """The file of one key."""
        return Path(self.folder) / key[:2] / f"{key[2:]}.json"

    def get(self, key: str) -> dict[str, Any] | None:
        """The result of this key; None if it is missing, or if it is damaged, which is logged."""
        path = self.path(key)
        if not path.exists():
            return None
        try:
            return unsealed(read_json(path), path)
        except DataError:
            log.warning("%s is damaged; it is computed again", path)
            return None

    def put(self, key: str, result: dict[str, Any]) -> None:
        """Store a result."""
        write_sealed(result, self.path(key))

    def kept(self, key: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The stored result of this key; if there is none, it is computed and stored."""
        found = self.get(key)
        if found is None:
            found = compute()
            self.put(key, found)
        return found
