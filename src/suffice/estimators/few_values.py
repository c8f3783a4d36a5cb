"""Dimensions with few distinct values: how to find and divide them, and how much they can contain.

A dimension of counts, ratings or codes holds at most the entropy of its values. A density does not know this
limit. Up to 16 values are therefore divided into steps, each of which is a bit (see `bernoulli`). With up to
256 values, a density may give no more than their entropy. Values that do not repeat are continuous, however
few there are: an activation may be 0 for most items and have a different value for each of the others. Whole
numbers are counts, even if few items have one. Values that differ by less than a millionth of their spread,
such as by rounding, are one value.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from suffice.estimators.result import Floats
from suffice.estimators.standardise import Standardisation, chunks_of

Mask = npt.NDArray[np.bool_]

MAX_LEVELS = 16  # distinct values of a dimension that is divided into steps
MAX_VALUES = 256  # distinct values of a dimension that is limited to their entropy
MIN_STEP_ITEMS = 20  # on either side of a step, unless there are only two values
MAX_SHARE_ALONE = 0.5  # largest share of distinct values that occur in only one item
SAME_VALUE = 1e-6  # of the spread between rare extremes: smaller differences are rounding
EXTREMES = (0.005, 0.995)  # quantiles of the first items, between which the spread is measured
PROBE_ITEMS = 2048  # first items, in which a dimension with few values must have few


@dataclass(frozen=True)
class FewValues:
    """The discrete dimensions of a model, among those that vary.

    Attributes:
        cuts: between the values of each dimension, in standard deviations from its mean, increasing, shape
            (d, MAX_LEVELS - 1). NaN after the last cut, and everywhere for other dimensions.
        entropy: of the values, in nats, shape (d,); infinite if there are more than `MAX_VALUES`.
    """

    cuts: Floats
    entropy: Floats

    @property
    def has_steps(self) -> Mask:
        """Which dimensions are divided into steps, shape (d,)."""
        return ~np.isnan(self.cuts[:, 0])

    @property
    def is_discrete(self) -> Mask:
        """Which dimensions need a discrete family in a target whose others have a joint density, shape (d,).

        Those with no more than the entropy of `MAX_LEVELS` equally frequent values. Those with more, such as
        8-bit codes, can have a density if all the others are codes as well: their total is then limited.
        """
        coarse, few = self.has_steps | (self.entropy <= np.log(MAX_LEVELS)), np.isfinite(self.entropy)
        return coarse if few[~coarse].all() else few

    def of_dimensions(self, which: Mask) -> "FewValues":
        """The same for some dimensions, given as a mask of shape (d,)."""
        return FewValues(self.cuts[which], self.entropy[which])

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Both arrays by name."""
        return {"cuts": self.cuts, "value_entropy": self.entropy}

    @classmethod
    def none(cls, dim: int) -> "FewValues":
        """For a model in which every dimension has a density."""
        return cls(np.full((dim, MAX_LEVELS - 1), np.nan), np.full(dim, np.inf))

    @classmethod
    def of(cls, embedding: npt.NDArray[np.floating], standardisation: Standardisation) -> "FewValues":
        """Find the values of an embedding by streaming over its items.

        Args:
            embedding: shape (n_items, embed_dim).
            standardisation: of its dimensions that vary.
        """
        found = cls.none(standardisation.dim)
        column = {int(name): place for place, name in enumerate(standardisation.kept)}
        for name, (values, counts) in distinct_values(embedding, standardisation.kept).items():
            if (counts == 1).mean() > MAX_SHARE_ALONE and not _are_counts(values):
                continue
            share, place = counts / counts.sum(), column[name]
            found.entropy[place] = -(share * np.log(share)).sum()
            if len(values) <= MAX_LEVELS:
                cuts = _cuts(values, counts)
                scaled = (cuts - standardisation.mean[place]) / standardisation.scale[place]
                found.cuts[place, : len(cuts)] = scaled
        return found


Counts = tuple[Floats, npt.NDArray[np.int64]]


def distinct_values(embedding: npt.NDArray[np.floating], kept: npt.NDArray[np.int64]) -> dict[int, Counts]:
    """The values of each column with at most `MAX_VALUES`, and their counts, streamed over items.

    Values are rounded to steps of `SAME_VALUE` of the column's spread, and neighbouring steps are one value.

    Args:
        embedding: shape (n_items, embed_dim).
        kept: indices of the columns to look at.
    """
    first = np.ascontiguousarray(np.asarray(embedding[:PROBE_ITEMS])[:, kept].T)
    probe = np.sort(first, axis=1).T.astype(np.float64)
    low, high = (probe[int(share * (len(probe) - 1))] for share in EXTREMES)
    steps = dict(zip(kept.tolist(), SAME_VALUE * (high - low), strict=True))
    n_values = 1 + (np.diff(probe, axis=0) > SAME_VALUE * (high - low)).sum(axis=0)
    left = kept[n_values <= MAX_VALUES]
    found: dict[int, Counts] = {}
    for rows in chunks_of(len(embedding)) if len(left) else ():
        chunk = np.asarray(embedding[rows], dtype=np.float64)
        for name in left:
            own = _merged(*np.unique(chunk[:, name], return_counts=True), steps[int(name)])
            before = found.get(int(name))
            found[int(name)] = own if before is None else _merged(*_with(before, *own), steps[int(name)])
        left = np.array([name for name in left if len(found[int(name)][0]) <= MAX_VALUES], dtype=np.int64)
    return {int(name): found[int(name)] for name in left}


def _are_counts(values: Floats) -> bool:
    """Whether distinct values are few whole numbers."""
    return len(values) <= MAX_LEVELS and bool((values == np.round(values)).all())


def _merged(values: Floats, counts: npt.NDArray[np.int64], step: float) -> Counts:
    """The first of increasing values that differ by no more than a step, and the counts of all of them."""
    starts = np.flatnonzero(np.concatenate([[True], np.diff(values) > step]))
    return values[starts], np.add.reduceat(counts, starts)


def _with(before: Counts, values: Floats, counts: npt.NDArray[np.int64]) -> Counts:
    """The counts of two parts, added up."""
    merged, place = np.unique(np.concatenate([before[0], values]), return_inverse=True)
    return merged, np.bincount(place, weights=np.concatenate([before[1], counts])).astype(np.int64)


def _cuts(values: Floats, counts: npt.NDArray[np.int64]) -> Floats:
    """Where increasing values are divided: between two, with enough items above the cut and since the last.

    Values that are too rare for an estimate share a step with their neighbours.
    """
    middles = (values[1:] + values[:-1]) / 2
    above = counts.sum() - counts.cumsum()[:-1]
    cuts, since = [], 0
    for middle, own, rest in zip(middles, counts[:-1], above, strict=True):
        since += int(own)
        if since >= MIN_STEP_ITEMS and rest >= MIN_STEP_ITEMS:
            cuts.append(middle)
            since = 0
    fairest = middles[np.abs(above - counts.sum() / 2).argmin()]
    return np.array(cuts or [fairest])
