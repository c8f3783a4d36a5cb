"""Two looks at an item: only what both share counts, in nats that are known."""

import numpy as np
import pytest

from suffice import ESTIMATORS
from suffice.errors import EstimationError
from suffice.estimators.base import Estimator
from suffice.estimators.items import divide_items
from suffice.estimators.regression import tiling

N_ITEMS, DIM = 4000, 6
REGRESSIONS = pytest.mark.parametrize("name", ["linear", "gaussian", "copula"])
QUICK = {
    "linear": {},
    "gaussian": {},
    "mixture": {"n_folds": 2, "n_components": 2, "hidden_dim": 16, "max_epochs": 2},
}


def two_looks(noise, seed=0, n_items=N_ITEMS, dim=DIM):
    """Vectors that hold what both looks share, the same for every seed, and noise of each look's own."""
    shared = np.random.default_rng(99).normal(size=(n_items, dim))
    own = np.random.default_rng(seed).normal(size=(2, n_items, dim))
    return shared + noise * own[0], shared + noise * own[1]


def prepared(estimator, models, n_items=N_ITEMS):
    plan = divide_items(n_items, seed=0)
    first, second = ({name: looks[which] for name, looks in models.items()} for which in (0, 1))
    return estimator.prepare_all_looks(first, second, plan)


def table(estimator, looks, **options):
    return {(source, target): found for source, target, found in estimator.all_look_pairs(looks, **options)}


@REGRESSIONS
def test_the_number_is_the_information_of_what_the_looks_share(name):
    models = {"u": two_looks(0.5, seed=1), "v": two_looks(1.0, seed=2)}
    found = table(ESTIMATORS[name](), prepared(ESTIMATORS[name](), models))
    rho_squared = {("u", "v"): 1 / (1.25 * 2), ("u", "u"): 1 / 1.25**2, ("v", "v"): 1 / 4}
    for pair, rho2 in rho_squared.items():
        # Three standard errors, and what normal scores cost `copula`.
        error = 3 * found[pair].standard_error_nats / DIM + 1e-3
        assert found[pair].nats_per_dim == pytest.approx(-0.5 * np.log(1 - rho2), abs=error)
        assert 0 < found[pair].standard_error_nats < 0.2


def test_gaussian_is_symmetric_to_the_last_bit():
    models = {"u": two_looks(0.5, seed=1), "v": two_looks(1.0, seed=2, dim=3)}
    estimator = ESTIMATORS["gaussian"]()
    found = table(estimator, prepared(estimator, models))
    assert found["u", "v"].nats == found["v", "u"].nats


def test_both_directions_enter_the_number():
    """The second look of V is noise, so that one direction is 0 and the other is not."""
    (u1, u2), (v1, _) = two_looks(0.5, seed=1), two_looks(0.5, seed=2)
    noise = np.random.default_rng(5).normal(size=v1.shape)
    estimator = ESTIMATORS["linear"]()
    found = table(estimator, prepared(estimator, {"u": (u1, u2), "v": (v1, noise)}))["u", "v"]
    expected = 0.5 * (0 - 0.5 * np.log(1 - 1 / 1.25**2))
    assert found.nats_per_dim == pytest.approx(expected, abs=3 * found.standard_error_nats / DIM)


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_equal_looks_give_the_numbers_of_one_look(name):
    n_items = 400
    vectors = {"u": two_looks(0.5, 1, n_items)[0], "v": two_looks(1.0, 2, n_items)[0]}
    estimator = ESTIMATORS[name](**QUICK.get(name, {}))
    found = table(estimator, prepared(estimator, {key: (x, x) for key, x in vectors.items()}, n_items))
    alone = estimator.prepare_all(vectors, divide_items(n_items, seed=0))
    for source, target, one in estimator.all_pairs(alone):
        two = found[source, target]
        assert two.nats == one.nats
        assert two.standard_error_nats == one.standard_error_nats
        assert (two.block_nats == one.block_nats).all()


@REGRESSIONS
def test_what_is_copied_from_one_look_alone_is_worth_nothing(name):
    surface = np.random.default_rng(3).normal(size=(2, N_ITEMS, DIM))
    models = {"copies": tuple(surface), "both": tuple(2 * surface + two_looks(0.0)[0])}
    estimator = ESTIMATORS[name]()
    looks = prepared(estimator, models)
    across = table(estimator, looks)["copies", "both"]
    assert abs(across.nats) < 3 * across.standard_error_nats
    same = estimator.prepare_all({name: pair[0] for name, pair in models.items()}, divide_items(N_ITEMS))
    ((_, one_look),) = estimator.pairs({"copies": same["copies"]}, same["both"])
    assert one_look.nats_per_dim > 0.7


@REGRESSIONS
def test_one_target_after_the_other_gives_the_same_bits(name, monkeypatch):
    models = {"u": two_looks(0.5, 1), "v": two_looks(1.0, 2, dim=4), "w": two_looks(2.0, 3, dim=5)}
    estimator = ESTIMATORS[name]()
    looks = prepared(estimator, models)
    together = table(estimator, looks)
    assert list(together) == list(dict.fromkeys(together))
    assert len(together) == 9
    for target in models:
        for source, found in estimator.look_pairs(looks, looks[target]):
            assert found.nats == together[source, target].nats
    assert {target for _, target in table(estimator, looks, wanted=[("u", "w")])} == {"w"}
    monkeypatch.setattr(tiling, "MAX_MOMENTS_BYTES", 8 * 12**2)
    tiled = table(estimator, looks)
    assert {pair: found.nats for pair, found in tiled.items()} == {
        pair: found.nats for pair, found in together.items()
    }


def test_the_way_of_every_family_is_that_of_regressions():
    models = {"u": two_looks(0.5, 1), "v": two_looks(1.0, 2)}
    estimator = ESTIMATORS["linear"]()
    looks = prepared(estimator, models)
    shared = dict(estimator.look_pairs(looks, looks["v"]))
    for source, found in Estimator.look_pairs(estimator, looks, looks["v"]):
        assert found.nats == shared[source].nats


def test_the_standard_error_is_the_spread_over_data_sets():
    values, errors = [], []
    for seed in range(60):
        generator = np.random.default_rng(seed)
        shared = generator.normal(size=(1000, 4))
        looks = [shared + generator.normal(size=(1000, 4)) for _ in range(4)]
        estimator = ESTIMATORS["linear"]()
        both = prepared(estimator, {"u": looks[:2], "v": looks[2:]}, 1000)
        ((_, found),) = estimator.look_pairs({"u": both["u"]}, both["v"])
        values.append(found.nats)
        errors.append(found.standard_error_nats)
    # 60 draws fix a standard deviation to about 10 %; three of these are allowed.
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.3)


def test_looks_that_differ_in_shape_get_a_message():
    first, second = two_looks(1.0)
    estimator = ESTIMATORS["linear"]()
    with pytest.raises(EstimationError, match=r"shape \(4000, 6\) but the second has \(4000, 5\)"):
        estimator.prepare_looks(first, second[:, :5])
    second[7, 1] = np.nan
    with pytest.raises(EstimationError, match="u: second look: .*the first in row 7, column 1"):
        estimator.prepare_all_looks({"u": first}, {"u": second}, divide_items(N_ITEMS))
