"""Results on disk, addressed by everything that they depend on.

The key of a result is a hash of the contents of its inputs, its settings, its seed and its code. A stale
result therefore has another key and is never found, and a new model or task costs only its own results. Each
result is one small JSON file with a checksum.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suffice.errors import DataError
from suffice.storage.files import read_json, sha256_of_json, write_json

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
            return read_checked(path)
        except DataError as error:
            log.warning("%s; it is computed again", error)
            return None

    def put(self, key: str, result: dict[str, Any]) -> None:
        """Store a result."""
        write_json({"sha256": sha256_of_json(result), "result": result}, self.path(key))


def read_checked(path: Path) -> dict[str, Any]:
    """A result that `ResultStore` wrote.

    Raises:
        DataError: it has changed since it was written.
    """
    try:
        kept = read_json(path)
    except DataError as error:
        raise DataError(f"{path} is damaged: it is not JSON") from error
    result = kept.get("result") if isinstance(kept, dict) else None
    if not isinstance(result, dict) or sha256_of_json(result) != kept.get("sha256"):
        raise DataError(f"{path} is damaged: it is not the result that was written")
    return result
