"""What must hold for every density family; a new estimator is tested with no new test."""

import numpy as np
import pytest

from suffice import ESTIMATORS, estimate, rank
from suffice.errors import EstimationError
from suffice.estimators.base import load_prepared, save_prepared
from suffice.estimators.items import divide_items

N_ITEMS = 1000
DIM = 16
QUICK = {
    "linear": {},
    "gaussian": {},
    "copula": {},
    "neighbours": {},
    "knife": {
        "held_out": True,
        "n_components": 1,
        "n_hidden_layers": 1,
        "hidden_dim": 128,
        "batch_size": 32,
        "conditional_epochs": 8,
        "marginal_epochs": 3,
        "marginal_learning_rate": 1e-2,
    },
    "mixture": {"n_folds": 2, "n_components": 2, "hidden_dim": 32, "max_epochs": 20},
}
"""Settings under which a family is fast here; one that is not named has its defaults."""
# How far below the truth a family may stay with 1000 items of 16 dimensions beyond noise, in nats per
# dimension: nothing for those that are free of bias; what regression loses with two folds and validation
# items (16 / 900) and a network after few short epochs.
SHORTFALL = {"linear": 0.001, "gaussian": 0.001, "knife": 0.2, "mixture": 0.04}
USUAL_SHORTFALL = 0.01
EVERY = pytest.mark.parametrize("name", list(ESTIMATORS))
OF_DIMENSIONS = pytest.mark.parametrize(
    "name", [name for name, estimator in ESTIMATORS.items() if estimator.counts_dimensions]
)


def quick(name):
    """Settings under which a family is fast."""
    return QUICK.get(name, {})


def target_dim(name):
    """Over how many dimensions a family shares out its nats."""
    return DIM if ESTIMATORS[name].counts_dimensions else 1


def correlated(rho, dim=DIM, n_items=N_ITEMS, seed=0):
    generator = np.random.default_rng(seed)
    source = generator.normal(size=(n_items, dim))
    return source, rho * source + np.sqrt(1 - rho**2) * generator.normal(size=(n_items, dim))


@OF_DIMENSIONS
def test_correlated_gaussians_come_near_the_closed_form(name):
    for rho in (0.0, 0.5, 0.8):
        truth = -0.5 * np.log(1 - rho**2)
        result = estimate(*correlated(rho), estimator=name, **quick(name))
        # Above the truth only by noise: three standard errors.
        error = 3 * result.standard_error_nats / DIM
        assert -SHORTFALL.get(name, USUAL_SHORTFALL) - error < result.nats_per_dim - truth < error + 1e-3


@EVERY
def test_entropies_and_their_difference_agree(name):
    result = estimate(*correlated(0.6), estimator=name, **quick(name))
    difference = result.marginal_entropy_nats - result.conditional_entropy_nats
    assert result.nats == pytest.approx(difference, rel=1e-6, abs=1e-6)
    assert result.nats_per_dim == pytest.approx(result.nats / target_dim(name))
    assert result.block_nats.sum() / result.block_items.sum() == pytest.approx(result.nats, rel=1e-6)


@EVERY
def test_a_copy_of_the_target_tells_most_and_noise_tells_nothing(name):
    source, target = correlated(0.7)
    noise = np.random.default_rng(9).normal(size=source.shape)
    copy, near, none = (
        estimate(each, target, estimator=name, **quick(name)).nats for each in (target, source, noise)
    )
    assert copy > near > none
    # Held out, with nothing to learn, a fit can only lose or keep to the marginal; one that is free of bias
    # is off by noise, whose spread is sqrt(16 * 16 / 2) / 1000 nats.
    assert -0.1 * DIM < none < 3 * np.sqrt(DIM * DIM / 2) / N_ITEMS


@EVERY
def test_same_seed_same_bits_and_another_order_of_sources_changes_nothing(name):
    source, target = correlated(0.5)
    models = {"a": source, "b": target, "c": source[:, :8]}
    settings = quick(name) | ({"conditional_epochs": 1} if name == "knife" else {})
    first = rank(models, estimator=name, seed=3, **settings).pairs
    again = rank(dict(reversed(models.items())), estimator=name, seed=3, **settings).pairs
    keys = ["source", "target"]
    first, again = (pairs.sort_values(keys, ignore_index=True) for pairs in (first, again))
    assert (first["nats"] == again["nats"]).all()


@EVERY
def test_scaling_and_shifting_either_side_changes_nothing(name):
    source, target = correlated(0.6)
    plain = estimate(source, target, estimator=name, **quick(name)).nats
    scales = np.geomspace(1e-6, 21.0, DIM)
    moved = estimate((source + 5) * scales, (target - 3) * scales[::-1], estimator=name, **quick(name)).nats
    # Rounding to single precision, which a fit by gradient descent carries along.
    assert moved == pytest.approx(plain, abs=0.02 * DIM)


@EVERY
def test_constant_and_duplicated_dimensions_do_no_harm(name):
    source, target = correlated(0.6)
    constant = np.full((N_ITEMS, 1), 7.0)
    plain = estimate(source, target, estimator=name, **quick(name))
    hostile = estimate(
        np.hstack([source, constant, source[:, :1]]),
        np.hstack([target, constant]),
        estimator=name,
        **quick(name),
    )
    assert hostile.target_dim == target_dim(name)
    assert hostile.source_dim == DIM + 2
    assert hostile.nats_per_dim == pytest.approx(plain.nats_per_dim, abs=0.1)


@EVERY
def test_prepared_models_survive_the_disk(name, tmp_path):
    source, target = correlated(0.5)
    plan = divide_items(N_ITEMS, seed=1)
    estimator = ESTIMATORS[name](seed=1, **quick(name))
    prepared = {side: estimator.prepare(array, plan) for side, array in (("u", source), ("v", target))}
    read = {}
    for side, array in (("u", source), ("v", target)):
        save_prepared({"same": prepared[side]}, tmp_path / f"{side}.npz")
        read[side] = load_prepared(estimator.Prepared, tmp_path / f"{side}.npz", "same", array, plan)
    ((_, before),) = estimator.pairs({"u": prepared["u"]}, prepared["v"])
    ((_, after),) = estimator.pairs({"u": read["u"]}, read["v"])
    assert before.nats == after.nats


@EVERY
def test_items_of_one_group_are_never_separated(name):
    source, target = correlated(0.5)
    groups = np.arange(N_ITEMS) // 4
    result = estimate(source, target, estimator=name, groups=groups, **quick(name))
    assert np.isfinite(result.standard_error_nats)


def broken(what):
    source, target = correlated(0.5)
    if what == "rows":
        return source[:3], target
    if what == "nan":
        source[17, 2] = np.nan
    if what == "infinite":
        target[5, 0] = np.inf
    if what == "constant":
        target[:] = 1.0
    if what == "few":
        return source[:20], target[:20]
    if what == "flat":
        return source[:, 0], target
    if what == "text":
        return source.astype(str), target
    return source, target


@EVERY
@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("rows", "source has 3 items but target has 1000"),
        ("nan", "source: .* 1 NaN or infinite values, the first in row 17, column 2"),
        ("infinite", "target: .* 1 NaN or infinite values, the first in row 5, column 0"),
        ("constant", "target: all 16 dimensions .* are constant"),
        ("few", "20 items are too few: an estimate needs at least 50"),
        ("flat", r"source has shape \(1000,\); expected \(n_items, embed_dim\)"),
        ("text", "source has type .*; expected real numbers"),
    ],
)
def test_bad_arrays_get_a_message(name, what, message):
    with pytest.raises(EstimationError, match=message):
        estimate(*broken(what), estimator=name)


@EVERY
def test_a_misspelt_setting_gets_a_message(name):
    with pytest.raises(EstimationError, match="unknown key 'penalty_grid'"):
        estimate(*correlated(0.5), estimator=name, penalty_grid=3)


def test_an_unknown_estimator_is_named_with_the_nearest():
    with pytest.raises(ValueError, match="unknown estimator 'linaer'; did you mean 'linear'"):
        estimate(*correlated(0.5), estimator="linaer")
