r"""Does a measure of pairs separate networks of one arm from those of two? Areas and label permutations.

The statistic is the probability that a pair of one arm is more similar than a pair of two,

.. math:: AUC = P(s_{same} > s_{cross}) + \tfrac12 P(s_{same} = s_{cross}),

within each stratum (language and architecture), and its mean over strata. Pairs share networks and are not
independent. Labels of arms are therefore permuted among the networks of a stratum, after Mantel (1967, Cancer
Research 27, 209-220).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from suffice.errors import DataError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Stratum:
    """Networks that are compared with one another.

    Attributes:
        similarity: of every two networks; symmetric, the diagonal is not read; shape (n, n).
        labels: arm of each network, shape (n,).
        kin: group of networks made from one another, shape (n,). Pairs within a group are not counted, and
            labels are permuted only within groups. None: networks are independent, and all are permuted.
    """

    similarity: Floats
    labels: npt.NDArray[np.str_]
    kin: npt.NDArray[np.int64] | None = None

    def pairs(self) -> tuple[Integers, Integers]:
        """Rows and columns of the pairs that count."""
        rows, columns = np.triu_indices(len(self.labels), 1)
        if self.kin is None:
            return rows, columns
        apart = self.kin[rows] != self.kin[columns]
        return rows[apart], columns[apart]

    def ranks(self) -> Floats:
        """Ranks of the pairs that count.

        Raises:
            DataError: a similarity is not finite.
        """
        values = self.similarity[self.pairs()]
        if not np.isfinite(values).all():
            raise DataError(f"{int((~np.isfinite(values)).sum())} similarities of pairs are not finite")
        return np.asarray(scipy.stats.rankdata(values))

    def shuffled(self, rng: np.random.Generator) -> npt.NDArray[np.str_]:
        """The labels in a random order."""
        if self.kin is None:
            return self.labels[rng.permutation(len(self.labels))]
        shuffled = self.labels.copy()
        for name in np.unique(self.kin):
            members = np.flatnonzero(self.kin == name)
            shuffled[members] = self.labels[rng.permutation(members)]
        return shuffled


def same_label_auc(stratum: Stratum) -> float:
    """Probability that a pair of one label is more similar than a pair of two; ties count half.

    Raises:
        DataError: there are no pairs of one label or no pairs of two, or a similarity is not finite.
    """
    return _auc(stratum.ranks(), stratum.labels, stratum.pairs())


def _auc(ranks: Floats, labels: npt.NDArray[np.str_], pairs: tuple[Integers, Integers]) -> float:
    same = labels[pairs[0]] == labels[pairs[1]]
    n_same, n_cross = int(same.sum()), int((~same).sum())
    if not n_same or not n_cross:
        raise DataError(f"there are {n_same} pairs of one arm and {n_cross} of two; an area needs both")
    return float((ranks[same].sum() - n_same * (n_same + 1) / 2) / (n_same * n_cross))


def permutation_test(strata: Sequence[Stratum], n_permutations: int, seed: int) -> tuple[float, float]:
    """Mean area over strata, and the share of permutations (including itself) with at least this area.

    Args:
        strata: each is permuted separately.
        n_permutations: number of permutations.
        seed: of the permutations.
    """
    rng = np.random.default_rng(seed)
    found = float(np.mean([same_label_auc(stratum) for stratum in strata]))
    prepared = [(stratum.ranks(), stratum, stratum.pairs()) for stratum in strata]
    drawn = np.array(
        [
            np.mean([_auc(ranks, stratum.shuffled(rng), pairs) for ranks, stratum, pairs in prepared])
            for _ in range(n_permutations)
        ]
    )
    as_large = int((drawn >= found - 1e-12).sum())
    return found, (1 + as_large) / (1 + n_permutations)


def relation_of_matrices(
    similarity: Sequence[Floats], distance: Sequence[Floats], n_permutations: int, seed: int
) -> dict[str, float]:
    """Spearman's rho of two matrices of pairs, over the strata in which both vary.

    Args:
        similarity: a symmetric matrix per stratum, shape (n, n).
        distance: another of the same networks.
        n_permutations: number of permutations.
        seed: of the permutations.

    Returns:
        spearman and p_value as `mantel_spearman`, low and high as `jackknife_interval`, all NaN without such
        a stratum; n_strata and n_networks, of these strata alone.
    """
    varying = [pair for pair in zip(similarity, distance, strict=True) if all(map(_varies, pair))]
    if not varying:
        unknown = dict.fromkeys(("spearman", "low", "high", "p_value"), float("nan"))
        return {**unknown, "n_strata": 0, "n_networks": 0}
    similarity, distance = ([pair[place] for pair in varying] for place in (0, 1))
    rho, p_value = mantel_spearman(similarity, distance, n_permutations, seed)
    low, high = jackknife_interval(similarity, distance)
    found = {"spearman": rho, "low": low, "high": high, "p_value": p_value}
    return {**found, "n_strata": len(varying), "n_networks": sum(map(len, similarity))}


def _varies(matrix: Floats) -> bool:
    upper = matrix[np.triu_indices(len(matrix), 1)]
    return bool(len(upper)) and bool(np.ptp(upper) > 0)


def jackknife_interval(similarity: Sequence[Floats], distance: Sequence[Floats]) -> tuple[float, float]:
    """95 % interval of the mean over strata of Spearman's rho, by leaving out one network at a time.

    Pairs share networks, so networks are left out, not pairs. If the rest of a stratum does not vary, its
    rho is taken as 0, so one network that alone differs makes the interval wide. Student's t with as many
    degrees of freedom as networks less strata. The ends are cut to -1 and 1. The interval is wide: with
    five strata of ten networks, it held the truth in 95 to 99 % of 250 draws, most at weak relations.

    Source: Arvesen 1969, Jackknifing U-statistics, doi 10.1214/aoms/1177697287.

    Args:
        similarity: a symmetric matrix per stratum, shape (n, n).
        distance: another of the same networks.
    """
    whole = [_rho(*pair) for pair in zip(similarity, distance, strict=True)]
    variance, freedom = 0.0, 0
    for first, second in zip(similarity, distance, strict=True):
        n = len(first)
        kept = [np.delete(np.arange(n), left_out) for left_out in range(n)]
        without = np.array([_rho(first[np.ix_(rest, rest)], second[np.ix_(rest, rest)]) for rest in kept])
        variance += (n - 1) / n * ((without - without.mean()) ** 2).sum()
        freedom += n - 1
    half = scipy.special.stdtrit(freedom, 0.975) * np.sqrt(variance) / len(whole)
    mean = float(np.mean(whole))
    return max(-1.0, mean - float(half)), min(1.0, mean + float(half))


def _rho(first: Floats, second: Floats) -> float:
    """Spearman's rho of the pairs of two matrices; 0 if one of them does not vary."""
    upper = np.triu_indices(len(first), 1)
    ranks = [np.nan_to_num(_standard_ranks(each[upper])) for each in (first, second)]
    return float(ranks[0] @ ranks[1])


def mantel_spearman(
    similarity: Sequence[Floats], distance: Sequence[Floats], n_permutations: int, seed: int
) -> tuple[float, float]:
    """Mean over strata of Spearman's rho of two matrices of pairs, and a two-sided permutation p-value.

    Args:
        similarity: a symmetric matrix per stratum, shape (n, n).
        distance: another of the same networks; its rows and columns are permuted together.
        n_permutations: number of permutations.
        seed: of the permutations.

    Returns:
        Both NaN if one of the matrices does not vary in some stratum.
    """
    rng = np.random.default_rng(seed)
    pairs = list(zip(similarity, distance, strict=True))
    uppers = [np.triu_indices(len(each), 1) for each in similarity]
    fixed = [_standard_ranks(each[upper]) for (each, _), upper in zip(pairs, uppers, strict=True)]
    if any(np.isnan(ranks).any() for ranks in fixed) or any(
        np.ptp(other[upper]) == 0 for (_, other), upper in zip(pairs, uppers, strict=True)
    ):
        return float("nan"), float("nan")
    moving = [_rank_matrix(other, upper) for (_, other), upper in zip(pairs, uppers, strict=True)]

    def mean_rho(orders: Sequence[npt.NDArray[np.int64]]) -> float:
        found = [
            ranks @ matrix[order[upper[0]], order[upper[1]]]
            for ranks, matrix, upper, order in zip(fixed, moving, uppers, orders, strict=True)
        ]
        return float(np.mean(found))

    plain = mean_rho([np.arange(len(each)) for each in similarity])
    drawn = np.array(
        [mean_rho([rng.permutation(len(each)) for each in similarity]) for _ in range(n_permutations)]
    )
    as_far = int((np.abs(drawn) >= abs(plain) - 1e-12).sum())
    return plain, (1 + as_far) / (1 + n_permutations)


def _standard_ranks(values: Floats) -> Floats:
    """Ranks with mean 0 and norm 1; NaN if the values are all equal."""
    ranks = scipy.stats.rankdata(values) - (len(values) + 1) / 2
    norm = np.linalg.norm(ranks)
    return np.asarray(ranks / norm) if norm else np.full(len(values), np.nan)


def _rank_matrix(values: Floats, upper: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]) -> Floats:
    matrix = np.zeros_like(values, dtype=float)
    matrix[upper] = _standard_ranks(values[upper])
    return matrix + matrix.T
