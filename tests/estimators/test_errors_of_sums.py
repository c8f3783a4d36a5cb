"""Standard errors of sums, means and differences of pairs, with what blocks vary too much by."""

import numpy as np
import pytest

from suffice import ESTIMATORS
from suffice.estimators.items import divide_items
from suffice.estimators.linear import Linear
from suffice.estimators.looks import Looks
from suffice.estimators.result import LEAST_LEFT, block_standard_error, block_variance

BOTH = pytest.mark.parametrize("name", ["linear", "gaussian"])


def pairs_with(estimator, sources, target, seed=0):
    plan = divide_items(len(target), seed=seed)
    models = estimator.prepare_all({**sources, "\0target": target}, plan)
    return dict(estimator.pairs({name: models[name] for name in sources}, models["\0target"]))


def test_the_excess_is_taken_off_but_never_all():
    items, nats = np.full(4, 2.0), np.array([1.0, -1.0, 2.0, -2.0])
    # Squares sum to 10, of which 4 are excess: 4/3 x 6 / 8^2.
    assert block_standard_error(nats, items, np.array([1.0, -1, -1, 1])) == pytest.approx(np.sqrt(8 / 64))
    assert block_standard_error(nats, items, nats) == pytest.approx(
        np.sqrt(LEAST_LEFT * block_variance(nats, items))
    )
    assert block_standard_error(nats, items, np.zeros(4)) == np.sqrt(block_variance(nats, items))


@BOTH
@pytest.mark.parametrize(("n_items", "low", "high"), [(160, 0.9, 1.1), (400, 0.9, 1.1)])
def test_the_standard_error_of_independent_data_is_the_spread(name, n_items, low, high):
    """All noise is that of pairs of items here; between blocks it is too wide by 1.4 and more."""
    values, variances, between = [], [], []
    for seed in range(40):
        generator = np.random.default_rng(seed)
        sources = {str(number): generator.normal(size=(n_items, 40)) for number in range(5)}
        found = pairs_with(ESTIMATORS[name](), sources, generator.normal(size=(n_items, 20)), seed).values()
        values.append([each.nats for each in found])
        variances.append([each.standard_error_nats**2 for each in found])
        between.append([block_variance(each.block_nats, each.block_items) for each in found])
    spread = np.var(values, axis=0, ddof=1).mean()
    # 200 values fix a standard deviation to 5 %; two of these are allowed.
    assert low < np.sqrt(np.mean(variances) / spread) < high
    assert np.sqrt(np.mean(between) / spread) > 1.3


def test_the_excess_of_a_target_is_that_of_its_halves_together():
    ratios = []
    for seed in range(12):
        generator = np.random.default_rng(seed)
        source = generator.normal(size=(300, 60))
        target = source @ generator.normal(size=(60, 20)) / 8 + generator.normal(size=(300, 20))
        parts = [target, target[:, :10], target[:, 10:]]
        whole, left, right = (pairs_with(Linear(), {"u": source}, part)["u"] for part in parts)
        together = left.block_excess_nats + right.block_excess_nats
        ratios.append(
            block_variance(together, whole.block_items)
            / block_variance(whole.block_excess_nats, whole.block_items)
        )
        np.testing.assert_allclose(left.block_nats + right.block_nats, whole.block_nats, rtol=1e-3, atol=0.02)
    # A correlation over 200 blocks is known to 7 %, the mean of 12 to 2 %.
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.06)


@BOTH
def test_excesses_have_in_common_what_the_noise_has_in_common(name):
    """Independent targets of one source: nothing. Sources that are nearly the same: nearly everything."""
    of_targets, of_sources = [], []
    for seed in range(12):
        generator = np.random.default_rng(seed)
        source = generator.normal(size=(500, 60))
        sources = {"u": source, "near": source + 0.1 * generator.normal(size=(500, 60))}
        found = [pairs_with(ESTIMATORS[name](), sources, generator.normal(size=(500, 30))) for _ in range(2)]
        of_targets.append(np.corrcoef(*(each["u"].block_excess_nats for each in found))[0, 1])
        of_sources.append(np.corrcoef(*(each.block_excess_nats for each in found[0].values()))[0, 1])
    assert abs(np.mean(of_targets)) < 0.07  # three standard errors
    assert np.mean(of_sources) > 0.85


@BOTH
def test_the_mean_of_two_looks_has_less_noise_of_pairs_unless_they_are_equal(name):
    generator = np.random.default_rng(3)
    rows = generator.normal(size=(2, 2, 400, 50))
    estimator, plan = ESTIMATORS[name](), divide_items(400, seed=0)
    (u1, u2), (v1, v2) = ([estimator.prepare(look, plan) for look in model] for model in rows)
    ((_, apart),) = estimator.look_pairs({"u": Looks(u1, u2)}, Looks(v1, v2))
    ((_, equal),) = estimator.look_pairs({"u": Looks(u1, u1)}, Looks(v1, v1))
    ((_, one),) = estimator.pairs({"u": u1}, v1)
    assert equal.standard_error_nats == one.standard_error_nats
    # Four independent looks: two independent numbers.
    assert apart.standard_error_nats == pytest.approx(one.standard_error_nats / np.sqrt(2), rel=0.25)
    excess = [block_variance(each.block_excess_nats, each.block_items) for each in (apart, one)]
    assert excess[0] == pytest.approx(excess[1] / 2, rel=0.25)
