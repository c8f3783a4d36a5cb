"""Top-k correlation and regret against enumeration, in the plain case and under resamples."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from suffice.analyses.choice import (
    regret_at_k,
    regret_interval,
    top_k_correlation,
    top_k_interval,
    weighted_regret,
)
from suffice.analyses.correlation import Bootstrap, draw_weights
from suffice.errors import DataError


def by_model(values):
    return pd.Series(values, index=[f"m{i}" for i in range(len(values))], dtype=float)


def enumerated_regret(x, y, k):
    """The mean over all orders that break the predictor's ties."""
    orders = {}
    for order in permutations(range(len(x))):
        ranked = tuple(sorted(order, key=lambda i: -x[i]))  # stable: ties in the order of the permutation
        orders[order] = max(y) - max(y[i] for i in ranked[:k])
    return np.mean(list(orders.values()))


@pytest.mark.parametrize("k", [1, 2, 3, 6, 9])
@pytest.mark.parametrize(
    "x", [[5, 4, 3, 2, 1, 0], [1, 1, 1, 1, 1, 1], [3, 2, 2, 2, 1, 1], [1, 1, 2, 2, 3, 3]]
)
def test_regret_is_the_mean_over_all_orders_of_ties(x, k):
    y = [0.2, 0.9, 0.4, 0.4, 0.7, -0.1]
    assert regret_at_k(by_model(x), by_model(y), k) == pytest.approx(enumerated_regret(x, y, k))


def test_regret_of_a_resample_is_that_of_its_distinct_models():
    rng = np.random.default_rng(0)
    x, y = np.round(rng.normal(size=8)), rng.normal(size=8)
    weights = draw_weights(8, 40, seed=1)
    for k in (1, 3):
        for found, row in zip(weighted_regret(x, y, weights, k), weights, strict=True):
            there = row > 0
            assert found == pytest.approx(regret_at_k(by_model(x[there]), by_model(y[there]), k))


def test_regret_has_a_sign_to_lose_by():
    outcome = by_model([0.9, 0.5, 0.1])
    assert regret_at_k(outcome, outcome, 1) == 0
    assert regret_at_k(-outcome, outcome, 1) == pytest.approx(0.8)


@pytest.mark.parametrize("by", ["outcome", "predictor"])
def test_top_k_is_the_correlation_of_the_best(by):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 12))
    chosen = np.argsort(-(y if by == "outcome" else x))[:5]
    found = top_k_correlation(by_model(x), by_model(y), 5, by=by)
    assert found == pytest.approx(spearmanr(x[chosen], y[chosen]).statistic)


def test_top_k_takes_all_that_tie_for_the_last_place_and_copies_as_written_out():
    x, y = by_model([1, 3, 2, 4, 0]), by_model([5, 4, 3, 3, 1])
    assert top_k_correlation(x, y, 3) == pytest.approx(spearmanr(x[:4], y[:4]).statistic)
    copies = np.array([1, 2, 1, 0, 1])  # the best three draws: m0, m1, m1
    assert top_k_correlation(x, y, 3, weights=copies) == pytest.approx(-1.0)


def test_models_are_matched_by_name_and_those_without_a_value_left_out():
    predictor = by_model([1, 2, 3, np.nan])
    outcome = by_model([1, 2, 3, 9])[::-1]
    assert top_k_correlation(predictor, outcome, 3) == pytest.approx(1.0)
    assert regret_at_k(predictor, outcome, 1) == 0


def test_intervals_hold_the_value_and_do_not_depend_on_the_order_of_models():
    rng = np.random.default_rng(2)
    y = by_model(rng.normal(size=20))
    x = y + rng.normal(size=20)
    bootstrap = Bootstrap(n_resamples=400)
    top = top_k_interval(x, y, 10, bootstrap)
    assert top.low < top.value < top.high
    assert regret_interval(x, y, 1, bootstrap) == regret_interval(x[::-1], y[::-1], 1, bootstrap)


def test_few_models_have_a_value_without_an_interval_and_a_constant_none():
    three = by_model([1, 2, 3])
    found = regret_interval(three, three, 1, Bootstrap(n_resamples=100))
    assert (found.value, found.n_models) == (0, 3)
    assert np.isnan(found.low) and "fewer than 4" in found.note
    assert "constant" in top_k_interval(three * 0, three, 2, Bootstrap(n_resamples=100)).note


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: top_k_correlation(s, s, 1), "k is 1"),
        (lambda s: top_k_correlation(s, s, 2, by="score"), "by 'score'"),
        (lambda s: top_k_correlation(s, s, 2, statistic="cosine"), "'cosine'"),
        (lambda s: regret_at_k(s, s, 0), "k is 0"),
        (lambda s: regret_at_k(s[:0], s, 1), "no model has both"),
        (lambda s: regret_at_k(pd.concat([s, s]), s, 1), "two values"),
    ],
)
def test_what_cannot_be_is_said(call, words):
    with pytest.raises(DataError, match=words):
        call(by_model([1, 2, 3]))
