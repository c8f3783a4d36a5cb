"""Every way of choosing that the arena compares, its direction and source, set down before labels are read.

A higher score is better for every candidate. The sign of baselines whose lower values are claimed to be
better is changed here, by `suffice.baselines.registry.BASELINES`, which says who proposes each.
"""

from dataclasses import dataclass
from typing import Literal

from pairs import LookCount

from suffice.baselines.registry import BASELINES

Aggregate = Literal["median", "mean", "scaled", "ranks", "predictable", "two-sided", "net flow", "authority"]
DARRIN = "Darrin et al. 2024, arXiv 2406.07640"
OURS = "proposed here"
AS_GIVEN = "mutual_knn, dimensions as given"


@dataclass(frozen=True)
class PairCandidate:
    """A score from pairs of models.

    Attributes:
        way: estimator and settings, a name in `pairs.WAYS`.
        looks: whether source and target see the same item or two looks at it.
        aggregate: over targets; "ranks" is the share of other models beaten on common targets.
        self_pairs: a model is a target of itself; with two looks a fair pair.
        families: relatives count once as targets.
        source: who proposes it.
    """

    way: str
    looks: LookCount
    aggregate: Aggregate
    self_pairs: bool = False
    families: bool = False
    source: str = OURS

    @property
    def name(self) -> str:
        """As in tables."""
        words = [self.way, f"{self.looks} look{'s' if self.looks == 'two' else ''}", self.aggregate]
        return ", ".join(words + ["self"] * self.self_pairs + ["families once"] * self.families)


@dataclass(frozen=True)
class OwnCandidate:
    """A score of a model by itself: how well its one look finds its other, in nats."""

    way: str
    source: str = "van den Oord et al. 2018, arXiv 1807.03748 (InfoNCE)"

    @property
    def name(self) -> str:
        """As in tables."""
        return f"{self.way}, two looks"


@dataclass(frozen=True)
class BaselineCandidate:
    """A value that needs no pairs of models, or only their likeness.

    Attributes:
        name: as in tables.
        sign: what the value is multiplied with so that higher is better.
        source: who proposes it.
    """

    name: str
    sign: int
    source: str


@dataclass(frozen=True)
class Combination:
    """The mean of the ranks that other candidates give.

    Attributes:
        parts: names of these candidates.
        source: who proposes it.
    """

    parts: tuple[str, ...]
    source: str = OURS

    @property
    def name(self) -> str:
        """As in tables."""
        return " + ".join(f"({part})" for part in self.parts)


@dataclass(frozen=True)
class LibraryCandidate:
    """The library's own ranking: win rates, near-copies counted once, and self pairs across two looks.

    Attributes:
        ways: by estimator, a name in `pairs.WAYS`.
        looks: one look or two.
    """

    ways: tuple[tuple[str, str], ...]
    looks: LookCount
    source: str = OURS

    @property
    def name(self) -> str:
        """As in tables."""
        estimators = " + ".join(name for name, _ in self.ways)
        return f"library: {estimators}, {self.looks} look{'s' if self.looks == 'two' else ''}"


Candidate = PairCandidate | OwnCandidate | BaselineCandidate | Combination | LibraryCandidate

PAIR_WAYS = ("linear", "gaussian", "neighbours-1", "neighbours-10")
LOOKS: tuple[LookCount, ...] = ("one", "two")
PLAIN: tuple[Aggregate, ...] = ("median", "mean", "scaled", "ranks")
TODAY = PairCandidate("linear", "one", "median", source=DARRIN)


def _source(looks: LookCount, aggregate: Aggregate) -> str:
    return DARRIN if (looks, aggregate) == ("one", "median") else OURS


def _pair_candidates() -> list[PairCandidate]:
    every = [
        PairCandidate(
            way, looks, aggregate, source=DARRIN if (looks, aggregate) == ("one", "median") else OURS
        )
        for way in PAIR_WAYS
        for looks in LOOKS
        for aggregate in PLAIN
    ]
    variants = [
        PairCandidate(way, "two", aggregate, self_pairs=self_pairs, families=not self_pairs)
        for way in PAIR_WAYS
        for aggregate in PLAIN
        for self_pairs in (True, False)
    ]
    return every + variants


def _baselines() -> list[BaselineCandidate]:
    known = [each for name, each in BASELINES.items() if name != "public_average"]
    return [
        *(BaselineCandidate(each.name, each.sign, each.source) for each in known),
        BaselineCandidate(AS_GIVEN, 1, "Huh et al. 2024, arXiv 2405.07987"),
        BaselineCandidate("n_parameters", 1, "a user's habit"),
    ]


def _name(way: str, looks: LookCount, aggregate: Aggregate) -> str:
    return PairCandidate(way, looks, aggregate).name


LINEAR, NEIGHBOURS = _name("linear", "two", "ranks"), _name("neighbours-1", "two", "ranks")
COMBINATIONS = (
    Combination((LINEAR, NEIGHBOURS)),
    Combination((LINEAR, NEIGHBOURS, "self_retrieval")),
    Combination((_name("linear", "two", "mean"), _name("neighbours-1", "two", "mean"))),
    Combination((_name("linear", "two", "mean"), _name("neighbours-1", "two", "mean"), "self_retrieval")),
    Combination((LINEAR, "self_retrieval")),
    Combination((_name("linear", "one", "ranks"), _name("neighbours-1", "one", "ranks"))),
    Combination((LINEAR, NEIGHBOURS, _name("neighbours-1", "one", "ranks"))),
    Combination((LINEAR, NEIGHBOURS, "rankme")),
)
CANDIDATES: dict[str, Candidate] = {
    each.name: each
    for each in [*_pair_candidates(), OwnCandidate("neighbours-own"), *_baselines(), *COMBINATIONS]
}
RANKED = {
    "linear": {"linear": "linear"},
    "neighbours": {"neighbours": "neighbours-1"},
    "linear + neighbours": {"linear": "linear", "neighbours": "neighbours-1"},
}
"""Estimators of the library's rankings, each with its way of pairs."""
ADDED: dict[str, Candidate] = {
    each.name: each
    for each in [LibraryCandidate(tuple(ways.items()), looks) for ways in RANKED.values() for looks in LOOKS]
}
"""Added after the labels of six pools had been read: rankings exactly as the library makes them.

They differ from candidates above in details (self pairs, near-copies), and nothing is chosen from them.
"""
UNPROMISING: dict[str, Candidate] = {
    each.name: each
    for each in [
        *(
            PairCandidate("linear", looks, aggregate)
            for looks in LOOKS
            for aggregate in ("predictable", "two-sided", "net flow", "authority")
        ),
        *(
            PairCandidate(way, looks, aggregate)
            for way in ("linear-32", "linear-128")
            for looks in LOOKS
            for aggregate in ("mean", "ranks")
        ),
    ]
}
"""Ways that failed where they were tried before; they are measured again, and never chosen from."""
LIBRARY_LINEAR = LibraryCandidate((("linear", "linear"),), "two")
REFERENCES = {
    "rankme": "rankme",
    "embed_dim": "embed_dim",
    "linear": TODAY.name,
    "library_linear": LIBRARY_LINEAR.name,
}
"""References of differences: RankMe, width, the published summary, and the library's ranking by `linear`."""
