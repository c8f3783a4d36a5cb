"""Linear regression against scikit-learn, closed forms and its own standard errors."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from suffice import estimate, rank
from suffice.estimators import items
from suffice.estimators.gaussian import Gaussian
from suffice.estimators.items import WINDOW_ITEMS, divide_items
from suffice.estimators.linear import Linear
from suffice.estimators.names import FEW_ITEMS_WARNING
from suffice.estimators.regression import tiling
from suffice.estimators.regression.ridge import StandardRows


def pair(n_items, source_dim, target_dim, seed, noise=1.0):
    generator = np.random.default_rng(seed)
    source = generator.normal(size=(n_items, source_dim))
    mixing = generator.normal(size=(source_dim, target_dim)) / np.sqrt(source_dim)
    return source, source @ mixing + noise * generator.normal(size=(n_items, target_dim))


def left_out_residuals(source, target, unit):
    """Residuals of each item about its prediction by a least-squares fit to the other units, the slow way."""
    residual = np.zeros_like(target)
    for one in range(unit.max() + 1):
        train, test = unit != one, unit == one
        residual[test] = target[test] - LinearRegression().fit(source[train], target[train]).predict(
            source[test]
        )
    return residual


@pytest.mark.parametrize("groups", [None, np.arange(600) // 4, np.minimum(np.arange(600), 400)])
def test_it_is_the_product_of_residuals_with_and_without_each_unit(groups):
    source, target = pair(600, 5, 3, seed=0)
    unit = divide_items(600, groups, seed=0).unit
    left_out = left_out_residuals(source, target, unit)
    kept = target - LinearRegression().fit(source, target).predict(source)
    centred = target - target.mean(axis=0)
    sums = np.array([centred[unit == one].sum(axis=0) for one in range(unit.max() + 1)])
    sizes = np.bincount(unit)[:, None]
    total = (centred**2).sum(axis=0) + (sums**2 / (600 - sizes)).sum(axis=0)
    expected = 0.5 * np.log(total / (kept * left_out).sum(axis=0))
    # The bias of the logarithm of a mean square with 594 and 599 degrees of freedom, and single precision.
    expected -= 0.5 * (1 / 594 - 1 / 599)
    assert estimate(source, target, groups=groups).nats == pytest.approx(expected.sum(), rel=1e-4)


@pytest.mark.parametrize(("n_items", "source_dim"), [(1000, 50), (1000, 300), (100, 40), (1000, 800)])
def test_there_is_no_bias_on_independent_data_at_any_width(n_items, source_dim):
    generator = np.random.default_rng(7)
    values = [
        estimate(
            generator.normal(size=(n_items, source_dim)), generator.normal(size=(n_items, 20))
        ).nats_per_dim
        for _ in range(8)
    ]
    # The spread of one value is about sqrt(source_dim / (2 * 20)) / n_items; three of the mean's are allowed.
    assert abs(np.mean(values)) < 3 * np.sqrt(source_dim / 40) / n_items / np.sqrt(8) + 0.003
    assert min(values) < 0


def test_there_is_no_bias_with_a_wide_source_that_tells_something():
    values = []
    for seed in range(10):
        source, target = pair(1000, 300, 20, seed, noise=1.0)
        values.append(estimate(source, target).nats_per_dim)
    # Standardised mixing: the truth of each draw differs by about 0.01 from log(2)/2; mean of 200 dimensions.
    assert np.mean(values) == pytest.approx(0.5 * np.log(2), abs=0.012)


def test_no_bias_when_items_are_repeated_in_groups():
    values = []
    for seed in range(20):
        generator = np.random.default_rng(seed)
        source, target = generator.normal(size=(300, 60)), generator.normal(size=(300, 10))
        copies = np.repeat(np.arange(300), 4)
        values.append(estimate(source[copies], target[copies], groups=copies).nats_per_dim)
    # Without the groups 60 of 1200 degrees of freedom are taken off where 60 of 300 are spent: 0.09 nats.
    assert abs(np.mean(values)) < 0.01


def test_chunks_do_not_change_the_number():
    source, target = pair(WINDOW_ITEMS + 500, 3, 2, seed=1)
    whole = estimate(source, target)
    order = np.random.default_rng(0).permutation(len(source))
    plan = divide_items(len(source), seed=0)
    estimator = Linear()
    shuffled = replace(plan, unit=plan.unit[order])
    ((_, other),) = estimator.pairs(
        {"u": estimator.prepare(source[order], shuffled)}, estimator.prepare(target[order], shuffled)
    )
    assert other.nats == pytest.approx(whole.nats, rel=1e-5)


def test_all_pairs_are_the_pairs_of_each_target_to_the_last_bit():
    source, target = pair(600, 12, 7, seed=3)
    models = {"u": source, "v": target, "w": source[:, :5]}
    estimator, plan = Linear(), divide_items(600)
    prepared = estimator.prepare_all(models, plan)
    together = {(u, v): result.nats for u, v, result in estimator.all_pairs(prepared)}
    assert len(together) == 9
    for name in models:
        for other, result in estimator.pairs(prepared, prepared[name]):
            assert together[other, name] == result.nats
    some = [(u, v) for u, v, _ in estimator.all_pairs(prepared, [("v", "w"), ("u", "w")])]
    assert sorted(some) == [("u", "w"), ("v", "w")]


def test_many_small_runs_of_models_give_the_same_numbers(monkeypatch):
    models = {f"m{number}": pair(300, 4 + number, 2, seed=number)[0] for number in range(5)}
    whole = rank(models).pairs.set_index(["source", "target"])["nats"].sort_index()
    monkeypatch.setattr(tiling, "MAX_MOMENTS_BYTES", 8 * 10**2)
    parts = rank(models).pairs.set_index(["source", "target"])["nats"].sort_index()
    assert (parts == whole).all()


def test_a_sample_of_items_gives_the_number_and_the_standard_error_of_all(monkeypatch):
    source, target = pair(20_000, 30, 10, seed=11)
    sampled = estimate(source, target)
    monkeypatch.setattr(items, "SCORED_ITEMS", 20_000)
    whole = estimate(source, target)
    # What the sample gives is a ratio that hardly varies between units, and the spread of 100 units.
    assert sampled.nats == pytest.approx(whole.nats, abs=0.02 * whole.standard_error_nats)
    assert sampled.standard_error_nats == pytest.approx(whole.standard_error_nats, rel=0.25)
    assert sampled.block_items.sum() < whole.block_items.sum() == 20_000


def test_a_wide_source_with_few_items_is_penalised_not_lost():
    source, target = pair(300, 400, 4, seed=2, noise=0.1)
    result = estimate(source, target)
    # 300 items cannot determine 400 weights; a wild fit would be far below zero.
    assert 0 < result.nats_per_dim < 1
    assert result.warnings == (FEW_ITEMS_WARNING,)


@pytest.mark.parametrize(("n_groups", "warnings"), [(129, (FEW_ITEMS_WARNING,)), (130, ())])
def test_a_regression_needs_two_groups_for_each_dimension_and_for_the_intercept(n_groups, warnings):
    source, target = pair(2 * n_groups, 64, 4, seed=2)
    assert estimate(source, target, groups=np.repeat(np.arange(n_groups), 2)).warnings == warnings


@pytest.mark.filterwarnings("ignore::suffice.errors.DoubtWarning")
@pytest.mark.parametrize(("n_groups", "first"), [(20, "w4 w8"), (130, "w32 w64")])
def test_with_too_few_groups_narrow_models_are_first_however_little_they_know(n_groups, first):
    generator, widths = np.random.default_rng(0), (64, 32, 8, 4)
    signal = generator.normal(size=(10 * n_groups, 64))
    looks = [
        {f"w{w}": signal[:, :w] + 0.6 * generator.normal(size=(len(signal), w)) for w in widths}
        for _ in range(2)
    ]
    found = rank(*looks, "linear", groups=np.repeat(np.arange(n_groups), 10)).table["model"]
    assert set(found[:2]) == set(first.split())


def test_a_copy_among_nearly_dependent_dimensions_is_found():
    source, _ = pair(1000, 8, 2, seed=8)
    near = source @ np.random.default_rng(1).normal(size=(8, 8)) + 1e-3 * pair(1000, 8, 8, seed=9)[1]
    assert estimate(np.hstack([source, near]), near).nats_per_dim > 6


def test_the_variance_floor_is_the_cap_and_says_so():
    source, _ = pair(500, 4, 2, seed=4)
    result = estimate(source, source[:, :2] * 3)
    assert result.nats_per_dim == pytest.approx(-0.5 * np.log(1e-6))
    assert result.warnings == ("2 of 2 dimensions predicted up to the variance floor of 1e-06",)
    assert result.standard_error_nats == 0
    lower = estimate(source, source[:, :2], variance_floor=0.01)
    assert lower.nats_per_dim == pytest.approx(-0.5 * np.log(0.01))


def test_rotating_the_source_hardly_changes_the_number():
    source, target = pair(2000, 10, 5, seed=5)
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(10, 10)))
    plain, rotated = estimate(source, target).nats, estimate(source @ rotation, target).nats
    # Rounding to single precision; the penalty is far below it.
    assert rotated == pytest.approx(plain, rel=1e-4)


def test_the_standard_error_is_the_spread_over_data_sets():
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


def test_repeated_items_widen_the_standard_error_when_they_are_one_group():
    source, target = pair(300, 4, 3, seed=6)
    copies = np.repeat(np.arange(300), 4)
    noise = np.random.default_rng(7).normal(size=(1200, 4)) / 100  # else copies are found without groups
    repeated, targets = source[copies] + noise, target[copies] + noise[:, :3]
    alone = estimate(repeated, targets)
    together = estimate(repeated, targets, groups=copies)
    # Four of each item look like four times the items: a standard error half as wide.
    assert together.standard_error_nats > 1.6 * alone.standard_error_nats
    exact = estimate(source[copies], target[copies])
    assert exact.standard_error_nats > 1.6 * alone.standard_error_nats


def test_the_bias_of_the_logarithm_is_gone_where_degrees_of_freedom_are_few():
    values = []
    for seed in range(10):
        generator = np.random.default_rng(seed)
        source, target = generator.normal(size=(60, 24)), generator.normal(size=(60, 300))
        values.append(estimate(source, target).nats_per_dim)
    # The spread of one value is 0.006; left in, the bias would be 0.007, and taken off twice over 0.013.
    assert abs(np.mean(values)) < 2.5 * 0.006 / np.sqrt(10)


def test_no_bias_when_a_penalised_source_has_items_in_groups():
    values = []
    for seed in range(6):
        generator = np.random.default_rng(seed)
        copies = np.repeat(np.arange(100), 4)
        source, target = generator.normal(size=(100, 120))[copies], generator.normal(size=(100, 100))[copies]
        values.append(estimate(source, target, groups=copies).nats_per_dim)
    # With the share of 400 independent items in place of 100 groups it would be 0.2.
    assert abs(np.mean(values)) < 0.02


@pytest.mark.parametrize("apart", [1.0, 1e-3])  # of two dimensions; nearly equal ones need double precision
def test_products_in_single_precision_give_the_numbers_of_double_precision(monkeypatch, apart):
    source, target = pair(2000, 40, 10, seed=12)
    target[:, 0] += source[:, 0]
    source[:, 0] = source[:, 1] + apart * source[:, 0]
    own = estimate(source, target)
    in_double = StandardRows.second_moment
    monkeypatch.setattr(StandardRows, "second_moment", lambda rows, precision=np.float64: in_double(rows))
    exact = estimate(source, target)
    assert abs(own.nats - exact.nats) < 1e-4 * exact.standard_error_nats


@pytest.mark.parametrize("family", [Linear, Gaussian])
def test_a_model_with_itself_is_as_computed_from_its_rows(family):
    generator = np.random.default_rng(13)
    mixing = generator.normal(size=(20, 20)) * np.arange(1, 21) ** -1.5
    chosen = family(penalty=0.01)
    prepared = chosen.prepare(generator.normal(size=(600, 20)) @ mixing.T)
    ((_, own),) = chosen.pairs({"itself": prepared}, prepared)
    ((_, from_rows),) = chosen.pairs({"a copy": replace(prepared)}, prepared)
    assert own.nats == pytest.approx(from_rows.nats, rel=1e-3)
    assert own.standard_error_nats == pytest.approx(from_rows.standard_error_nats, rel=1e-3)
    assert own.nats < 20 * 6  # not all directions are at the floor


def test_one_pair_is_what_all_pairs_of_two_models_give():
    source, target = pair(500, 20, 10, seed=14)
    chosen, plan = Linear(), divide_items(500)
    prepared = chosen.prepare_all({"source": source, "target": target}, plan)
    ((_, _, found),) = chosen.all_pairs(prepared, [("source", "target")])
    alone = chosen.pair(source, target, plan)
    assert alone.nats == found.nats
    np.testing.assert_array_equal(alone.block_nats, found.block_nats)
