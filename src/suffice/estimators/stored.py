"""Pairs of a study's embeddings: pairs in the store are read, and others are estimated and stored."""

import logging
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from suffice.errors import DataError, SufficeError
from suffice.estimators.base import Estimator
from suffice.estimators.looks import Chosen
from suffice.estimators.regression.tiling import PairKey, every_pair
from suffice.estimators.result import Sufficiency
from suffice.estimators.views import Parts, StoredModel, View
from suffice.storage.files import PART, sha256_of_json
from suffice.storage.provenance import computed_by
from suffice.storage.store import ResultStore

Prepare = Callable[[Sequence[str]], Container[str]]

log = logging.getLogger("suffice")


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


@contextmanager
def folder_beside(store: ResultStore) -> Iterator[Path]:
    """A folder for prepared models, which lasts as long as the block.

    If the process is killed, the next run removes it with other leftovers.
    """
    place = Path(store.folder)
    place.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".prepared{PART}", dir=place) as folder:
        yield Path(folder)


def stored_pairs(
    estimator: Estimator[Any],
    models: Mapping[str, StoredModel],
    targets: Sequence[str],
    view: View,
    store: ResultStore,
    prepare: Prepare | None = None,
) -> tuple[pd.DataFrame, int]:
    """The pairs of every model as source with some targets, under one view.

    If a pair cannot be estimated, the error is raised after all other pairs are in the store.

    Args:
        estimator: estimates the pairs that are not in the store.
        models: all models by name, including the targets.
        targets: names of the targets.
        view: how source and target see the items.
        store: keeps each result as soon as it is estimated.
        prepare: prepares the models of these names, before pairs of them are estimated, and returns the
            names of the models that it could not prepare; None: all are prepared already.

    Returns:
        The pairs table, for each target one row per source in the order of `models`, and the number of new
        pairs. Pairs that need a model that could not be prepared are left out.

    Raises:
        EstimationError: a pair cannot be estimated; the message names the estimator.
    """
    hashes = {name: view.sha256_of(model) for name, model in models.items()}
    pairs = every_pair(models, targets)
    keys = {pair: pair_key(estimator, view, hashes[pair[0]], hashes[pair[1]]) for pair in pairs}
    rows = {pair: row for pair, key in keys.items() if (row := store.get(key)) is not None}
    missing = [pair for pair in keys if pair not in rows]
    if prepare is not None and missing:
        needed = dict.fromkeys(chain.from_iterable(missing))
        failed = prepare([name for name in needed if not models[name].prepared.exists()])
        missing = [pair for pair in missing if not any(name in failed for name in pair)]
    for pair, result, seconds in _timed(_estimate(estimator, models, missing, view)):
        rows[pair] = result.as_json() | {"seconds": seconds}
        store.put(keys[pair], rows[pair])
    made_by = {"estimator": estimator.name, "looks": view.name}
    table = [
        {"source": pair[0], "target": pair[1], **made_by, **_table_row(rows[pair], store.path(key))}
        for pair, key in keys.items()
        if pair in rows
    ]
    return pd.DataFrame(table), len(missing)


def _estimate(
    estimator: Estimator[Any], models: Mapping[str, StoredModel], missing: Sequence[PairKey], view: View
) -> Iterator[tuple[str, str, Sufficiency]]:
    needed = dict.fromkeys(chain.from_iterable(missing))
    prepared = Chosen(models, lambda model: view.load(estimator, model), needed)
    left = dict.fromkeys(missing)
    try:
        for source, target, result in view.pairs(estimator, prepared, missing):
            del left[source, target]
            yield source, target, result
    except Exception as error:  # noqa: BLE001  (raised again at the end)
        yield from _one_by_one(estimator, prepared, list(left), view, error)


def _one_by_one(
    estimator: Estimator[Any],
    prepared: Mapping[str, Parts],
    pairs: Sequence[PairKey],
    view: View,
    error: Exception,
) -> Iterator[tuple[str, str, Sufficiency]]:
    """Estimate each pair alone after an error in one of them, and raise the error after the last pair."""
    for pair in pairs:
        try:
            results = list(view.pairs(estimator, prepared, [pair]))
        except Exception as of_pair:  # noqa: BLE001  (the first one is raised at the end)
            log.error("the pair of source %s and target %s failed: %s", *pair, of_pair)
        else:
            yield from results
    if isinstance(error, SufficeError):
        raise type(error)(f"estimator {estimator.name}: {error}") from error
    raise error


def _timed(
    results: Iterator[tuple[str, str, Sufficiency]],
) -> Iterator[tuple[PairKey, Sufficiency, float]]:
    """Each result with the seconds since the one before it: the first of a run has what the run shares."""
    start = time.perf_counter()
    for source, target, result in results:
        yield (source, target), result, time.perf_counter() - start
        start = time.perf_counter()


def _table_row(stored: dict[str, Any], path: Path) -> dict[str, Any]:
    """A stored result as columns of a table. Its time is left out because it is not reproducible."""
    try:
        return Sufficiency.from_json(
            {key: value for key, value in stored.items() if key != "seconds"}
        ).as_row()
    except (KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged ({error}); delete it and run again") from error
