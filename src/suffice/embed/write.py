"""Computing one embedding of one corpus: the vectors, and a card with their identity, health and cost."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suffice.data.corpus import Corpus
from suffice.embed.base import Encoder, Loader
from suffice.embed.encode import encode_to
from suffice.embed.identity import embedding_identity, identity_sha256
from suffice.embed.looks import LooksToEmbed
from suffice.embed.roles import columns_with_roles, roles_sha256
from suffice.embed.shards import Effort, join_shards, rows_of_shard, write_effort
from suffice.errors import ModelError
from suffice.health import health_card, measure_health
from suffice.secrets import for_sharing
from suffice.storage.files import open_array, sha256_of_file, whole_file, write_json

BYTES_PER_VALUE = 4  # vectors are stored as float32


def write_embedding(
    loader: Loader[Any],
    corpus: Corpus,
    path: Path | str,
    *,
    model: str,
    dataset: str,
    shards: Sequence[Path | str] = (),
    looks: LooksToEmbed | None = None,
) -> dict[str, Any]:
    """Embed a corpus into `path` (`.npy`), then write the card beside it (`.json`).

    Memory does not grow with the number of items. If anything fails, no file is written. Looks at the items
    are embedded by the same open model, which is fitted on the items themselves.

    Args:
        loader: the model.
        corpus: the items.
        path: file for the vectors: float32, shape (n_items, embed_dim), row i = item i.
        model: id of the model.
        dataset: name of the data set.
        shards: blocks of rows from `write_shard`, in order; they are joined instead of embedding.
        looks: looks at the items, which are embedded too.

    Returns:
        The card: model, dataset, identity and its hash, hash of the array, n_items, embed_dim, health,
        made_from (hashes of the vectors that it is made from), cost.

    Raises:
        ModelError: the model cannot be loaded, its vectors cannot be used, or shards do not match.
    """
    path = Path(path)
    loader.check()
    identity = identity_on(loader, corpus)
    with whole_file(path) as temporary:
        if shards:
            opened = None
            effort = join_shards(
                temporary, list(map(Path, shards)), identity_sha256(identity), corpus.n_items
            )
        else:
            rows = range(corpus.n_items)
            opened, effort = _embed(temporary, loader, corpus, rows, model=model)
        health = measure_health(open_array(temporary), f"the embedding of {dataset} by model {model}")
        if looks is not None:
            looks.write(opened, identity, model=model)
        path.with_suffix(".json").unlink(missing_ok=True)  # a card never describes another array
    card = {
        "model": model,
        "dataset": dataset,
        "identity": identity,
        "identity_sha256": identity_sha256(identity),
        "array_sha256": sha256_of_file(path),
        "n_items": health.n_items,
        "embed_dim": health.embed_dim,
        "health": health_card(health, effort.n_truncated, list(effort.warnings)),
        "made_from": _made_from(loader, identity),
        "cost": _cost(loader, effort, corpus.n_items, health.embed_dim),
    }
    write_json(for_sharing(card), path.with_suffix(".json"))
    return card


def write_shard(
    loader: Loader[Any],
    corpus: Corpus,
    path: Path | str,
    *,
    model: str,
    shard: int,
    n_shards: int,
    looks: LooksToEmbed | None = None,
) -> None:
    """Embed a block of a corpus's rows into `path` (`.npy`), and write its effort beside it (`.json`).

    The model is loaded, or fitted, on the whole corpus, so the rows equal those of a single job.

    Args:
        loader: the model.
        corpus: all items.
        path: file for the vectors.
        model: id of the model.
        shard: number of the block, from 0.
        n_shards: number of blocks.
        looks: looks at the items; a block of them is embedded too.

    Raises:
        ModelError: the model cannot be loaded, or returned vectors of the wrong width.
    """
    path = Path(path)
    loader.check()
    rows = rows_of_shard(corpus.n_items, shard, n_shards)
    identity = identity_on(loader, corpus)
    with whole_file(path) as temporary:
        opened, effort = _embed(temporary, loader, corpus, rows, model=model)
        if looks is not None:
            looks.write_shard(opened, identity, model=model, shard=shard, n_shards=n_shards)
    write_effort(effort, rows, identity_sha256(identity), path)


def identity_on(loader: Loader[Any], corpus: Corpus) -> dict[str, Any]:
    """The identity of a model's embedding of a corpus, with the items' roles where they matter.

    Raises:
        ModelError: the corpus has queries and documents, and they would not be treated as the model intends.
    """
    return embedding_identity(loader, corpus.sha256) | _roles(loader, corpus)


def _roles(loader: Loader[Any], corpus: Corpus) -> dict[str, Any]:
    """The part of the identity that tells queries from documents, where these are treated differently.

    Raises:
        ModelError: the corpus has both, and they would not be treated as the model intends.
    """
    for name in columns_with_roles(corpus):
        loader.check_roles(name)
    column = getattr(loader.settings, "role_column", None)
    return {} if column is None else {"roles_sha256": roles_sha256(corpus, column)}


def _embed(
    temporary: Path, loader: Loader[Any], corpus: Corpus, rows: range, *, model: str
) -> tuple[Encoder, Effort]:
    """Load the model and encode rows of the corpus; returns the model and the effort."""
    started = time.perf_counter()
    encoder = loader.open(corpus)
    load_seconds = time.perf_counter() - started
    if 0 in (corpus.n_items, encoder.embed_dim):
        shape = (len(rows), encoder.embed_dim)
        raise ModelError(f"model {model} would return vectors of shape {shape}; check data set and settings")
    spent = encode_to(temporary, encoder, corpus, rows, model)
    effort = Effort(
        cpu_seconds=spent.cpu_seconds,
        device_seconds=spent.wall_seconds if loader.uses_device and loader.device != "cpu" else None,
        load_seconds=load_seconds,
        n_parameters=encoder.n_parameters,
        n_truncated=encoder.n_truncated,
        n_tokens=spent.n_tokens,
        warnings=tuple(loader.warnings() + encoder.warnings()),
    )
    return encoder, effort


def _cost(loader: Loader[Any], effort: Effort, n_items: int, embed_dim: int) -> dict[str, Any]:
    """The cost of encoding, without loading or fitting the model, and without the models it is made from.

    CPU seconds are unknown (None) where another process did the work, such as for vectors from a file.
    """
    cpu_seconds = effort.cpu_seconds if loader.computes else None
    cost = {
        "cpu_seconds": cpu_seconds,
        "cpu_seconds_per_1000_items": _per(n_items / 1000, cpu_seconds),
        "device_seconds": effort.device_seconds,
        "device_seconds_per_1000_items": _per(n_items / 1000, effort.device_seconds),
        "tokens_per_item": _per(n_items, effort.n_tokens),
        "load_seconds": effort.load_seconds,
        "n_parameters": effort.n_parameters,
        "embed_dim": embed_dim,
        "bytes_per_vector": BYTES_PER_VALUE * embed_dim,
        "device": loader.device,
        **loader.cost(),
    }
    batch_size = getattr(loader.settings, "batch_size", None)
    return cost if batch_size is None else cost | {"batch_size": batch_size}


def _made_from(loader: Loader[Any], identity: dict[str, Any]) -> list[str]:
    """Hashes of the other models' vectors that a model is made from; empty for most."""
    is_derived = loader.new_items == "follows"
    return list(identity["loader"].get("files_sha256", {}).values()) if is_derived else []


def _per(number: float, value: float | None) -> float | None:
    return None if value is None else value / number
