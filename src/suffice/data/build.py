"""Building a corpus: items are read, cleaned, sampled and split, and written with a manifest."""

import hashlib
import importlib.metadata
import json
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from suffice.data.columns import CONTENT, GROUP, ID, REQUIRED_COLUMNS, SPLIT, TOGETHER
from suffice.data.copies import keep_copies_together
from suffice.data.corpus import Corpus
from suffice.data.dataset_settings import DatasetSettings as DatasetSettings
from suffice.data.docstrings import LICENSE, N_ITEMS, api_docs_items, package_versions
from suffice.data.modalities.text import TEXT
from suffice.data.paths import paths_of
from suffice.data.readers import PAIR, load_hub
from suffice.data.split import groups_in_seeded_order, known_splits, split_of
from suffice.errors import AssumptionWarning, DataError, assume
from suffice.seeds import derive_seed
from suffice.storage.fetch import check_file_hash, fetch, fetched
from suffice.storage.files import sha256_of_path, write_json, write_table

MAX_LABELS_SHOWN = 50
PART = "part"


def build_corpus(
    settings: DatasetSettings, seed: int, path: Path | str, parts: Mapping[str, Path | str] | None = None
) -> None:
    """Write the corpus of a data set to `path` (Parquet) and its manifest beside it (.json).

    The same settings, seed, source and versions give the same bytes. The manifest is written last.

    Args:
        settings: the data set; relative paths start from the working folder.
        seed: seed of the sample.
        path: the Parquet file to write; its stem is the data set's name in the manifest.
        parts: corpora of the data sets that this one combines, by name.

    Raises:
        DataError: the source cannot be read, or too few items or groups remain.
    """
    path, settings = Path(path), with_local_file(settings)
    with warnings.catch_warnings(record=True, action="always", category=AssumptionWarning) as said:
        items, left_out, source = items_and_source(settings, seed, parts or {})
    assumed = list(dict.fromkeys(str(each.message) for each in said))
    for sentence in assumed:
        assume(sentence)
    n_read = len(items) + sum(left_out.values())
    items, dropped_columns = without_nested_columns(items)
    check_storable(items)
    items, dropped = cleaned(items, settings)
    dropped = dict(Counter(left_out) + Counter(dropped))
    items = items.head(settings.first_items or len(items))
    items = sampled(items, settings.max_items, seed)
    dropped["not sampled"] = (
        n_read - len(items) - sum(n for why, n in dropped.items() if why != "not sampled")
    )
    if len(items) < settings.min_items:
        raise DataError(too_few(path.stem, len(items), n_read, settings.min_items, dropped))
    if settings.source != "api-docs":  # api-docs leaves out near-copies itself
        items, notes = keep_copies_together(items, are_texts=settings.modality is TEXT)
        assumed += notes
        for sentence in notes:
            assume(sentence)
    items = in_order(items, path.stem)
    check_both_sides(items, settings, path.stem)
    write_table(items, path)
    own = settings.modality.Settings(**settings.modality_settings)
    manifest = {
        "dataset": path.stem,
        "seed": seed,
        "settings": settings.model_dump(exclude={"path", "modality_settings"}) | own.model_dump(),
        "n_read": n_read,
        "dropped": {reason: count for reason, count in dropped.items() if count},
        "dropped_columns": dropped_columns,
        **({"assumed": assumed} if assumed else {}),
    }
    if settings.source == "file":
        source |= settings.modality.place(settings, path.parent)
    write_json(manifest | source | description(items), path.with_suffix(".json"))


def items_and_source(
    settings: DatasetSettings, seed: int, parts: Mapping[str, Path | str]
) -> tuple[pd.DataFrame, dict[str, int], dict[str, Any]]:
    """The items as read, how many the reader left out and why, and their origin for the manifest."""
    versions = versions_of("pandas", "pyarrow")
    if settings.source == "datasets":
        corpora = {name: Corpus(Path(path)) for name, path in parts.items()}
        hashes_of_parts = {name: corpus.sha256 for name, corpus in corpora.items()}
        facts: dict[str, Any] = {"source_sha256": hashes_of_parts, "versions": versions}
        facts |= {"source": f"data sets: {', '.join(parts)}", "license": settings.license or "not stated"}
        return concatenated(corpora), {}, facts
    if settings.source == "api-docs":
        items, left_out = api_docs_items(seed, settings.max_items or N_ITEMS)
        origin = {"source": "api-docs", "license": LICENSE, "versions": versions | package_versions()}
        return items, left_out, origin
    items, left_out = settings.modality.read(settings)
    origin = {"source": f"hub: {settings.path}", "license": settings.license or "not stated"}
    if settings.source == "hub":
        return items, {}, origin | {"versions": versions | versions_of("datasets")}
    files = paths_of(str(settings.path), settings.modality.several_files)
    hashes = [sha256_of_path(file) for file in files]
    versions |= versions_of(*settings.modality.packages)
    origin |= {"source": f"file: {', '.join(file.name for file in files)}", "versions": versions}
    return items, left_out, origin | {"source_sha256": hashes[0] if len(hashes) == 1 else hashes}


def with_local_file(settings: DatasetSettings) -> DatasetSettings:
    """The settings with a URL replaced by its file in the cache. A given hash is checked.

    Raises:
        FetchError: the file was not fetched, or has another hash.
    """
    if settings.is_remote:
        return settings.model_copy(update={"path": str(fetched(str(settings.path), settings.sha256))})
    if settings.sha256 is not None:
        check_file_hash(Path(str(settings.path)), settings.sha256)
    return settings


def fetch_dataset(settings: DatasetSettings) -> str | None:
    """Download a data set into the local cache; returns a description, or None if it needs no network.

    Raises:
        SufficeError: it cannot be downloaded.
    """
    if settings.is_remote:
        return f"{settings.path} as {fetch(str(settings.path), settings.sha256)}"
    if settings.source != "hub":
        return None
    n_items = sum(len(part) for part in load_hub(settings, may_fetch=True))
    at = f" at {settings.revision}" if settings.revision else ", not pinned: set its revision"
    return f"{settings.path}{at}: {n_items:,} items in {', '.join(settings.hub_splits)}"


def concatenated(corpora: Mapping[str, Corpus]) -> pd.DataFrame:
    """The items of some corpora one after the other, with the column `part` as prefix of ids and groups.

    Labels and pairs are left out: the two texts of a pair become ordinary items.
    """
    tables = [corpus.table([ID, CONTENT, GROUP]).assign(part=name) for name, corpus in corpora.items()]
    items = pd.concat(tables, ignore_index=True)
    return items.assign(**{name: items[PART] + "/" + items[name] for name in (ID, GROUP)})


def versions_of(*distributions: str) -> dict[str, str]:
    """Installed versions of some distributions."""
    return {name: importlib.metadata.version(name) for name in distributions}


def without_nested_columns(items: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The items without columns of lists or objects, which cannot be labels, and the names of these columns.

    Raises:
        DataError: a label column has values of several types.
    """
    nested = [name for name in items.columns if has_any(items[name], (list, dict, tuple, np.ndarray))]
    items = items.drop(columns=nested)
    for name in filter(lambda column: pd.api.types.is_object_dtype(items[column]), items.columns):
        types = {type(value).__name__ for value in items[name].dropna()}
        if len(types) > 1:
            raise DataError(f"the column {name!r} mixes the types {', '.join(sorted(types))}; use one type")
    return items, nested


def check_storable(items: pd.DataFrame) -> None:
    """Raise DataError, with the name of the column, for values that cannot be stored in a file."""
    for name in items.columns:
        try:
            str(name).encode()
            pa.array(items[name], from_pandas=True)
        except (pa.ArrowException, ValueError, OverflowError, TypeError) as error:
            raise DataError(
                f"the column {str(name).encode('ascii', 'backslashreplace').decode()!r} has a value that "
                f"cannot be stored ({error}); correct it, or leave the column out"
            ) from error


def has_any(column: pd.Series, types: tuple[type, ...]) -> bool:
    """Whether any value of a column has one of the types."""
    return pd.api.types.is_object_dtype(column) and any(isinstance(value, types) for value in column)


def cleaned(items: pd.DataFrame, settings: DatasetSettings) -> tuple[pd.DataFrame, dict[str, int]]:
    """The usable items, with canonical content, and how many were dropped for each reason.

    If one text of a pair is dropped, so is the other, which is counted as "pair incomplete".
    """
    content = settings.modality.canonical(items[CONTENT], settings)
    items = items.assign(content=content.astype(object))
    reasons = settings.modality.faults(content, settings)
    bad = np.logical_or.reduce([mask.to_numpy() for mask in reasons.values()])
    dropped = {reason: int(mask.sum()) for reason, mask in reasons.items()}
    if PAIR in items.columns:
        broken = items[PAIR].isin(set(items.loc[bad, PAIR])).to_numpy()
        dropped["pair incomplete"] = int((broken & ~bad).sum())
        return items[~broken], dropped
    items = items[~bad]
    if not settings.deduplicate:
        return items, dropped
    duplicated = items.duplicated([CONTENT, PART] if settings.source == "datasets" else CONTENT)
    return items[~duplicated], dropped | {"duplicate": int(duplicated.sum())}


def sampled(items: pd.DataFrame, max_items: int | None, seed: int) -> pd.DataFrame:
    """At most `max_items` items in their order: whole groups, chosen in an order that the seed decides.

    A group that is too large for the remaining number is skipped. The position of a group depends only on its
    name and the seed, so a longer source changes the sample little.
    """
    groups = items[GROUP] if GROUP in items.columns else items[ID]
    items = items.assign(group=groups)
    if max_items is None or len(items) <= max_items:
        return items
    left, taken = max_items, set()
    for group, size in groups_in_seeded_order(items, derive_seed(seed, "sample")):
        if size <= left:
            taken.add(group)
            left -= size
    return items[items[GROUP].isin(taken)]


def in_order(items: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """The items with the columns of every corpus first; only a split of the data set's own is stored."""
    if SPLIT in items:
        items = items.assign(**{SPLIT: known_splits(items[SPLIT], dataset).astype(object)})
    first = [name for name in REQUIRED_COLUMNS if name in items]
    return items[[*first, *(name for name in items.columns if name not in first)]]


def check_both_sides(items: pd.DataFrame, settings: DatasetSettings, dataset: str) -> None:
    """Raise DataError if one side of a split would be empty."""
    split = split_of(items, settings.test_share, 0, settings.source == "api-docs")
    if len(np.unique(split)) < 2:
        raise DataError(
            f"data set {dataset}: all {len(items)} items are in the split {split[0]!r} "
            f"({items[GROUP].nunique()} groups); both train and test need items"
        )


def too_few(dataset: str, n_items: int, n_read: int, min_items: int, dropped: dict[str, int]) -> str:
    """The message for a data set with fewer items than `min_items`."""
    reasons = (
        ", ".join(f"{count} {reason}" for reason, count in dropped.items() if count) or "nothing dropped"
    )
    return (
        f"data set {dataset}: {n_items} items of {n_read} remain, fewer than min_items = {min_items} "
        f"({reasons}), which is too few for a reliable estimate. Give more items, relax the cleaning or "
        f"lower min_items"
    )


def description(items: pd.DataFrame) -> dict[str, Any]:
    """The part of the manifest about the corpus itself: counts, hash and labels."""
    labels = [name for name in items.columns if name not in (*REQUIRED_COLUMNS, TOGETHER)]
    return {
        "n_items": len(items),
        "n_groups": int(items[GROUP].nunique()),
        "content_sha256": content_sha256(items[ID], items[CONTENT]),
        "labels": {name: label_summary(items[name]) for name in labels},
    }


def content_sha256(ids: Iterable[str], contents: Iterable[str]) -> str:
    """SHA-256, in hexadecimal, of ids and contents in their order, each pair as a line of JSON."""
    digest = hashlib.sha256()
    for pair in zip(ids, contents, strict=True):
        digest.update(json.dumps(pair).encode() + b"\n")
    return digest.hexdigest()


def label_summary(column: pd.Series) -> dict[str, Any]:
    """The number of labelled items and of different values, and the count of each value if there are few."""
    counts = column.value_counts()
    summary: dict[str, Any] = {"n_labelled": int(column.notna().sum()), "n_values": len(counts)}
    if len(counts) <= MAX_LABELS_SHOWN:
        summary["counts"] = {str(value): int(count) for value, count in counts.items()}
    return summary
