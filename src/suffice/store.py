"""Results on disk, addressed by everything that they depend on.

A result is found again only under the same key, and the key is a hash of the contents of its inputs,
its settings, its seed and its code; so nothing stale can be found, and what is added costs only
itself. Each result is one small JSON file, written whole.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suffice.files import read_json, write_json


@dataclass(frozen=True)
class ResultStore:
    """A folder of results.

    Attributes:
        folder: where the files are; made when the first is written.
    """

    folder: Path

    def path(self, key: str) -> Path:
        """The file of one key."""
        return Path(self.folder) / key[:2] / f"{key[2:]}.json"

    def get(self, key: str) -> dict[str, Any] | None:
        """The result of this key, or None if there is none.

        Raises:
            DataError: the file is there but is damaged.
        """
        path = self.path(key)
        return dict(read_json(path)) if path.exists() else None

    def put(self, key: str, result: dict[str, Any]) -> None:
        """Keep a result."""
        write_json(result, self.path(key))
