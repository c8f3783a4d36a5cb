"""A pool of the arena on disk: vectors of whole items and of two looks at them, and results of tasks.

    <cache>/pools/<pool>/pool.json           card: what the pool is, and its models (see `Card` and `Model`)
    <cache>/pools/<pool>/items/<model>.npy   vectors of whole items, shape (n_items, embed_dim)
    <cache>/pools/<pool>/first/<model>.npy   vectors of the first look, shape (n_looks, embed_dim)
    <cache>/pools/<pool>/second/<model>.npy  vectors of the second look at the same items, in the same order
    <cache>/pools/<pool>/items.csv           row, group: group of each whole item, if items come in groups
    <cache>/pools/<pool>/looks.csv           row, group: group of each row of the looks, likewise
    <cache>/pools/<pool>/tasks.csv           task, kind, model, value, standard_error; higher is better

The rows of `items` and those of the looks need not be the same items. `tasks.csv` is not read before the
rankings are made: labels judge, and nothing is fitted to them.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Vectors = Mapping[str, npt.NDArray[np.float32]]
Part = Literal["items", "first", "second"]
PARTS: tuple[Part, ...] = ("items", "first", "second")
TASK_COLUMNS = ["task", "kind", "model", "value", "standard_error"]


@dataclass(frozen=True)
class Model:
    """Facts about a model without labels.

    Attributes:
        model: its name, the name of its files.
        family: relatives (layers, principal components, sizes of one recipe) share it.
        pretrained: its weights come from training on other data, at scale.
        untrained: a network with random weights.
        n_parameters: None where the word has no meaning.
        embed_dim: width of its vectors.
    """

    model: str
    family: str
    pretrained: bool
    untrained: bool
    n_parameters: int | None
    embed_dim: int


@dataclass(frozen=True)
class Card:
    """Facts about a pool.

    Attributes:
        name: its name, the name of its folder.
        modality: "text", "image", "sound" or "molecule".
        looks: how the two looks at an item were made: "halves", "group", "crops", "segments", ...
        about: items, looks, and whether tasks are about what belongs together, in a few sentences.
        variant_of: name of the pool with the same models and tasks and other looks; such a pool does not
            count in means over pools. Empty for a pool of its own.
        models: the models.
    """

    name: str
    modality: str
    looks: str
    about: str
    models: tuple[Model, ...]
    variant_of: str = ""

    @property
    def model_names(self) -> list[str]:
        """Names of the models in their order."""
        return [each.model for each in self.models]


@dataclass(frozen=True)
class ArenaPool:
    """A pool without its labels.

    Attributes:
        card: what it is.
        items: vectors of whole items by model.
        first: vectors of the first look by model.
        second: vectors of the second look by model.
        item_groups: group of each whole item; None if each is a group of its own.
        look_groups: group of each row of the looks; None likewise.
    """

    card: Card
    items: Vectors
    first: Vectors
    second: Vectors
    item_groups: npt.NDArray[np.object_] | None = None
    look_groups: npt.NDArray[np.object_] | None = None


def folder_of(cache: Path, name: str) -> Path:
    """The folder of a pool."""
    return cache / "pools" / name


def write_vectors(folder: Path, part: Part, model: str, vectors: npt.NDArray[np.floating]) -> None:
    """Write the vectors of one part by one model, as float32."""
    (folder / part).mkdir(parents=True, exist_ok=True)
    np.save(folder / part / f"{model}.npy", np.asarray(vectors, dtype=np.float32))


def write_groups(folder: Path, part: Literal["items", "looks"], groups: npt.ArrayLike) -> None:
    """Write the group of each row."""
    pd.DataFrame({"group": np.asarray(groups)}).rename_axis("row").to_csv(folder / f"{part}.csv")


def write_card(folder: Path, card: Card) -> None:
    """Write the card, last of all: a folder with a card holds a whole pool."""
    (folder / "pool.json").write_text(json.dumps(asdict(card), indent=1))


def write_tasks(folder: Path, tasks: pd.DataFrame) -> None:
    """Write the results of the tasks.

    Raises:
        ValueError: a column is missing, a value is not finite, or a model lacks a task.
    """
    missing = [column for column in TASK_COLUMNS if column not in tasks]
    if missing:
        raise ValueError(f"tasks lack the columns {missing}; give {TASK_COLUMNS}")
    values = tasks.pivot(index="model", columns="task", values="value")
    if not np.isfinite(values.to_numpy()).all():
        raise ValueError(f"tasks lack values for {list(values.index[values.isna().any(axis=1)])}")
    tasks.to_csv(folder / "tasks.csv", index=False)


def read_card(folder: Path) -> Card:
    """The card of a pool."""
    held = json.loads((folder / "pool.json").read_text())
    return Card(**{**held, "models": tuple(Model(**each) for each in held["models"])})


def read_pool(folder: Path) -> ArenaPool:
    """The pool without its labels, vectors memory-mapped.

    Raises:
        ValueError: models differ in their number of rows.
    """
    card = read_card(folder)
    parts = {part: _read_part(folder, part, card.model_names) for part in PARTS}
    return ArenaPool(
        card, **parts, item_groups=_groups(folder, "items"), look_groups=_groups(folder, "looks")
    )


def _read_part(folder: Path, part: Part, models: list[str]) -> dict[str, npt.NDArray[np.float32]]:
    arrays = {model: np.load(folder / part / f"{model}.npy", mmap_mode="r") for model in models}
    if len({len(array) for array in arrays.values()}) > 1:
        sizes = {model: len(array) for model, array in arrays.items()}
        raise ValueError(f"{folder / part}: numbers of rows differ: {sizes}; make the pool again")
    return arrays


def _groups(folder: Path, part: str) -> npt.NDArray[np.object_] | None:
    path = folder / f"{part}.csv"
    return pd.read_csv(path, dtype={"group": str})["group"].to_numpy(dtype=object) if path.exists() else None


def read_tasks(folder: Path) -> pd.DataFrame:
    """The results of the tasks."""
    return pd.read_csv(folder / "tasks.csv")
