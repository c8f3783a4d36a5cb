"""Results of pairs on disk, addressed by everything that they depend on.

A pair is found again only if both embeddings' contents, the division of the items, the estimator's
settings, seed and code are the same; so a model that is added costs its own pairs and no others,
and nothing stale can be found. Each pair is one small file, written whole.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suffice.errors import DataError
from suffice.estimators.base import Estimator, Prepared
from suffice.estimators.result import Sufficiency
from suffice.files import read_json, sha256_of_json, write_json
from suffice.provenance import code_digest


@dataclass(frozen=True)
class PairStore:
    """A folder of results.

    Attributes:
        folder: where the files are; made when the first is written.
    """

    folder: Path

    def path(self, key: str) -> Path:
        """The file of one key."""
        return self.folder / key[:2] / f"{key[2:]}.json"

    def get(self, key: str) -> Sufficiency | None:
        """The result of this key, or None if there is none.

        Raises:
            DataError: the file is there but is damaged.
        """
        path = self.path(key)
        if not path.exists():
            return None
        try:
            return Sufficiency.from_json(read_json(path))
        except (KeyError, TypeError) as error:
            raise DataError(f"{path} is damaged ({error}); delete it and run again") from error

    def put(self, key: str, result: Sufficiency) -> None:
        """Keep a result."""
        write_json(result.as_json(), self.path(key))


def pair_key(estimator: Estimator[Any], plan_sha256: str, source_sha256: str, target_sha256: str) -> str:
    """The key of I_S(U -> V): a hash of all that the result depends on, in the order source, target.

    Args:
        estimator: with its settings and seed.
        plan_sha256: hash of the division of the items.
        source_sha256: hash of the source's vectors.
        target_sha256: hash of the target's vectors.
    """
    depends_on = {
        "source": source_sha256,
        "target": target_sha256,
        "plan": plan_sha256,
        "estimator": estimator.name,
        "settings": estimator.settings.model_dump(mode="json"),
        "seed": estimator.seed,
        "code": code_digest(type(estimator).__module__),
    }
    return sha256_of_json(depends_on)


class _Lazy(Mapping[str, Prepared]):
    """Prepared models that are read when they are looked up, and not kept."""

    def __init__(self, names: list[str], load: Callable[[str], Prepared]) -> None:
        self.names = names
        self.load = load

    def __getitem__(self, name: str) -> Prepared:
        return self.load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def stored_pairs(
    estimator: Estimator[Any],
    keys: Mapping[str, str],
    load: Callable[[str], Prepared],
    target: str,
    store: PairStore,
) -> Iterator[tuple[str, Sufficiency, bool]]:
    """The pairs of one target: those in the store, then the others, each kept as soon as it is made.

    Args:
        estimator: makes the missing pairs.
        keys: key of each pair by the source's name.
        load: gives a prepared model by its name; asked only for what is missing.
        target: name of the target.
        store: where results are kept.

    Yields:
        Name of the source, the result, and whether it was made now.
    """
    found = {name: result for name, key in keys.items() if (result := store.get(key)) is not None}
    yield from ((name, result, False) for name, result in found.items())
    missing = [name for name in keys if name not in found]
    if missing:
        for name, result in estimator.pairs(_Lazy(missing, load), load(target)):
            store.put(keys[name], result)
            yield name, result, True
