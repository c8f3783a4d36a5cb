"""Held-out ridge regression against scikit-learn, closed forms and its own standard errors."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from suffice import estimate
from suffice.estimators.items import ItemPlan, divide_items
from suffice.estimators.linear import Linear
from suffice.estimators.standardise import CHUNK_ITEMS


def pair(n_items, source_dim, target_dim, seed, noise=1.0):
    generator = np.random.default_rng(seed)
    source = generator.normal(size=(n_items, source_dim))
    mixing = generator.normal(size=(source_dim, target_dim)) / np.sqrt(source_dim)
    return source, source @ mixing + noise * generator.normal(size=(n_items, target_dim))


def test_without_a_penalty_it_is_cross_validated_least_squares():
    source, target = pair(600, 5, 3, seed=0)
    plan = divide_items(600, seed=0)
    residual, total = np.zeros(3), np.zeros(3)
    for fold in range(5):
        train, test = plan.fold != fold, plan.fold == fold
        prediction = LinearRegression().fit(source[train], target[train]).predict(source[test])
        residual += np.square(target[test] - prediction).sum(axis=0)
        total += np.square(target[test] - target[train].mean(axis=0)).sum(axis=0)
    expected = 0.5 * np.log(total / residual).sum()
    # Single-precision products: 1e-4 relative.
    assert estimate(source, target, penalties=(1e-9,)).nats == pytest.approx(expected, rel=1e-4)


def test_chunks_do_not_change_the_number():
    source, target = pair(CHUNK_ITEMS + 500, 3, 2, seed=1)
    whole = estimate(source, target)
    order = np.random.default_rng(0).permutation(len(source))
    plan = divide_items(len(source), seed=0)
    estimator = Linear()
    shuffled = ItemPlan(plan.block[order])
    ((_, other),) = estimator.pairs(
        {"u": estimator.prepare(source[order], shuffled)}, estimator.prepare(target[order], shuffled)
    )
    assert other.nats == pytest.approx(whole.nats, rel=1e-5)


def test_a_wide_source_with_few_items_is_penalised_not_lost():
    source, target = pair(300, 400, 4, seed=2, noise=0.1)
    result = estimate(source, target)
    # 240 training items cannot determine 400 weights; a wild fit would be far below zero.
    assert 0 < result.nats_per_dim < 1


def test_independence_is_close_to_zero_and_not_clipped():
    generator = np.random.default_rng(3)
    values = [
        estimate(generator.normal(size=(500, 20)), generator.normal(size=(500, 10))).nats_per_dim
        for _ in range(5)
    ]
    # Held out, the fit can only lose: at most d_u / (2 n) = 0.02 nats a dimension.
    assert all(-0.02 < value < 0.005 for value in values)
    assert min(values) < 0


def test_the_variance_floor_is_the_cap_and_says_so():
    source, _ = pair(500, 4, 2, seed=4)
    result = estimate(source, source[:, :2] * 3)
    assert result.nats_per_dim == pytest.approx(-0.5 * np.log(1e-6))
    assert result.warnings == ("2 of 2 dimensions predicted up to the variance floor of 1e-06",)
    lower = estimate(source, source[:, :2], variance_floor=0.01)
    assert lower.nats_per_dim == pytest.approx(-0.5 * np.log(0.01))


def test_rotating_the_source_hardly_changes_the_number():
    source, target = pair(2000, 10, 5, seed=5)
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(10, 10)))
    plain, rotated = estimate(source, target).nats, estimate(source @ rotation, target).nats
    # The penalty acts on standardised dimensions, so it is invariant only as far as it is small.
    assert rotated == pytest.approx(plain, rel=0.01)


def test_the_standard_error_is_the_spread_over_data_sets():
    results = [estimate(*pair(1000, 5, 4, seed=seed)) for seed in range(60)]
    mixing_effect = np.std([r.nats for r in results])
    # The mixing differs from seed to seed, so fix it: same channel, other items.
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(5, 4)) / np.sqrt(5)
    values, errors = [], []
    for _ in range(60):
        source = generator.normal(size=(1000, 5))
        result = estimate(source, source @ mixing + generator.normal(size=(1000, 4)))
        values.append(result.nats)
        errors.append(result.standard_error_nats)
    # 60 draws fix a standard deviation to about 10 %; three of these are allowed.
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.3)
    assert mixing_effect > 0


def test_repeated_items_widen_the_standard_error_when_they_are_one_group():
    source, target = pair(300, 4, 3, seed=6)
    copies = np.repeat(np.arange(300), 4)
    alone = estimate(source[copies], target[copies])
    together = estimate(source[copies], target[copies], groups=copies)
    # Four copies of each item look like four times the items: a standard error half as wide.
    assert together.standard_error_nats > 1.6 * alone.standard_error_nats
