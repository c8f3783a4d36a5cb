"""Pairs of a study's embeddings: what is in the store is read, what is not is estimated and kept."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.errors import DataError, SufficeError
from suffice.estimators.base import Estimator, Prepared, load_prepared
from suffice.estimators.items import ItemPlan
from suffice.estimators.result import Sufficiency
from suffice.files import open_array, read_json, sha256_of_json
from suffice.provenance import code_digest
from suffice.store import ResultStore


@dataclass(frozen=True)
class StoredModel:
    """A model of a study as files.

    Attributes:
        vectors: the embedding, `.npy`; its card lies beside it as `.json`.
        prepared: what the estimator prepared of it, `.npz`.
    """

    vectors: Path
    prepared: Path

    @property
    def array_sha256(self) -> str:
        """Hash of the vectors, from the card."""
        return str(read_json(Path(self.vectors).with_suffix(".json"))["array_sha256"])

    def load(self, estimator: Estimator[Any], plan: ItemPlan) -> Prepared:
        """The prepared model, its vectors opened as a memory map."""
        return load_prepared(estimator.Prepared, Path(self.prepared), open_array(self.vectors), plan)


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
        "device": estimator.device,
        "code": code_digest(type(estimator).__module__),
    }
    return sha256_of_json(depends_on)


class _Lazy(Mapping[str, Prepared]):
    """Prepared models that are read when they are looked up, and not kept."""

    def __init__(self, names: Sequence[str], load: Callable[[str], Prepared]) -> None:
        self.names = names
        self.load = load

    def __getitem__(self, name: str) -> Prepared:
        return self.load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def pairs_of_target(
    estimator: Estimator[Any],
    models: Mapping[str, StoredModel],
    target: str,
    plan: ItemPlan,
    store: ResultStore,
) -> tuple[pd.DataFrame, int]:
    """The pairs of every model as source with one target.

    Args:
        estimator: makes the pairs that are not in the store.
        models: all models by name, the target among them.
        target: name of the target.
        plan: division of the items.
        store: where results are kept, each as soon as it is made.

    Returns:
        The pairs table, one row a source in the order of `models`, and the number of pairs made now.

    Raises:
        EstimationError: a pair cannot be estimated; the message names it.
    """
    target_sha256 = models[target].array_sha256
    keys = {
        name: pair_key(estimator, plan.sha256, model.array_sha256, target_sha256)
        for name, model in models.items()
    }
    rows = {name: row for name, key in keys.items() if (row := store.get(key)) is not None}
    missing = [name for name in keys if name not in rows]
    for name, result, seconds in _timed(_estimate(estimator, models, missing, target, plan)):
        rows[name] = result.as_json() | {"seconds": seconds}
        store.put(keys[name], rows[name])
    table = [
        {"source": name, "target": target, **_table_row(rows[name], store.path(keys[name]))}
        for name in models
    ]
    return pd.DataFrame(table), len(missing)


def _estimate(
    estimator: Estimator[Any],
    models: Mapping[str, StoredModel],
    missing: Sequence[str],
    target: str,
    plan: ItemPlan,
) -> Iterator[tuple[str, Sufficiency]]:
    if not missing:
        return
    sources = _Lazy(missing, lambda name: models[name].load(estimator, plan))
    try:
        yield from estimator.pairs(sources, models[target].load(estimator, plan))
    except SufficeError as error:
        raise type(error)(f"target {target}: {error}") from error


def _timed(results: Iterator[tuple[str, Sufficiency]]) -> Iterator[tuple[str, Sufficiency, float]]:
    """Each result with the seconds that it took."""
    start = time.perf_counter()
    for name, result in results:
        yield name, result, time.perf_counter() - start
        start = time.perf_counter()


def _table_row(stored: dict[str, Any], path: Path) -> dict[str, Any]:
    """A stored result as columns of a table; the time it took is left out, since it is not reproducible."""
    try:
        return Sufficiency.from_json(
            {key: value for key, value in stored.items() if key != "seconds"}
        ).as_row()
    except (KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged ({error}); delete it and run again") from error
