"""Joint Gaussian mutual information against closed forms, its bias correction and its standard errors."""

import numpy as np
import pytest
from scipy.stats import norm

from suffice import estimate
from suffice.errors import EstimationError
from suffice.estimators.copula import normal_scores
from suffice.estimators.gaussian import REDUCED_WARNING
from suffice.estimators.items import divide_items
from suffice.estimators.regression import canonical

MIXING = np.random.default_rng(0).normal(size=(40, 40)) * np.arange(1, 41) ** -0.7


def channel(n_items, source_dim, target_dim, rho, seed):
    """Target dimensions that each follow one source dimension, both sides mixed by invertible maps."""
    generator = np.random.default_rng(seed)
    source = generator.normal(size=(n_items, source_dim))
    shared = min(source_dim, target_dim)
    target = generator.normal(size=(n_items, target_dim))
    target[:, :shared] = rho * source[:, :shared] + np.sqrt(1 - rho**2) * target[:, :shared]
    mixed = (side @ MIXING[: side.shape[1], : side.shape[1]] for side in (source, target))
    return *mixed, -0.5 * shared * np.log(1 - rho**2)


@pytest.mark.parametrize(
    ("source_dim", "target_dim", "n_items"), [(40, 40, 1000), (10, 40, 200), (40, 8, 120)]
)
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_the_bias_is_gone_and_widths_and_maps_do_not_matter(source_dim, target_dim, n_items, rho):
    results = []
    for seed in range(12):
        source, target, truth = channel(n_items, source_dim, target_dim, rho, seed)
        results.append(estimate(source, target, estimator="gaussian", seed=seed))
    mean, error = np.mean([r.nats for r in results]), np.mean([r.standard_error_nats for r in results])
    # Four standard errors of the mean of 12 draws; the plug-in would be off by 1 to 4 nats.
    assert abs(mean - truth) < 4 * error / np.sqrt(12)


def test_the_standard_error_is_that_of_the_jackknife_done_by_hand_less_what_it_counts_twice():
    source, target, _ = channel(400, 6, 5, 0.7, seed=1)
    plan = divide_items(400, seed=0)

    def plug_in(rows):
        covariance = np.cov(np.hstack([source, target])[rows].T)
        parts = (covariance[:6, :6], covariance[6:, 6:], covariance)
        first, second, both = (np.linalg.slogdet(part).logabsdet for part in parts)
        return 0.5 * (first + second - both)

    whole = plug_in(np.ones(400, dtype=bool))
    changes = np.array([plug_in(plan.unit != unit) - whole for unit in range(plan.n_units)])
    deviations = 398 * (changes - changes.mean())
    jackknife = 200 / 199 * np.square(deviations).sum() / 400**2
    whitened = [np.linalg.qr(part - part.mean(axis=0))[0] for part in (source, target)]
    shared = np.square(whitened[0].T @ whitened[1]).sum()

    def excess(dim):
        """Variance of a log-determinant by the jackknife less what it is: both known for normal data."""
        return 2 * dim / (400 - dim) + 2 * np.log(1 - dim / 400)

    twice = 0.25 * (excess(11) - excess(6) - excess(5) + 2 * excess(shared))
    assert 0.005 < twice / jackknife < 0.05
    expected = np.sqrt(jackknife - twice)
    found = estimate(source, target, estimator="gaussian").standard_error_nats
    assert found == pytest.approx(expected, rel=1e-3)


def test_it_is_symmetric_and_invariant_and_counts_related_dimensions_once():
    source, target, _ = channel(1000, 10, 10, 0.6, seed=2)
    plain = estimate(source, target, estimator="gaussian")
    back = estimate(target, source, estimator="gaussian")
    assert back.nats == pytest.approx(plain.nats, abs=1e-3)
    rotation = np.random.default_rng(3).normal(size=(10, 10))
    assert estimate(source, target @ rotation, estimator="gaussian").nats == pytest.approx(
        plain.nats, abs=1e-2
    )
    twice = np.hstack([target, target])
    assert estimate(source, twice, estimator="gaussian").nats == pytest.approx(plain.nats, abs=1e-2)
    assert estimate(source, twice).nats == pytest.approx(2 * estimate(source, target).nats, rel=1e-3)


def test_its_entropy_is_that_of_the_standardised_target():
    _, target, _ = channel(5000, 4, 4, 0.5, seed=4)
    correlation = np.corrcoef(target.T)
    expected = 0.5 * (4 * np.log(2 * np.pi * np.e) + np.linalg.slogdet(correlation).logabsdet)
    found = estimate(target[:, :2], target, estimator="gaussian").marginal_entropy_nats
    # 4 / (2 x 5000) nats of bias are taken off, the rest is rounding.
    assert found == pytest.approx(expected, abs=2e-3)


def test_repeated_items_in_groups_leave_no_bias():
    values = []
    for seed in range(20):
        source, target, truth = channel(300, 16, 16, 0.5, seed)
        copies = np.repeat(np.arange(300), 4)
        values.append(
            estimate(source[copies], target[copies], estimator="gaussian", groups=copies).nats - truth
        )
    # The spread of one value is 0.14; as if 1200 items had been independent the mean would be 0.38.
    assert abs(np.mean(values)) < 4 * 0.14 / np.sqrt(20)


def test_a_copy_is_capped_and_says_so():
    source = np.random.default_rng(5).normal(size=(500, 6))
    result = estimate(source, source, estimator="gaussian")
    # The bias that is taken off is 6 / (2 x 500) nats per dimension.
    assert result.nats_per_dim == pytest.approx(-0.5 * np.log(1e-6), abs=0.01)
    assert result.warnings == ("6 of 6 dimensions predicted up to the variance floor of 1e-06",)


def test_too_few_items_for_the_width_reduce_the_model_and_say_so():
    generator = np.random.default_rng(6)
    source = generator.normal(size=(300, 260)) * np.arange(1, 261) ** -1.0
    noise = generator.normal(size=(300, 20))
    result = estimate(source, source[:, :20] / source[:, :20].std(axis=0) + noise, estimator="gaussian")
    independent = estimate(source, noise, estimator="gaussian")
    assert result.warnings == independent.warnings == (REDUCED_WARNING,)
    assert result.source_dim == 260
    assert result.nats > 5 * result.standard_error_nats
    assert abs(independent.nats) < 4 * independent.standard_error_nats


def test_the_copula_undoes_monotone_maps_that_the_gaussian_does_not():
    generator = np.random.default_rng(7)
    source = generator.normal(size=(4000, 8))
    target = 0.8 * source + 0.6 * generator.normal(size=source.shape)
    truth = -0.5 * np.log(1 - 0.8**2)
    warped = np.sinh(2 * source), np.exp(target)
    scores = {name: estimate(*warped, estimator=name).nats_per_dim for name in ("gaussian", "copula")}
    assert scores["copula"] == pytest.approx(truth, abs=0.02)
    assert scores["gaussian"] < 0.75 * truth


def test_the_copula_takes_two_valued_dimensions():
    generator = np.random.default_rng(8)
    source = (generator.random(size=(1000, 6)) < 0.3).astype(np.float32)
    flipped = np.where(generator.random(size=source.shape) < 0.1, 1 - source, source)
    noise = (generator.random(size=source.shape) < 0.3).astype(np.float32)
    # A monotone map of a two-valued dimension is linear, so it sees what the Gaussian sees.
    copula, gaussian = (estimate(source, flipped, estimator=name).nats for name in ("copula", "gaussian"))
    assert copula == pytest.approx(gaussian, rel=1e-3)
    assert abs(estimate(source, noise, estimator="copula").nats) < 0.1


def test_few_groups_with_many_dimensions_give_a_low_number_with_a_warning_and_never_nan():
    generator = np.random.default_rng(9)
    groups = np.arange(400) // 10
    source, target = (np.repeat(generator.normal(size=(40, 30)), 10, axis=0) for _ in range(2))
    for name in ("linear", "gaussian", "copula"):
        result = estimate(source, target, estimator=name, groups=groups)
        assert np.isfinite(result.nats) and result.warnings
        # Forty independent items of thirty dimensions tell next to nothing: no hundreds of nats.
        assert abs(result.nats_per_dim) < 0.5


def test_one_group_of_nearly_all_items_gets_a_message():
    generator = np.random.default_rng(10)
    groups = np.maximum(np.arange(400), 390)
    with pytest.raises(EstimationError, match="one group holds 391 of 400 items"):
        estimate(*generator.normal(size=(2, 400, 8)), estimator="gaussian", groups=groups)


def test_normal_scores_are_quantiles_at_the_middle_of_each_rank():
    column = np.array([30.0, -5.0, 7.0, 7.0, 100.0])
    expected = norm.ppf([0.7, 0.1, 0.4, 0.4, 0.9])  # ties have their mean rank
    np.testing.assert_allclose(normal_scores(column[:, None], np.array([0]))[:, 0], expected, atol=1e-6)


@pytest.mark.parametrize("noise", [1.0, 1e-4, 0.0])
def test_products_in_single_precision_give_the_numbers_of_double_precision(monkeypatch, noise):
    generator = np.random.default_rng(4)
    source = generator.normal(size=(1500, 20))
    target = np.c_[source[:, :8] + noise * generator.normal(size=(1500, 8)), generator.normal(size=(1500, 4))]
    found = estimate(source, target, "gaussian")
    monkeypatch.setattr(canonical, "MAX_MEAN_INVERSE", 0)  # all products in double precision
    expected = estimate(source, target, "gaussian")
    assert found.nats == pytest.approx(expected.nats, abs=1e-5)
    assert found.standard_error_nats == pytest.approx(expected.standard_error_nats, rel=1e-3)


@pytest.mark.parametrize("dim", [30, 500])  # less than one part of the columns, and several
def test_products_with_triangular_matrices_are_those_with_whole_ones(dim):
    generator = np.random.default_rng(13)
    rows, matrix = generator.normal(size=(20, dim)), generator.normal(size=(dim, dim))
    np.testing.assert_allclose(canonical.times_lower(rows, np.tril(matrix)), rows @ np.tril(matrix))
    np.testing.assert_allclose(canonical.times_upper(rows, np.triu(matrix)), rows @ np.triu(matrix))
