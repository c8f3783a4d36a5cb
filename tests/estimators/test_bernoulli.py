"""Bits as targets of `linear`: nothing for noise, the entropy for copies, the truth of a known channel."""

import numpy as np
import pytest
from scipy.optimize import minimize

from suffice import estimate
from suffice.estimators import standardise
from suffice.estimators.few_values import MAX_LEVELS, distinct_values
from suffice.estimators.items import divide_items
from suffice.estimators.linear import Linear
from suffice.estimators.regression.bernoulli import Steps, _calibrated
from suffice.estimators.result import block_standard_error


def entropy(p):
    return -(p * np.log(p) + (1 - p) * np.log(1 - p))


def channel(n_items, dim, slope, offset, n_bits, seed):
    """Bits whose log-odds is a normal variable of that standard deviation and mean, known to the source."""
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(n_items, dim))
    mixing = rng.normal(size=(dim, n_bits))
    mixing *= slope / np.linalg.norm(mixing, axis=0)
    odds = offset + source @ mixing
    return source, (rng.random((n_items, n_bits)) < 1 / (1 + np.exp(-odds))).astype(np.float32)


def nats_of_channel(slope, offset):
    """Exact, by Gauss-Hermite quadrature: h(E p) - E h(p)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(90)
    weights /= weights.sum()
    probability = np.clip(1 / (1 + np.exp(-(offset + slope * nodes))), 1e-12, 1 - 1e-12)
    return entropy((probability * weights).sum()) - (entropy(probability) * weights).sum()


@pytest.mark.parametrize(("n_items", "dim", "share"), [(1000, 50, 0.5), (1000, 300, 0.05), (300, 40, 0.2)])
def test_independent_bits_are_worth_nothing_at_any_width(n_items, dim, share):
    values = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        bits = (rng.random((n_items, 30)) < share).astype(np.float32)
        values.append(estimate(rng.normal(size=(n_items, dim)), bits).nats_per_dim)
    # The spread of one value is about sqrt(dim / 30) / (2 n_items), as for dimensions that are normal.
    assert abs(np.mean(values)) < 3 * np.sqrt(dim / 30) / (2 * n_items) / np.sqrt(6) + 0.003


@pytest.mark.parametrize(("slope", "offset"), [(1, 0), (3, -2)])
def test_the_truth_of_a_logistic_channel(slope, offset):
    source, bits = channel(3000, 5, slope, offset, 40, seed=1)
    found, truth = estimate(source, bits), nats_of_channel(slope, offset)
    assert abs(found.nats_per_dim - truth) < 3 * found.standard_error_nats / 40 + 0.002


def test_it_is_low_not_high_where_the_source_is_wide():
    source, bits = channel(2000, 200, 3, -2, 20, seed=2)
    truth = nats_of_channel(3, -2)
    # One coefficient for ten items: about 5 % low.
    assert 0.9 * truth < estimate(source, bits).nats_per_dim < truth


def test_a_copy_gives_the_entropy_and_no_more():
    rng = np.random.default_rng(0)
    share = np.linspace(0.01, 0.5, 60)
    bits = (rng.random((2000, 60)) < share).astype(np.float32)
    found = estimate(bits, bits)
    exact = entropy(bits.mean(axis=0)).sum()
    assert found.marginal_entropy_nats == pytest.approx(exact, rel=1e-4)
    assert 0.99 * exact < found.nats < exact
    gaussian = estimate(bits, bits, binary="gaussian")
    assert gaussian.nats_per_dim == pytest.approx(6.9, abs=0.1)


def test_bits_and_other_dimensions_add_up():
    rng = np.random.default_rng(3)
    source, bits = channel(1000, 4, 2, 0, 5, seed=3)
    others = source[:, :3] + rng.normal(size=(1000, 3))
    mixed = np.hstack([bits[:, :2], others, bits[:, 2:]])
    whole, left, right = (estimate(source, target) for target in (mixed, bits, others))
    assert whole.nats == pytest.approx(left.nats + right.nats, rel=1e-5)
    assert whole.nats_per_dim == pytest.approx(whole.nats / 8)
    assert whole.marginal_entropy_nats == pytest.approx(
        left.marginal_entropy_nats + right.marginal_entropy_nats, rel=1e-5
    )
    together = block_standard_error(
        left.block_nats + right.block_nats,
        left.block_items,
        left.block_excess_nats + right.block_excess_nats,
    )
    assert whole.standard_error_nats == pytest.approx(together, rel=1e-4)
    excess = left.block_excess_nats + right.block_excess_nats
    np.testing.assert_allclose(whole.block_excess_nats, excess, atol=1e-3 * np.abs(excess).max())


def test_the_standard_error_is_the_spread_over_draws():
    found = [estimate(*channel(600, 5, 2, -1, 10, seed)) for seed in range(40)]
    spread = np.std([each.nats for each in found], ddof=1)
    typical = np.mean([each.standard_error_nats for each in found])
    # The spread of a standard deviation over 40 draws is 11 %.
    assert 0.7 < typical / spread < 1.4


def test_both_values_may_be_any_and_a_bit_may_be_on_either_side():
    source, bits = channel(800, 4, 2, 0, 6, seed=4)
    expected = estimate(source, bits).nats
    assert estimate(source, 7 - 3 * bits).nats == pytest.approx(expected, rel=1e-4)


def test_a_stored_model_is_the_same_and_other_dimensions_do_not_change(rng_pair):
    source, target = rng_pair
    bits = (target[:, :4] > 0).astype(np.float32)
    plan = divide_items(len(source), None, 0)
    estimator = Linear()
    models = estimator.prepare_all({"u": source, "v": bits}, plan)
    again = {
        name: Linear.Prepared.from_arrays(model.arrays(), model.embedding, plan)
        for name, model in models.items()
    }
    assert again["v"].as_target.few.has_steps.all() and not again["u"].as_target.few.has_steps.any()
    (_, direct), (_, stored) = (
        next(iter(estimator.pairs({"u": kept["u"]}, kept["v"]))) for kept in (models, again)
    )
    assert direct.nats == stored.nats
    as_before = estimate(source, target, binary="gaussian")
    assert estimate(source, target).nats == as_before.nats


@pytest.fixture
def rng_pair():
    rng = np.random.default_rng(9)
    source = rng.normal(size=(400, 6))
    return source, source @ rng.normal(size=(6, 8)) + rng.normal(size=(400, 8))


def test_few_values_are_found_in_a_stream(monkeypatch):
    monkeypatch.setattr("suffice.estimators.few_values.chunks_of", lambda n: standardise.chunks_of(n, 4))
    monkeypatch.setattr("suffice.estimators.few_values.MAX_VALUES", 3)
    table = np.zeros((12, 6))
    table[:, 0] = [0, 1] * 6  # both at once
    table[:, 1] = [2] * 5 + [9] * 7  # the second value in a later chunk
    table[:, 2] = [0] * 4 + [1] * 4 + [-2] * 4  # a third value, and a lower one, in a later chunk
    table[:, 3] = np.arange(12)
    table[:, 4] = [0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3]  # one too many at the very end
    found = distinct_values(table, np.array([0, 1, 2, 3, 4]))
    assert {name: values.tolist() for name, (values, _) in found.items()} == {
        0: [0, 1],
        1: [2, 9],
        2: [-2, 0, 1],
    }
    assert found[1][1].tolist() == [5, 7]


def test_a_bit_that_one_item_has_counts_for_next_to_nothing():
    source, bits = channel(500, 4, 2, 0, 3, seed=5)
    plan = divide_items(500, None, 0)
    models = Linear().prepare_all({"u": source, "v": bits}, plan)
    ((_, found),) = Linear().pairs({"u": models["u"]}, models["v"])
    rare = np.hstack([bits, np.eye(500, 1)]).astype(np.float32)
    assert estimate(source, rare).nats == pytest.approx(found.nats, abs=0.02)


def as_steps(bits):
    """Each bit as the one step of a dimension."""
    return Steps(np.arange(bits.shape[1]), bits, np.ones_like(bits))


@pytest.mark.parametrize(("n_items", "offset"), [(400, 0.0), (100, -3.0)])
def test_offset_and_slope_are_those_of_logistic_regression(n_items, offset):
    """Also of a bit that so few items have that they weigh no more than one."""
    generator = np.random.default_rng(1)
    prediction = generator.normal(size=(n_items, 3)).astype(np.float32)
    odds = offset + 1.5 * prediction
    bits = (generator.random((n_items, 3)) < 1 / (1 + np.exp(-odds))).astype(np.float32)
    start = np.full(3, offset, dtype=np.float32), np.zeros(3, dtype=np.float32)
    found = np.array(_calibrated(as_steps(bits), prediction, start))
    for column in range(3):

        def loss(weights, x=prediction[:, column], y=bits[:, column]):
            return np.logaddexp(0, np.where(y > 0, -1, 1) * (weights[0] + weights[1] * x)).sum()

        # Newton's steps are damped by a thousandth of an item.
        np.testing.assert_allclose(found[:, column], minimize(loss, [offset, 0.5]).x, atol=2e-3)


def test_a_bit_without_weight_has_finite_coefficients():
    """All items of the sample have it, with a certainty that single precision cannot tell from 1."""
    prediction = np.linspace(-1, 1, 50, dtype=np.float32)[:, None]
    start = np.array([27.0], dtype=np.float32), np.zeros(1, dtype=np.float32)
    assert np.isfinite(_calibrated(as_steps(np.ones_like(prediction)), prediction, start)).all()


def test_a_bit_that_is_predicted_without_error_keeps_its_coefficients():
    """Its items weigh less than the ridge, which then alone decides how far steps go, not where to."""
    prediction = np.repeat(np.array([-1, 1], dtype=np.float32), 25)[:, None]
    start = np.zeros(1, dtype=np.float32), np.full(1, 12, dtype=np.float32)
    _, slope = _calibrated(as_steps((prediction > 0).astype(np.float32)), prediction, start)
    assert 12 <= slope[0] < 20


def value_entropy(columns):
    """Sum over columns of the entropy of their values, in nats."""
    shares = [np.unique(column, return_counts=True)[1] / len(column) for column in columns.T]
    return sum(-(share * np.log(share)).sum() for share in shares)


COUNTS = {
    "three values": lambda rng: rng.integers(0, 3, (3000, 8)),
    "rare counts": lambda rng: rng.poisson(0.3, (3000, 8)),
    "ratings": lambda rng: 1 + rng.binomial(4, 0.6, (3000, 8)),
    "halves": lambda rng: rng.integers(-4, 5, (3000, 8)) / 2,
    "codes of 8 bits": lambda rng: np.clip(np.round(40 * rng.normal(size=(3000, 8))), -127, 127),
    "many counts": lambda rng: rng.poisson(9, (3000, 8)),
}


@pytest.mark.parametrize("kind", COUNTS)
def test_few_values_hold_at_most_their_entropy_and_nothing_of_what_is_independent(kind):
    rng = np.random.default_rng(6)
    counts = COUNTS[kind](rng).astype(np.float32)
    noise = rng.normal(size=(3000, 20))
    exact = value_entropy(counts)
    copy = estimate(np.hstack([noise, counts]), counts)
    assert 0.9 * exact < copy.nats <= exact * (1 + 1e-6)
    is_held = len(np.unique(counts[:, 0])) > MAX_LEVELS
    assert any("limited to the entropy of their values" in said for said in copy.warnings) == is_held
    independent = estimate(noise, counts)
    assert abs(independent.nats) < 3 * independent.standard_error_nats + 0.002
    assert estimate(np.hstack([noise, counts]), counts, binary="gaussian").nats > 1.2 * exact


def sequential_channel(n_items, seed):
    """Values 0 to 3 in steps whose log-odds is affine in what the source knows, and the steps' chances."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n_items)
    odds = np.stack([0.5 + 1.5 * z, -0.5 + z, 2 * z])
    above = rng.random(odds.shape) < 1 / (1 + np.exp(-odds))
    value = np.where(~above[0], 0, np.where(~above[1], 1, np.where(~above[2], 2, 3)))
    return z[:, None], value[:, None].astype(float), 1 / (1 + np.exp(-odds))


def test_the_truth_of_a_channel_of_four_values():
    _, value, p = sequential_channel(400_000, 0)
    given_source = np.stack([1 - p[0], p[0] * (1 - p[1]), p[0] * p[1] * (1 - p[2]), p[0] * p[1] * p[2]])
    truth = value_entropy(value) + (given_source * np.log(given_source)).sum(axis=0).mean()
    found = [estimate(*sequential_channel(2000, seed)[:2]) for seed in range(1, 13)]
    nats = np.array([each.nats for each in found])
    assert abs(nats.mean() - truth) < 3 * nats.std(ddof=1) / np.sqrt(len(nats)) + 0.002
    # The spread of a standard deviation over 12 draws is 21 %.
    assert 0.5 < np.mean([each.standard_error_nats for each in found]) / nats.std(ddof=1) < 1.7


@pytest.mark.parametrize(("n_items", "dim"), [(1000, 50), (1000, 300)])
def test_independent_counts_are_worth_nothing_at_any_width(n_items, dim):
    values = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        counts = rng.poisson(1, (n_items, 30)).astype(float)
        values.append(estimate(rng.normal(size=(n_items, dim)), counts).nats_per_dim)
    # About three steps a dimension, each with the spread of a bit.
    assert abs(np.mean(values)) < 3 * 3 * np.sqrt(dim / 30) / (2 * n_items) / np.sqrt(6) + 0.003


@pytest.mark.parametrize("share", [0.003, 0.02, 0.1])
def test_rare_activations_whose_values_do_not_repeat_are_continuous(share):
    """0 for most items, as after a rectifier; with few items few values are distinct."""
    rng = np.random.default_rng(8)
    source = rng.normal(size=(1500, 10))
    active = np.maximum(source[:, :6] - np.quantile(source[:, :6], 1 - share, axis=0), 0).astype(np.float32)
    assert len(np.unique(active[:, 0])) < 256
    found = estimate(source, active)
    assert found.nats == estimate(source, active, binary="gaussian").nats
    assert not any("entropy" in said for said in found.warnings)
