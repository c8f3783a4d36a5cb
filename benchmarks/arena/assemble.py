"""From networks and items to a pool on disk: what is embedded already is not embedded again."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pool import Model, folder_of

Encode = Callable[[Sequence[Any]], Mapping[str, npt.NDArray[np.floating]]]


@dataclass(frozen=True)
class Network:
    """One forward pass that gives the vectors of one or several models, such as layers of a network.

    Attributes:
        family: relatives share it.
        models: names of its models.
        encode: vectors by model of a sequence of items, each of shape (n_items, embed_dim).
        pretrained: its weights come from training on other data, at scale.
        untrained: a network with random weights.
        n_parameters: None where the word has no meaning.
    """

    family: str
    models: tuple[str, ...]
    encode: Encode
    pretrained: bool = False
    untrained: bool = False
    n_parameters: int | None = None


def is_whole(cache: Path, name: str) -> bool:
    """Whether the cache holds the pool with its card, which is written last."""
    return (folder_of(cache, name) / "pool.json").exists()


def embed_parts(folder: Path, networks: Sequence[Network], parts: Mapping[str, Sequence[Any]]) -> None:
    """Write `<folder>/<part>/<model>.npy` for every part and network, float32, unless it is there."""
    for network in networks:
        start = time.process_time()
        for part, items in parts.items():
            paths = {model: folder / part / f"{model}.npy" for model in network.models}
            if not all(path.exists() for path in paths.values()):
                save_all(paths, network.encode(items))
        seconds = time.process_time() - start
        print(f"{folder.name}: {', '.join(network.models)}: {seconds:.0f} s of CPU", flush=True)


def save_all(paths: Mapping[str, Path], vectors: Mapping[str, npt.NDArray[np.floating]]) -> None:
    """Write the vectors of each model to its path.

    Raises:
        ValueError: a value is not finite.
    """
    for model, path in paths.items():
        if not np.isfinite(vectors[model]).all():
            raise ValueError(f"{model} gives values that are not finite; correct its encoder")
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.asarray(vectors[model], dtype=np.float32))


def copy_models(source: Path, target: Path, models: Sequence[str]) -> None:
    """Copy the vectors of models from one pool to another of the same items."""
    for model in models:
        for path in source.glob(f"*/{model}.npy"):
            (target / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / path.parent.name / path.name)


def models_of(networks: Sequence[Network], folder: Path) -> tuple[Model, ...]:
    """The models in the card of a pool, with the widths of the vectors in `<folder>/items`."""
    return tuple(
        Model(
            model,
            each.family,
            each.pretrained,
            each.untrained,
            each.n_parameters,
            int(np.load(folder / "items" / f"{model}.npy", mmap_mode="r").shape[1]),
        )
        for each in networks
        for model in each.models
    )


def read_part(folder: Path, part: str, networks: Sequence[Network]) -> dict[str, npt.NDArray[np.float32]]:
    """The vectors of one part by model."""
    names = [model for network in networks for model in network.models]
    return {model: np.load(folder / part / f"{model}.npy") for model in names}


def in_batches(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """The items in batches of at most `size`, in order."""
    return [items[start : start + size] for start in range(0, len(items), size)]
