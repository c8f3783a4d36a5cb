"""Targets that mix few-valued dimensions with continuous ones, under every family of densities."""

import numpy as np
import pytest

from suffice import estimate
from suffice.estimators.base import load_prepared, save_prepared
from suffice.estimators.few_values import FewValues
from suffice.estimators.items import divide_items
from suffice.estimators.registry import ESTIMATORS
from suffice.estimators.standardise import standardise

QUICK = {
    "gaussian": {},
    "copula": {},
    "mixture": {"n_folds": 2, "n_components": 2, "hidden_dim": 16, "max_epochs": 1},
    "knife": {"conditional_epochs": 2, "marginal_epochs": 1, "hidden_dim": 16, "held_out": True},
}
CLOSED = ("gaussian", "copula")
WIDTHS = [(name, width) for name in QUICK for width in (64, 384)]
N_DENSE = 4


def few_columns(generator, n, width):
    """Bits, counts, ratings and codes of 20 values, a quarter each."""
    each = width // 4
    parts = [
        generator.random((n, each)) < 0.3,
        generator.poisson(0.4, (n, each)),
        generator.integers(1, 6, (n, each)) / 2,
        generator.geometric(0.4, (n, width - 3 * each)).clip(max=20),
    ]
    return np.hstack(parts).astype(float)


def draw(width, n=1500, seed=0):
    """Few-valued columns, continuous columns, and noise that knows of neither."""
    generator = np.random.default_rng(seed)
    few = few_columns(generator, n, width - N_DENSE)
    return few, generator.normal(size=(n, N_DENSE)), generator.normal(size=(n, 12))


def entropy(array):
    counts = [np.unique(column, return_counts=True)[1] / len(array) for column in array.T]
    return -sum(float((share * np.log(share)).sum()) for share in counts)


@pytest.mark.parametrize(("name", "width"), WIDTHS)
def test_a_source_that_knows_only_the_few_values_tells_their_entropy(name, width):
    few, dense, _ = draw(width)
    source = few[:, ::8]  # every eighth column, so that columns are fewer than half of the items
    target = np.hstack([dense, few])
    result = estimate(source, target, estimator=name, **QUICK[name])
    of_few = estimate(source, few).nats
    assert 0.8 * entropy(source) < of_few < entropy(source) + 3 * estimate(source, few).standard_error_nats
    of_dense = result.nats - of_few
    assert abs(of_dense) < 0.05 * N_DENSE + 3 * result.standard_error_nats
    assert result.target_dim == width
    assert result.nats_per_dim == pytest.approx(result.nats / width)
    assert result.block_nats.sum() / result.block_items.sum() == pytest.approx(result.nats)
    assert result.marginal_entropy_nats - result.conditional_entropy_nats == pytest.approx(result.nats)
    assert any(f"{width - N_DENSE} of {width} dimensions have few" in said for said in result.warnings)


@pytest.mark.parametrize(("name", "width"), WIDTHS)
def test_noise_tells_nothing_of_a_mixed_target(name, width):
    few, dense, noise = draw(width, seed=1)
    result = estimate(noise, np.hstack([few, dense]), estimator=name, **QUICK[name])
    assert abs(result.nats) < 3 * result.standard_error_nats + 0.02 * N_DENSE


@pytest.mark.parametrize("name", list(QUICK))
def test_both_parts_add_up_in_nats_and_in_errors(name):
    few, dense, noise = draw(24, seed=2)
    generator = np.random.default_rng(3)
    source = np.hstack([dense + generator.normal(size=dense.shape), few[:, :6], noise])
    result = estimate(source, np.hstack([few, dense]), estimator=name, **QUICK[name])
    of_dense = estimate(source, dense, estimator=name, **QUICK[name])
    of_few = estimate(source, few)
    assert result.nats == pytest.approx(of_dense.nats + of_few.nats, abs=1e-5)
    assert result.marginal_entropy_nats == pytest.approx(
        of_dense.marginal_entropy_nats + of_few.marginal_entropy_nats, abs=1e-4
    )
    independent = np.hypot(of_dense.standard_error_nats, of_few.standard_error_nats)
    assert 0.7 * independent < result.standard_error_nats < 2.5 * independent


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("width", [64, 384])
def test_related_sources_keep_their_order_and_stay_below_the_entropy(name, width):
    few, dense, _ = draw(width, n=1500, seed=4)
    target = np.hstack([few, dense])
    generator = np.random.default_rng(5)
    noise = generator.normal(size=few[:, ::4].shape)
    found = [estimate(few[:, ::4] + spread * noise, target, estimator=name).nats for spread in (0.02, 0.5, 2)]
    assert found == sorted(found, reverse=True)
    assert found[0] < entropy(few[:, ::4]) + 0.1


@pytest.mark.parametrize("name", CLOSED)
def test_all_pairs_of_a_pool_equal_single_pairs(name):
    few, dense, noise = draw(20, n=400, seed=6)
    pool = {"mixed": np.hstack([few, dense]), "few": few, "dense": np.hstack([dense, noise])}
    estimator, plan = ESTIMATORS[name](), divide_items(400, None, 0)
    prepared = estimator.prepare_all(pool, plan)
    found = {(u, v): result.nats for u, v, result in estimator.all_pairs(prepared)}
    assert len(found) == 9
    for target in pool:
        for source, result in estimator.pairs(prepared, prepared[target]):
            assert found[source, target] == pytest.approx(result.nats, abs=1e-6)
    looks = estimator.prepare_all_looks(pool, pool, plan)
    assert {(u, v) for u, v, _ in estimator.all_look_pairs(looks)} == set(found)


@pytest.mark.parametrize("name", list(QUICK))
def test_a_stored_model_gives_the_same_number(name, tmp_path):
    few, dense, noise = draw(20, n=400, seed=7)
    target, estimator, plan = np.hstack([few, dense]), ESTIMATORS[name](**QUICK[name]), divide_items(400)
    prepared = estimator.prepare_all({"u": noise, "v": target}, plan)
    save_prepared({"one": prepared["v"]}, tmp_path / "v.npz")
    again = load_prepared(estimator.Prepared, tmp_path / "v.npz", "one", target, plan)
    (one,), (other,) = (list(estimator.pairs({"u": prepared["u"]}, v)) for v in (prepared["v"], again))
    assert one[1].nats == other[1].nats


def discrete(*columns):
    array = np.stack(columns, axis=1).astype(float)
    return FewValues.of(array, standardise(array)).is_discrete.tolist()


def test_which_dimensions_are_discrete():
    generator = np.random.default_rng(8)
    bit, code = generator.integers(0, 2, 900), generator.integers(0, 200, 900)
    skewed = generator.geometric(0.4, 900)  # more values than have steps, and little entropy
    skewed[:20] = np.arange(20) + 1
    normal, rare_counts = generator.normal(size=900), np.zeros(900)
    rare_counts[:3] = 1, 2, 3
    rare_activations = np.where(np.arange(900) < 3, normal, 0)
    assert discrete(bit, code) == [True, False]
    assert discrete(skewed, code) == [True, False]
    assert discrete(code, code) == [False, False]
    assert discrete(bit, code, normal) == [True, True, False]
    assert discrete(rare_counts, rare_activations) == [True, False]
