"""Computing one embedding of one corpus: the vectors, and the card with their identity, health and cost."""

import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from suffice.data.corpus import Corpus
from suffice.embed.base import Encoder, Loader
from suffice.embed.health import health_card, measure_health
from suffice.embed.identity import embedding_identity, identity_sha256
from suffice.errors import ModelError
from suffice.files import create_array, open_array, sha256_of_file, whole_file, write_json

WINDOW_ITEMS = 4096
BYTES_PER_VALUE = 4  # vectors are stored as float32


def write_embedding(
    loader: Loader[Any], corpus: Corpus, path: Path | str, *, model: str, dataset: str, progress: bool = True
) -> dict[str, Any]:
    """Embed a corpus into `path` (`.npy`) and write the card beside it (`.json`), the card last.

    Memory does not grow with the number of items. If anything fails, neither file is written.

    Args:
        loader: the model.
        corpus: the items.
        path: where the vectors go: float32, shape (n_items, embed_dim), row i = item i.
        model: id of the model.
        dataset: name of the data set.
        progress: show a progress bar on stderr, if that is a terminal.

    Returns:
        The card: model, dataset, identity and its hash, hash of the array, n_items, embed_dim, health, cost.

    Raises:
        ModelError: the model cannot be loaded, or its vectors are not fit for use.
    """
    path, started = Path(path), time.perf_counter()
    loader.check()
    identity = embedding_identity(loader, corpus.sha256)
    encoder = loader.open(corpus)
    opened = time.perf_counter()
    with whole_file(path) as temporary:
        encode_to(temporary, encoder, corpus, model=model, progress=progress)
        seconds = time.perf_counter() - opened
        health = measure_health(open_array(temporary), f"the embedding of {dataset} by model {model}")
        path.with_suffix(".json").unlink(missing_ok=True)  # a card never describes another array
    card = {
        "model": model,
        "dataset": dataset,
        "identity": identity,
        "identity_sha256": identity_sha256(identity),
        "array_sha256": sha256_of_file(path),
        "n_items": health.n_items,
        "embed_dim": health.embed_dim,
        "health": health_card(health, encoder.n_truncated, loader.warnings() + encoder.warnings()),
        "cost": _cost(loader, encoder, corpus.n_items, seconds) | {"load_seconds": opened - started},
    }
    write_json(card, path.with_suffix(".json"))
    return card


def encode_to(temporary: Path, encoder: Encoder, corpus: Corpus, *, model: str, progress: bool) -> None:
    """Encode window after window into a memory map."""
    shape = (corpus.n_items, encoder.embed_dim)
    if 0 in shape:
        raise ModelError(f"model {model} would make vectors of shape {shape}; there is nothing to embed")
    array = create_array(temporary, shape)
    bar = tqdm(total=corpus.n_items, desc=model, unit=" items", disable=None if progress else True)
    with bar:
        for window in corpus.windows(WINDOW_ITEMS):
            vectors = encoder.encode(window)
            if vectors.shape != (len(window), encoder.embed_dim):
                raise ModelError(
                    f"model {model} gave vectors of shape {vectors.shape} for {len(window)} items; "
                    f"its width should be {encoder.embed_dim}"
                )
            array[window.start : window.start + len(window)] = vectors
            bar.update(len(window))
    array.flush()


def _cost(loader: Loader[Any], encoder: Encoder, n_items: int, seconds: float) -> dict[str, Any]:
    """What the embedding cost: encoding alone, without loading or fitting the model."""
    cost = {
        "seconds": seconds,
        "seconds_per_1000_items": 1000.0 * seconds / n_items,
        "n_parameters": encoder.n_parameters,
        "embed_dim": encoder.embed_dim,
        "bytes_per_vector": BYTES_PER_VALUE * encoder.embed_dim,
        "device": loader.device,
    }
    batch_size = getattr(loader.settings, "batch_size", None)
    return cost if batch_size is None else cost | {"batch_size": batch_size}
