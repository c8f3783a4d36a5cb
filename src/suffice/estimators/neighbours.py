r"""The neighbour family: which items are near in the target, by a softmax over nearness in the source.

The source does not predict the target's vectors but which items are near in them, a categorical variable:

.. math:: I_N(U \to V) = \frac1n \sum_i \Big[ \log |C_i| - \sum_j w^V_{ij}
          \Big( \log \sum_{l \in C_i} e^{s^U_{il} / t} - s^U_{ij} / t \Big) \Big]

where s is the cosine of vectors with standardised dimensions. C_i are the candidates, all items except those
of i's group (without groups log |C_i| is log(n - 1) nats). w^V_ij = 1/k for the k nearest of i in V.
Candidates that are as near as the k-th share its weight. This is V-information (Xu et al., ICLR 2020, arXiv
2002.10689) for distributions over items with one free parameter, the temperature t. The softmax over cosines
is that of InfoNCE (van den Oord et al. 2018, arXiv 1807.03748). t is fitted on the items of every second
block and scored on the others, and the other way round. t may be infinite, which gives 0. The estimate is
therefore about 0 by chance and at most the mean of log |C_i|.

With two looks, the cosines are between U(x1_i) and U(x2_l), and the nearest items are those of V(x2_i) among
V(x2_l). The result is the mean over this and the same with the looks swapped. With `target: own` the only
right answer is the item itself in its other look. It is one of the candidates, and V does not matter.

Cosines of all items are computed once per model, not once per pair. They give the model's own nearest items
and the sums of its softmax at every temperature. Above 12,800 items, a sample of that many are queries, and
the candidates are always all items. `answers` computes the standard error.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, partial
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from suffice.errors import EstimationError
from suffice.estimators.answers import Answers, half_of
from suffice.estimators.base import Embedding, Estimator, Prepared, check_same_items
from suffice.estimators.items import N_BLOCKS, UNIT_ITEMS, Integers, ItemPlan, UnitSample, large_group_warning
from suffice.estimators.looks import Looks, check_shapes, mean_of_looks
from suffice.estimators.nearness import (
    Candidates,
    Nearest,
    nearest,
    over_blocks,
    standard_unit_rows,
)
from suffice.estimators.regression.tiling import PairKey, every_pair, pool
from suffice.estimators.result import Sufficiency, block_standard_error
from suffice.estimators.softmax import Floats32, LogSums, Softmax, log_sums
from suffice.estimators.standardise import Standardisation, standardise
from suffice.seeds import derive_seed
from suffice.settings import Settings

MAX_ASKED = N_BLOCKS * UNIT_ITEMS  # queries; at least one unit of each block


class NeighboursSettings(Settings):
    """Settings of the estimator `neighbours`."""

    k: int = Field(
        default=1, ge=1, le=100, description="number of nearest items in the target that have to be found"
    )
    target: Literal["neighbours", "own"] = Field(
        default="neighbours",
        description="right answer: neighbours, the nearest items in the target; or own, the item's own other "
        "look, which needs two looks and does not depend on the target",
    )


@dataclass(frozen=True)
class PreparedNeighbours(Prepared):
    """What the pairs of a model share: the sums of its softmax, and which items are near.

    Attributes:
        embedding: shape (n_items, embed_dim), not standardised; may be a memory map.
        plan: the division of the items.
        standardisation: of the dimensions that vary.
        sums: softmax sums over its other items, or over those of the other look if it is one of two looks.
        near: the nearest items of each query, or the item itself in its other look if that is the target.
        is_look: whether it is one of two looks.
    """

    embedding: Embedding
    plan: ItemPlan
    standardisation: Standardisation
    sums: LogSums
    near: Nearest
    is_look: bool

    @property
    def dim(self) -> int:
        """Number of dimensions that vary."""
        return self.standardisation.dim

    @cached_property
    def asked(self) -> UnitSample:
        """The items that are queries."""
        return self.plan.sample_of(MAX_ASKED)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything but the embedding and the plan, as plain arrays."""
        own = {"is_look": np.array(self.is_look), **vars(self.sums), **vars(self.near)}
        return self.standardisation.arrays() | own

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, npt.NDArray[Any]], embedding: Embedding, plan: ItemPlan
    ) -> Self:
        """What `arrays` described."""
        sums = LogSums(*(arrays[field.name] for field in fields(LogSums)))
        near = Nearest(*(arrays[field.name] for field in fields(Nearest)))
        scale = Standardisation.from_arrays(arrays)
        return cls(embedding, plan, scale, sums, near, bool(arrays["is_look"]))


class Neighbours(Estimator[PreparedNeighbours]):
    """A softmax over cosines in the source that predicts which items are near in the target."""

    name = "neighbours"
    shares_work = True
    summary = "which items are near in the target, by a softmax over cosines in the source: nats per item"
    about = (
        "The source has to find each item's nearest item in the target, or its k nearest, by a softmax over "
        "its own cosines. Only a temperature is fitted. The value is 0 by chance and at most the logarithm "
        "of the number of other items, so do not compare values from different numbers of items. It sees "
        "nearness only: it misses features that do not change a neighbour. It is not invariant to rotations: "
        "each dimension is standardised, so the first and last principal components have the same weight."
    )
    counts_dimensions: ClassVar[bool] = False
    Settings = NeighboursSettings
    Prepared = PreparedNeighbours
    settings: NeighboursSettings

    @property
    def needs_two_looks(self) -> bool:
        """Whether the right answer is the item's own other look."""
        return self.settings.target == "own"

    def prepare(self, embedding: Embedding, plan: ItemPlan | None = None) -> PreparedNeighbours:
        """Compare all items with one another: nearest items, and sums of the softmax."""
        if self.settings.target == "own":
            raise EstimationError(
                "the target 'own' is an item's other look, but there is one look only; give a second look at "
                "each item, or set target: neighbours"
            )
        plan = self.plan_for(embedding, plan)
        scale = standardise(embedding)
        rows = standard_unit_rows(embedding, scale)
        asked, candidates = plan.sample_of(MAX_ASKED).items, self._candidates(plan)

        def of_block(similarity: Floats32, items: Integers) -> tuple[LogSums, Nearest]:
            return _log_sums(similarity, items, plan), self._nearest(similarity, items)

        with pool() as threads:
            sums, near = zip(*over_blocks(of_block, (rows, rows), asked, candidates, threads), strict=True)
        return PreparedNeighbours(embedding, plan, scale, LogSums.joined(sums), Nearest.joined(near), False)

    def prepare_looks(
        self, first: Embedding, second: Embedding, plan: ItemPlan | None = None
    ) -> Looks[PreparedNeighbours]:
        """Compare all items across the looks, for the softmax, and within each, for the nearest items."""
        check_shapes(first, second)
        plan = self.plan_for(first, plan)
        scales = _common_scales(first, second)
        rows = [standard_unit_rows(*look) for look in zip((first, second), scales, strict=True)]
        there = self._prepared_look(first, scales[0], (rows[0], rows[1]), plan)
        return Looks(there, self._prepared_look(second, scales[1], (rows[1], rows[0]), plan))

    def _prepared_look(
        self, embedding: Embedding, scale: Standardisation, rows: tuple[Floats32, Floats32], plan: ItemPlan
    ) -> PreparedNeighbours:
        """One look, from rows of unit length of this look and of the other."""
        asked, across = plan.sample_of(MAX_ASKED).items, self._candidates(plan)
        with pool() as threads:
            sums = over_blocks(partial(_log_sums, plan=plan), rows, asked, across, threads)
            near = (
                [Nearest.themselves(asked)]
                if across.with_own
                else over_blocks(self._nearest, (rows[0],) * 2, asked, across, threads)
            )
        return PreparedNeighbours(embedding, plan, scale, LogSums.joined(sums), Nearest.joined(near), True)

    def pairs(
        self, sources: Mapping[str, PreparedNeighbours], target: PreparedNeighbours
    ) -> Iterator[tuple[str, Sufficiency]]:
        """Score the softmax of every source U on the nearest items in one target V."""
        for name, source in sources.items():
            _check_pair(name, source, target, False)
            yield (
                name,
                _one_look(source, standard_unit_rows(source.embedding, source.standardisation), target),
            )

    def all_pairs(
        self, prepared: Mapping[str, PreparedNeighbours], wanted: Sequence[PairKey] | None = None
    ) -> Iterator[tuple[str, str, Sufficiency]]:
        """Many pairs, source by source. The rows of each source are read once."""
        models = dict(prepared)
        for name, targets in _by_source(models, wanted).items():
            source = models[name]
            rows = standard_unit_rows(source.embedding, source.standardisation)
            for target in targets:
                _check_pair(name, source, models[target], False)
                yield name, target, _one_look(source, rows, models[target])

    def look_pairs(
        self, sources: Mapping[str, Looks[PreparedNeighbours]], target: Looks[PreparedNeighbours]
    ) -> Iterator[tuple[str, Sufficiency]]:
        """Score the softmax of every source U across its looks on the nearest items in one target V."""
        for name in sources:
            source = sources[name]
            yield name, self._across(name, source, _rows_of_looks(source), target)

    def all_look_pairs(
        self, prepared: Mapping[str, Looks[PreparedNeighbours]], wanted: Sequence[PairKey] | None = None
    ) -> Iterator[tuple[str, str, Sufficiency]]:
        """Many pairs across two looks, source by source. The rows of each source are read once."""
        models = dict(prepared)
        for name, targets in _by_source(models, wanted).items():
            source = models[name]
            rows = _rows_of_looks(source)
            for target in targets:
                yield name, target, self._across(name, source, rows, models[target])

    def _across(
        self,
        name: str,
        source: Looks[PreparedNeighbours],
        rows: tuple[Floats32, Floats32],
        target: Looks[PreparedNeighbours],
    ) -> Sufficiency:
        """The mean of both directions across the looks, from the source's rows of both."""
        ways = []
        for this, look in enumerate(source):
            _check_pair(name, look, target[1 - this], True)
            of_look = rows[this], rows[1 - this]
            ways.append(_score(look, of_look, target[1 - this].near, self._candidates(look.plan)))
        return mean_of_looks(*ways)

    def _candidates(self, plan: ItemPlan) -> Candidates:
        """The candidates for each item.

        Raises:
            EstimationError: an item has fewer candidates than `k`.
        """
        candidates = Candidates(plan, with_own=self.settings.target == "own")
        fewest = int(candidates.number(np.arange(plan.n_items)).min())
        if self.settings.target == "neighbours" and fewest < self.settings.k:
            raise EstimationError(
                f"k is {self.settings.k} but an item has only {fewest} others outside its group; choose a "
                "smaller k"
            )
        return candidates

    def _nearest(self, similarity: Floats32, items: Integers) -> Nearest:
        """The k nearest candidates of some items."""
        seed = derive_seed(self.seed, "ties", str(items[0]))
        return nearest(similarity, self.settings.k, np.random.default_rng(seed))


def _by_source(models: Iterable[str], wanted: Sequence[PairKey] | None) -> dict[str, list[str]]:
    """The targets of each source, among the wanted pairs; None: every model with every model."""
    targets: dict[str, list[str]] = {}
    for source, target in every_pair(models) if wanted is None else wanted:
        targets.setdefault(source, []).append(target)
    return targets


def _common_scales(first: Embedding, second: Embedding) -> tuple[Standardisation, Standardisation]:
    """Mean and spread of each look, over the dimensions that vary in both.

    Raises:
        EstimationError: a look cannot be standardised, or no dimension varies in both.
    """
    scales = standardise(first, "the first look"), standardise(second, "the second look")
    common = np.intersect1d(scales[0].kept, scales[1].kept)
    if not len(common):
        raise EstimationError("no dimension varies in both looks; check how the second look was embedded")
    one, other = (scale.of_dimensions(np.isin(scale.kept, common)) for scale in scales)
    return one, other


def _rows_of_looks(looks: Looks[PreparedNeighbours]) -> tuple[Floats32, Floats32]:
    first, second = (standard_unit_rows(look.embedding, look.standardisation) for look in looks)
    return first, second


def _check_pair(name: str, source: PreparedNeighbours, target: PreparedNeighbours, is_look: bool) -> None:
    """Check that source and target hold the same items, and were prepared with or without a second look.

    Raises:
        EstimationError: they do not match.
    """
    check_same_items(name, source, target)
    if (source.is_look, target.is_look) != (is_look, is_look):
        how = ("alone", "with its other look")[is_look]
        raise EstimationError(f"{name} or its target was not prepared {how}; prepare both again")


def _one_look(source: PreparedNeighbours, rows: Floats32, target: PreparedNeighbours) -> Sufficiency:
    """Score the source's softmax, from its rows of unit length."""
    return _score(source, (rows, rows), target.near, Candidates(source.plan))


def _score(
    source: PreparedNeighbours, rows: tuple[Floats32, Floats32], near: Nearest, candidates: Candidates
) -> Sufficiency:
    """Nats of the queries, and the contribution of each block.

    Args:
        source: the source.
        rows: its rows of unit length, as queries and as candidates.
        near: the right answers.
        candidates: the candidates for each item.
    """
    plan, asked = source.plan, source.asked
    answers, log_number = Answers.of(plan, asked, near, rows), np.log(candidates.number(asked.items))
    fit = Softmax(source.sums, answers.found, log_number).fit(answers.half)
    block_nats, no_excess = answers.block_nats(fit, log_number), np.zeros(plan.n_blocks)
    nats, marginal_entropy = float(fit.item_nats.mean()), float(log_number.mean())
    return Sufficiency(
        nats=nats,
        nats_per_dim=nats,
        standard_error_nats=block_standard_error(block_nats, asked.block_items, no_excess),
        marginal_entropy_nats=marginal_entropy,
        conditional_entropy_nats=marginal_entropy - nats,
        source_dim=source.embedding.shape[1],
        target_dim=1,
        n_train=int(np.bincount(answers.half).min()),
        n_test=len(asked.items),
        converged=True,
        warnings=large_group_warning(plan),
        block_nats=block_nats,
        block_items=asked.block_items,
        block_excess_nats=no_excess,
    )


def _log_sums(similarity: Floats32, items: Integers, plan: ItemPlan) -> LogSums:
    return log_sums(similarity, half_of(plan, items), plan.block)
