"""What source and target see of an item (the same, or two looks), and the work on a model for each view."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy.typing as npt

from suffice.data.look_settings import SAME
from suffice.data.looks import LookTable
from suffice.errors import EstimationError
from suffice.estimators.base import Embedding, Estimator, Prepared, load_prepared, save_prepared
from suffice.estimators.items import ItemPlan, divide_items
from suffice.estimators.looks import Chosen, Looks
from suffice.estimators.regression.tiling import PairKey
from suffice.estimators.result import Sufficiency
from suffice.storage.files import open_array, read_json, sha256_of_json

Parts = tuple[Prepared, ...]


@dataclass(frozen=True)
class StoredModel:
    """The files of a model in a study.

    Attributes:
        vectors: the embedding, `.npy`, with its card `.json` beside it.
        prepared: the file that the estimator prepared from it, `.npz`.
        looks: its vectors of looks at the items, if there are any, with their card beside them.
    """

    vectors: Path
    prepared: Path
    looks: Path | None = None

    @property
    def sha256_of_arrays(self) -> list[str]:
        """Hashes of the vectors of items and of looks, from their cards."""
        paths = [self.vectors, *([self.looks] if self.looks else [])]
        return [str(read_json(path.with_suffix(".json"))["array_sha256"]) for path in paths]


class View(ABC):
    """How a pair's source and target see an item.

    Attributes:
        name: in the column `looks` of tables.
        parts: names of a model's parts in its prepared file.
        plan: division of the items, or of the pairs of looks.
    """

    name: str
    parts: ClassVar[tuple[str, ...]]
    plan: ItemPlan

    @abstractmethod
    def arrays(self, model: StoredModel) -> tuple[Embedding, ...]:
        """The vectors that each part of a model is prepared from."""

    @abstractmethod
    def sha256_of(self, model: StoredModel) -> str:
        """Hash of these vectors."""

    @abstractmethod
    def prepare(self, estimator: Estimator[Any], model: StoredModel) -> Parts:
        """Do the work on a model that all its pairs share, one part after the other."""

    @abstractmethod
    def pairs(
        self, estimator: Estimator[Any], models: Mapping[str, Parts], wanted: Sequence[PairKey]
    ) -> Iterator[tuple[str, str, Sufficiency]]:
        """Estimate I_S(U -> V) for the wanted pairs: source, target, result, in any order."""

    def load(self, estimator: Estimator[Any], model: StoredModel) -> Parts:
        """The parts of a prepared model, with their vectors opened.

        Raises:
            DataError: the file is missing or damaged.
        """
        kind, arrays = estimator.Prepared, self.arrays(model)
        return tuple(
            load_prepared(kind, model.prepared, part, array, self.plan)
            for part, array in zip(self.parts, arrays, strict=True)
        )


@dataclass(frozen=True)
class OneLook(View):
    """Source and target see the same item."""

    plan: ItemPlan
    name = SAME
    parts = (SAME,)

    def arrays(self, model: StoredModel) -> tuple[Embedding, ...]:
        """The vectors of the items."""
        return (open_array(model.vectors),)

    def sha256_of(self, model: StoredModel) -> str:
        """Hash of the vectors of the items."""
        return model.sha256_of_arrays[0]

    def prepare(self, estimator: Estimator[Any], model: StoredModel) -> Parts:
        """Prepare the items."""
        (items,) = self.arrays(model)
        estimator.check_memory(items)
        return (estimator.prepare(items, self.plan),)

    def pairs(
        self, estimator: Estimator[Any], models: Mapping[str, Parts], wanted: Sequence[PairKey]
    ) -> Iterator[tuple[str, str, Sufficiency]]:
        """The pairs of an estimator."""
        return estimator.all_pairs(Chosen(models, lambda parts: parts[0]), wanted)


@dataclass(frozen=True)
class TwoLooks(View):
    """The source sees one look and the target the other, and then the other way round.

    Attributes:
        plan: division of the pairs of looks.
        table: the pairs of looks.
    """

    plan: ItemPlan
    table: LookTable
    parts = ("first", "second")

    @property
    def name(self) -> str:  # type: ignore[override]
        """How the looks were made."""
        return self.table.kind

    def arrays(self, model: StoredModel) -> tuple[Embedding, ...]:
        """The vectors of the first looks and of the second ones."""
        looks = open_array(model.looks) if model.looks else None
        return self.table.vectors(open_array(model.vectors), looks)

    def sha256_of(self, model: StoredModel) -> str:
        """Hash of the table of looks and of the vectors that it refers to."""
        return sha256_of_json([self.table.sha256, *model.sha256_of_arrays])

    def prepare(self, estimator: Estimator[Any], model: StoredModel) -> Parts:
        """Prepare both looks."""
        first, second = self.arrays(model)
        return tuple(estimator.prepare_looks(first, second, self.plan))

    def pairs(
        self, estimator: Estimator[Any], models: Mapping[str, Parts], wanted: Sequence[PairKey]
    ) -> Iterator[tuple[str, str, Sufficiency]]:
        """The pairs of an estimator across the looks."""
        return estimator.all_look_pairs(Chosen(models, lambda parts: Looks(*parts)), wanted)


def stored_models(
    names: Sequence[str], vectors: Sequence[str], prepared: Sequence[str], looks: Sequence[str]
) -> dict[str, StoredModel]:
    """Models by name from their files, given in the order of the names.

    Args:
        names: names of the models.
        vectors: their embeddings.
        prepared: the prepared file of each.
        looks: their vectors of looks; empty if there are no looks.
    """
    of_looks: Sequence[Path | None] = list(map(Path, looks)) or [None] * len(names)
    files = zip(map(Path, vectors), map(Path, prepared), of_looks, strict=True)
    return {name: StoredModel(*each) for name, each in zip(names, files, strict=True)}


def views_of(estimator: Estimator[Any], groups: npt.NDArray[Any], looks: LookTable | None) -> list[View]:
    """The views that an estimator has of a data set: one look, and two looks if there are any.

    Args:
        estimator: the estimator, whose seed divides the items.
        groups: group of each item, shape (n_items,).
        looks: pairs of looks at the items; None, or a table without pairs, if there is only one look.

    Raises:
        EstimationError: the estimator needs two looks, and there is only one.
    """
    views: list[View] = []
    if not estimator.needs_two_looks:
        views.append(OneLook(divide_items(len(groups), groups, estimator.seed)))
    if looks is not None and looks.n_pairs:
        views.append(TwoLooks(divide_items(looks.n_pairs, looks.group, estimator.seed), looks))
    if not views:
        raise EstimationError(
            f"estimator {estimator.name!r} with these settings needs two looks at an item, but the data set "
            "has only one; set views in datasets.tsv"
        )
    return views


def prepare_views(estimator: Estimator[Any], model: StoredModel, views: list[View]) -> None:
    """Do the work on one model that all its pairs share, for each view, and store it.

    Raises:
        EstimationError: the model cannot be prepared.
    """
    parts = {
        part: prepared
        for view in views
        for part, prepared in zip(view.parts, view.prepare(estimator, model), strict=True)
    }
    save_prepared(parts, model.prepared)
