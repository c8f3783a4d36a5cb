"""The interface of every estimator: a density family and its fitting, behind two methods."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from suffice.errors import DataError, EstimationError
from suffice.estimators.items import ItemPlan, check_seed, divide_items
from suffice.estimators.looks import Chosen, Looks, check_shapes, mean_of_looks
from suffice.estimators.regression.tiling import PairKey, every_pair
from suffice.estimators.result import Sufficiency
from suffice.memory import check_memory
from suffice.settings import Settings, describe_validation_error
from suffice.storage.files import whole_file
from suffice.storage.untrusted import UNREADABLE

Embedding = npt.NDArray[np.floating]


class Prepared(ABC):
    """The work on one model that all its pairs share. It can be stored on disk beside the embedding.

    Attributes:
        plan: the division of the items.
        dim: number of dimensions that vary.
    """

    plan: ItemPlan

    @property
    @abstractmethod
    def dim(self) -> int:
        """Number of dimensions that vary."""

    @abstractmethod
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything but the embedding and the plan, as plain arrays."""

    @classmethod
    @abstractmethod
    def from_arrays(
        cls, arrays: Mapping[str, npt.NDArray[Any]], embedding: Embedding, plan: ItemPlan
    ) -> Self:
        """What `arrays` described, with the embedding and the plan it was prepared from."""


P = TypeVar("P", bound=Prepared)
M = TypeVar("M")
T = TypeVar("T")


class Estimator(ABC, Generic[P]):
    """A density family and its fitting.

    Class attributes: `name` in configurations and tables; `summary`, one line; `about`, sentences for the
    page on what the family can see and when you can trust it; `uses_device`, whether torch fits it;
    `shares_work`, whether pairs of several targets share work, so that one job of a study estimates all of
    them; `counts_dimensions`, whether nats are divided by the dimensions of the target. If the target is one
    category per item, `target_dim` is 1, and nats per dimension are nats.

    Args:
        seed: seed of everything random in the fit. It is the same for all pairs, so no pair depends on which
            others are estimated.
        device: torch device, for families that are fitted with torch.
        **settings: the family's own settings.

    Raises:
        EstimationError: unknown setting or a value out of its range.

    Example:
        >>> from suffice import ESTIMATORS
        >>> linear = ESTIMATORS["linear"](seed=1, variance_floor=0.01)
        >>> linear.name, linear.seed, linear.settings.variance_floor
        ('linear', 1, 0.01)
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    about: ClassVar[str]
    uses_device: ClassVar[bool] = False
    shares_work: ClassVar[bool] = False
    counts_dimensions: ClassVar[bool] = True
    Settings: ClassVar[type[Settings]]
    Prepared: ClassVar[type[Prepared]]

    def __init__(self, seed: int = 0, device: str = "cpu", **settings: Any) -> None:
        try:
            self.settings = self.Settings(**settings)
        except ValidationError as error:
            problem = describe_validation_error(error, self.Settings)
            raise EstimationError(f"estimator {self.name!r}: {problem}") from None
        check_seed(seed)
        self.seed = int(seed)
        self.device = device

    @property
    def held_out(self) -> bool:
        """Whether every item is scored by densities that were not fitted on it."""
        return True

    @property
    def needs_two_looks(self) -> bool:
        """Whether the estimator has nothing to estimate if source and target see the same input."""
        return False

    def memory_bytes(self, n_items: int, dim: int) -> int:
        """Bytes that preparing a model takes at least: its vectors as float32."""
        return 4 * n_items * dim

    def check_memory(self, embedding: Embedding) -> None:
        """Raise SufficeError if there is less memory than preparing a model takes at least."""
        n_items, dim = embedding.shape
        check_memory(
            self.memory_bytes(n_items, dim),
            f"the estimator {self.name} with {n_items:,} vectors of {dim:,} dimensions",
            "give it more, take fewer items, or reduce the dimensions with the loader principal_components",
        )

    @abstractmethod
    def prepare(self, embedding: Embedding, plan: ItemPlan | None = None) -> P:
        """Do the work on one model that all its pairs share.

        Args:
            embedding: shape (n_items, embed_dim); may be a memory map, which is then streamed.
            plan: division of the items; None: every item is its own group.

        Raises:
            EstimationError: NaN or infinite values, no varying dimension, or too few items.
        """

    def prepare_all(self, embeddings: Mapping[str, Embedding], plan: ItemPlan) -> dict[str, P]:
        """Prepare several models, in the order given.

        Raises:
            EstimationError: a model cannot be prepared; the message begins with its name.
        """
        prepared = self.over_models(lambda name: self.prepare_named(name, embeddings[name], plan), embeddings)
        return dict(zip(embeddings, prepared, strict=True))

    def over_models(self, work: Callable[[str], T], names: Iterable[str]) -> list[T]:
        """What some work gives for each model, in the order of the names.

        A family whose work uses one thread at a time overrides this and works on several models at once.
        """
        return [work(name) for name in names]

    def prepare_named(self, name: str, embedding: Embedding, plan: ItemPlan) -> P:
        """Prepare one model. An error message begins with its name."""
        self.check_memory(embedding)
        with naming(name):
            return self.prepare(embedding, plan)

    def pair(self, source: Embedding, target: Embedding, plan: ItemPlan) -> Sufficiency:
        """Estimate I_S(U -> V) for one pair, from its vectors.

        A family that needs less of a target than of a source overrides this.

        Args:
            source: vectors of the source, shape (n_items, d_u).
            target: vectors of the target for the same items, shape (n_items, d_v).
            plan: division of the items.

        Raises:
            EstimationError: a side cannot be prepared; the message names it.
        """
        prepared = self.prepare_all({"source": source, "target": target}, plan)
        ((_, result),) = self.pairs({"source": prepared["source"]}, prepared["target"])
        return result

    @abstractmethod
    def pairs(self, sources: Mapping[str, P], target: P) -> Iterator[tuple[str, Sufficiency]]:
        """Estimate I_S(U -> V) for every source U and one target V, one after the other.

        Raises:
            EstimationError: source and target were prepared from different items.
        """

    def all_pairs(
        self, prepared: Mapping[str, P], wanted: Sequence[PairKey] | None = None
    ) -> Iterator[tuple[str, str, Sufficiency]]:
        """Estimate I_S(U -> V) for many pairs of models: source, target, result, in any order.

        A family that can share work between pairs of different targets overrides this. The results equal
        those of `pairs`.

        Args:
            prepared: all models by name; a model may be read when it is looked up.
            wanted: the pairs (source, target), each once; None: every model with every model.

        Raises:
            EstimationError: models were prepared from different items.
        """
        for target, sources in by_target(prepared, wanted).items():
            for source, result in self.pairs(sources, prepared[target]):
                yield source, target, result

    def prepare_looks(self, first: Embedding, second: Embedding, plan: ItemPlan | None = None) -> Looks[P]:
        """Do the work on the two looks of one model that all its pairs share.

        Args:
            first: vectors of the first look at each item, shape (n_items, embed_dim).
            second: vectors of the second look at the same items in the same order, of the same shape.
            plan: division of the items, for both looks; None: every item is its own group.

        Raises:
            EstimationError: the looks differ in shape, or one cannot be prepared; the message says which one.
        """
        check_shapes(first, second)
        return Looks(self._prepare_look("first", first, plan), self._prepare_look("second", second, plan))

    def _prepare_look(self, which: str, embedding: Embedding, plan: ItemPlan | None) -> P:
        self.check_memory(embedding)
        with naming(f"{which} look"):
            return self.prepare(embedding, plan)

    def prepare_all_looks(
        self, first: Mapping[str, Embedding], second: Mapping[str, Embedding], plan: ItemPlan
    ) -> dict[str, Looks[P]]:
        """Prepare both looks of several models, in the order given.

        Args:
            first: vectors of the first look by model.
            second: vectors of the second look, of the same models.
            plan: division of the items.

        Raises:
            EstimationError: one cannot be prepared; the message begins with its name.
        """
        prepared = self.over_models(
            lambda name: self._prepare_named_looks(name, first[name], second[name], plan), first
        )
        return dict(zip(first, prepared, strict=True))

    def _prepare_named_looks(
        self, name: str, first: Embedding, second: Embedding, plan: ItemPlan
    ) -> Looks[P]:
        with naming(name):
            return self.prepare_looks(first, second, plan)

    def look_pairs(
        self, sources: Mapping[str, Looks[P]], target: Looks[P]
    ) -> Iterator[tuple[str, Sufficiency]]:
        """Estimate I_S(U -> V) across two looks for every source U and one target V.

        Args:
            sources: both looks of each source by name.
            target: both looks of the target, which may also be a source.

        Raises:
            EstimationError: source and target were prepared from different items.
        """
        there = self.pairs(Chosen(sources, lambda looks: looks.first), target.second)
        back = self.pairs(Chosen(sources, lambda looks: looks.second), target.first)
        for (name, one), (_, other) in zip(there, back, strict=True):
            yield name, mean_of_looks(one, other)

    def all_look_pairs(
        self, prepared: Mapping[str, Looks[P]], wanted: Sequence[PairKey] | None = None
    ) -> Iterator[tuple[str, str, Sufficiency]]:
        """Estimate I_S(U -> V) across two looks for many pairs, as `all_pairs` does.

        Args:
            prepared: both looks of all models by name; a model may be read when it is looked up.
            wanted: the pairs (source, target), each once; None: every model with every model.

        Raises:
            EstimationError: models were prepared from different items.
        """
        for target, sources in by_target(prepared, wanted).items():
            for source, result in self.look_pairs(sources, prepared[target]):
                yield source, target, result

    def plan_for(self, embedding: Embedding, plan: ItemPlan | None) -> ItemPlan:
        """The given plan, checked against the embedding, or a plan in which every item is its own group."""
        if plan is None:
            return divide_items(len(embedding), seed=self.seed)
        if plan.n_items != len(embedding):
            raise EstimationError(
                f"the embedding has {len(embedding)} rows but the data set has {plan.n_items} items; "
                "embed the model on this data set again"
            )
        return plan


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Within the block, the message of an EstimationError begins with a name."""
    try:
        yield
    except EstimationError as error:
        raise EstimationError(f"{name}: {error}") from error


def by_target(models: Mapping[str, M], wanted: Sequence[PairKey] | None) -> dict[str, Mapping[str, M]]:
    """The sources of each target, among the wanted pairs (source, target).

    Args:
        models: all models by name.
        wanted: the pairs; None: every model with every model.
    """
    sources: dict[str, list[str]] = {}
    for source, target in every_pair(models) if wanted is None else wanted:
        sources.setdefault(target, []).append(source)
    return {target: Chosen(models, lambda model: model, names) for target, names in sources.items()}


def check_same_items(name: str, source: Prepared, target: Prepared) -> None:
    """Raise EstimationError unless source and target were prepared with the same division of the items."""
    if source.plan.n_items != target.plan.n_items:
        raise EstimationError(
            f"{name} has {source.plan.n_items} items but target has {target.plan.n_items}; "
            "embed both models on the same data set, in the same order"
        )
    if source.plan.sha256 != target.plan.sha256:
        raise EstimationError(f"{name} and target divide their items differently; prepare both again")


def save_prepared(parts: Mapping[str, Prepared], path: Path) -> None:
    """Write the prepared parts of a model as `.npz`, without pickles, whole or not at all.

    Args:
        parts: the prepared parts by name: one for one look, two for two looks.
        path: the file.
    """
    arrays = {
        f"{part}/{name}": array
        for part, prepared in parts.items()
        for name, array in prepared.arrays().items()
    }
    with whole_file(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def load_prepared(kind: type[P], path: Path, part: str, embedding: Embedding, plan: ItemPlan) -> P:
    """Read a part of what `save_prepared` wrote.

    Args:
        kind: class that the estimator prepares.
        path: the file.
        part: name of the part.
        embedding: array that it was prepared from.
        plan: division of its items.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return kind.from_arrays(_Part(arrays, part), embedding, plan)
    except UNREADABLE as error:
        raise DataError(f"{path} is damaged ({error}); delete it and run again") from error


class _Part(Mapping[str, npt.NDArray[Any]]):
    """The arrays of one part. Each is read when it is looked up."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], part: str) -> None:
        self.arrays, self.prefix = arrays, f"{part}/"

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.arrays[self.prefix + name]

    def __iter__(self) -> Iterator[str]:
        return (name.removeprefix(self.prefix) for name in self.arrays if name.startswith(self.prefix))

    def __len__(self) -> int:
        return sum(1 for _ in self)
