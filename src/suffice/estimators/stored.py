"""Pairs of a study's embeddings: pairs in the store are read, and others are estimated and stored."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.errors import DataError, SufficeError
from suffice.estimators.base import Estimator
from suffice.estimators.result import Sufficiency
from suffice.estimators.views import Parts, StoredModel, View
from suffice.storage.files import sha256_of_json
from suffice.storage.provenance import computed_by
from suffice.storage.store import ResultStore


def pair_key(estimator: Estimator[Any], view: View, source_sha256: str, target_sha256: str) -> str:
    """The key of I_S(U -> V): a hash of everything that the result depends on, in the order source, target.

    Args:
        estimator: with its settings and seed.
        view: how source and target see the items, and how the items are divided.
        source_sha256: hash of the source's vectors under the view.
        target_sha256: hash of the target's vectors under the view.
    """
    depends_on = {
        "source": source_sha256,
        "target": target_sha256,
        "looks": view.name,
        "plan": view.plan.sha256,
        "estimator": estimator.name,
        "settings": estimator.settings.model_dump(mode="json"),
        "seed": estimator.seed,
        "device": estimator.device,
    }
    return sha256_of_json(depends_on | computed_by(type(estimator).__module__))


class _Lazy(Mapping[str, Parts]):
    """Prepared models. Each is read when it is looked up, and not kept in memory."""

    def __init__(self, names: Sequence[str], load: Callable[[str], Parts]) -> None:
        self.names = names
        self.load = load

    def __getitem__(self, name: str) -> Parts:
        return self.load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def pairs_of_target(
    estimator: Estimator[Any],
    models: Mapping[str, StoredModel],
    target: str,
    view: View,
    store: ResultStore,
) -> tuple[pd.DataFrame, int]:
    """The pairs of every model as source with one target, under one view.

    Args:
        estimator: estimates the pairs that are not in the store.
        models: all models by name, including the target.
        target: name of the target.
        view: how source and target see the items.
        store: keeps each result as soon as it is estimated.

    Returns:
        The pairs table, one row per source in the order of `models`, and the number of new pairs.

    Raises:
        EstimationError: a pair cannot be estimated; the message names it.
    """
    hashes = {name: view.sha256_of(model) for name, model in models.items()}
    keys = {name: pair_key(estimator, view, sha256, hashes[target]) for name, sha256 in hashes.items()}
    rows = {name: row for name, key in keys.items() if (row := store.get(key)) is not None}
    missing = [name for name in keys if name not in rows]
    for name, result, seconds in _timed(_estimate(estimator, models, missing, target, view)):
        rows[name] = result.as_json() | {"seconds": seconds}
        store.put(keys[name], rows[name])
    names = {"target": target, "estimator": estimator.name, "looks": view.name}
    table = [{"source": name, **names, **_table_row(rows[name], store.path(keys[name]))} for name in models]
    return pd.DataFrame(table), len(missing)


def _estimate(
    estimator: Estimator[Any],
    models: Mapping[str, StoredModel],
    missing: Sequence[str],
    target: str,
    view: View,
) -> Iterator[tuple[str, Sufficiency]]:
    if not missing:
        return
    sources = _Lazy(missing, lambda name: view.load(estimator, models[name]))
    try:
        yield from view.pairs(estimator, sources, view.load(estimator, models[target]))
    except SufficeError as error:
        raise type(error)(f"target {target}: {error}") from error


def _timed(results: Iterator[tuple[str, Sufficiency]]) -> Iterator[tuple[str, Sufficiency, float]]:
    """Each result with the seconds that it took."""
    start = time.perf_counter()
    for name, result in results:
        yield name, result, time.perf_counter() - start
        start = time.perf_counter()


def _table_row(stored: dict[str, Any], path: Path) -> dict[str, Any]:
    """A stored result as columns of a table. Its time is left out because it is not reproducible."""
    try:
        return Sufficiency.from_json(
            {key: value for key, value in stored.items() if key != "seconds"}
        ).as_row()
    except (KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged ({error}); delete it and run again") from error
