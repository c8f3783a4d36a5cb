import numpy as np
import pytest
from scipy.stats import spearmanr

from suffice.errors import DataError
from suffice.tasks.statistics import bootstrap_standard_error, clustered_standard_error, weighted_spearman


def codes(values):
    return np.unique(values, return_inverse=True)[1]


def test_single_groups_give_the_usual_standard_error(rng):
    values = rng.normal(size=50)
    assert clustered_standard_error(values, np.arange(50)) == pytest.approx(values.std(ddof=1) / np.sqrt(50))


def test_copies_in_one_group_add_no_certainty(rng):
    values = rng.normal(size=50)
    once = clustered_standard_error(values, np.arange(50))
    thrice = clustered_standard_error(np.repeat(values, 3), np.repeat(np.arange(50), 3))
    assert thrice == pytest.approx(once)


def test_one_group_is_refused():
    with pytest.raises(DataError, match="belong to one group"):
        clustered_standard_error(np.ones(4), np.zeros(4, dtype=int))


def test_weighted_spearman_is_that_of_the_written_out_rows(rng):
    x, y = rng.integers(6, size=30), rng.integers(6, size=30)  # many ties
    weights = rng.integers(4, size=30)
    expected = spearmanr(np.repeat(x, weights), np.repeat(y, weights)).statistic
    assert weighted_spearman(codes(x), codes(y), weights.astype(float)) == pytest.approx(expected, abs=1e-12)


def test_bootstrap_of_a_mean_agrees_with_the_formula(rng):
    values, groups = rng.normal(size=300), np.repeat(np.arange(100), 3)
    expected = clustered_standard_error(values, groups)
    found = bootstrap_standard_error(lambda w: float(np.average(values, weights=w)), groups, seed=1)
    assert found == pytest.approx(expected, rel=0.13)  # four standard errors of 500 resamples, 3.2 % each
    again = bootstrap_standard_error(lambda w: float(np.average(values, weights=w)), groups, seed=1)
    assert found == again


def test_a_bootstrap_without_value_is_an_error():
    with pytest.raises(DataError, match="a resample of the groups has only one value"):
        bootstrap_standard_error(
            lambda w: weighted_spearman(np.array([0, 1]), np.array([0, 1]), w), np.array([0, 1]), seed=0
        )
