"""What the jackknife counts too much in log-determinants, of one pair exactly and of two in common."""

from itertools import combinations

import numpy as np
import pytest
from scipy.special import polygamma

from suffice import ESTIMATORS
from suffice.estimators.items import divide_items
from suffice.estimators.regression.determinants import LogDeterminants


@pytest.mark.parametrize(("n_items", "unit", "dim"), [(80, 1, 40), (960, 5, 768), (5000, 25, 100)])
def test_variances_are_those_of_a_wishart_matrix_and_of_wilks_lambda(n_items, unit, dim):
    known, degrees = LogDeterminants(n_items, unit), n_items - 1

    def of_betas(count, less):
        """Variance of the log of a product of beta variables with (degrees - less - i) / 2 and less / 2."""
        halves = (degrees - np.arange(count)) / 2
        return (polygamma(1, halves - less / 2) - polygamma(1, halves)).sum()

    wishart = polygamma(1, (degrees - np.arange(dim)) / 2).sum()
    assert known.variance(dim) == pytest.approx(wishart, rel=1e-3)
    jackknife = (n_items - unit) ** 2 / (n_items * unit) * of_betas(unit, dim)
    assert known.excess(dim) == pytest.approx(jackknife - wishart, rel=2e-3)


def test_shared_dimensions_are_found_from_those_of_the_sample():
    """Independent models share d_u d_v / m in a sample, and equal ones all their dimensions."""
    known = LogDeterminants(501, 1)
    assert known.population_shared(100 * 150 / 500, 100, 150) == pytest.approx(0, abs=1e-9)
    assert known.population_shared(100, 100, 150) == pytest.approx(100)
    draws = []
    for seed in range(10):
        rows = np.random.default_rng(seed).normal(size=(501, 250))
        rows[:, 100:200] += rows[:, :100]
        left, right = (np.linalg.qr(part - part.mean(axis=0))[0] for part in np.split(rows, [100], axis=1))
        draws.append(known.population_shared(np.square(left.T @ right).sum(), 100, 150))
    assert np.mean(draws) == pytest.approx(50, rel=0.02)  # squared correlations of 1/2


def excess_in_common(n_shared, correlation, n_dims, n_items):
    """Of two pairs of `gaussian` in nats squared, for normal models that are all equally correlated.

    Two log-determinants have the covariance 2 log(1 + p) and by the jackknife 2 p, with p = s / (n - 1 - s)
    and the sum s of squared canonical correlations.
    """
    first, second = (0, 1), {2: (0, 1), 1: (0, 2), 0: (2, 3)}[n_shared]
    of_models = np.where(np.eye(4), 1.0, correlation)

    def parts(u, v):
        return [((u,), 0.5), ((v,), 0.5), ((u, v), -0.5)]

    def of_determinants(left, right):
        one, other = (np.linalg.inv(of_models[np.ix_(side, side)]) for side in (left, right))
        across = of_models[np.ix_(left, right)]
        shared = n_dims * np.trace(one @ across @ other @ across.T)
        odds = shared / (n_items - 1 - shared)
        return 2 * odds - 2 * np.log1p(odds)

    return sum(w * x * of_determinants(a, b) for a, w in parts(*first) for b, x in parts(*second))


@pytest.mark.parametrize("per_dim", [2.5, 5])
def test_pairs_have_the_excess_of_larger_sets_of_items_in_common_that_normal_data_have(per_dim):
    """With few items, most of the excess is from more than two items, and pairs share little of it."""
    n_dims, correlation, names = 32, 0.7, "abcd"
    n_items = round(per_dim * n_dims)
    pairs = list(combinations(range(4), 2))
    cosines, estimator = [], ESTIMATORS["gaussian"]()
    for seed in range(16):
        common, *own = np.random.default_rng(seed).normal(size=(5, n_items, n_dims))
        rows = [np.sqrt(correlation) * common + np.sqrt(1 - correlation) * each for each in own]
        models = estimator.prepare_all(dict(zip(names, rows, strict=True)), divide_items(n_items, seed=seed))
        found = estimator.all_pairs(models, [(names[u], names[v]) for u, v in pairs])
        cosines.append(np.corrcoef([each.block_excess_nats for _, _, each in found]))
    n_shared = np.array([[len({*one} & {*other}) for other in pairs] for one in pairs])
    known = [excess_in_common(number, correlation, n_dims, n_items) for number in range(3)]
    for number in (0, 1):
        measured = np.mean([each[n_shared == number] for each in cosines])
        # One correlation over 80 blocks is known to 0.11, the mean of 3 or 12 in 16 draws to 0.02.
        assert measured == pytest.approx(known[number] / known[2], abs=0.04)
