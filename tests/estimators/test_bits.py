"""Bits as targets of `linear`: nothing for noise, the entropy for copies, the truth of a known channel."""

import numpy as np
import pytest

from suffice import estimate
from suffice.estimators import standardise
from suffice.estimators.bits import two_valued
from suffice.estimators.items import divide_items
from suffice.estimators.linear import Linear
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
    assert again["v"].is_bit.all() and not again["u"].is_bit.any()
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


def test_two_valued_dimensions_are_found_in_a_stream(monkeypatch):
    monkeypatch.setattr("suffice.estimators.bits.chunks_of", lambda n: standardise.chunks_of(n, 4))
    table = np.zeros((12, 7))
    table[:, 0] = [0, 1] * 6  # both at once
    table[:, 1] = [2] * 5 + [9] * 7  # the second value in a later chunk
    table[:, 2] = 3  # constant
    table[:, 3] = [0] * 4 + [1] * 4 + [2] * 4  # a third value in a later chunk
    table[:, 4] = np.arange(12)
    table[:, 5] = [5] * 4 + [1] * 4 + [5] * 4  # a lower value later
    table[:, 6] = [0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0.5]
    assert two_valued(table).tolist() == [True, True, False, False, False, True, False]


def test_a_bit_that_one_item_has_counts_for_next_to_nothing():
    source, bits = channel(500, 4, 2, 0, 3, seed=5)
    plan = divide_items(500, None, 0)
    models = Linear().prepare_all({"u": source, "v": bits}, plan)
    ((_, found),) = Linear().pairs({"u": models["u"]}, models["v"])
    rare = np.hstack([bits, np.eye(500, 1)]).astype(np.float32)
    assert estimate(source, rare).nats == pytest.approx(found.nats, abs=0.02)
