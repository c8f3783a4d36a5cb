"""The neighbour family against its formula, computed the long way, and known truths."""

import numpy as np
import pytest

from suffice import estimate, rank
from suffice.errors import EstimationError
from suffice.estimators import nearness, neighbours, softmax
from suffice.estimators.items import divide_items
from suffice.estimators.neighbours import Neighbours
from suffice.estimators.softmax import FINE_BETAS

N_ITEMS = 400


def of_clusters(seed, n_items=N_ITEMS, dim=16, noise=0.5, signal_seed=0):
    """A map of 6 common variables, and noise; the map and the noise differ with `seed`."""
    signal = np.random.default_rng(signal_seed).normal(size=(n_items, 6))
    generator = np.random.default_rng(100 + seed)
    return signal @ generator.normal(size=(6, dim)) + noise * generator.normal(size=(n_items, dim))


def unit(vectors):
    rows = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def by_formula(source, target, k, plan, *, source_other=None, own=False):
    """The formula by dense matrices in double precision, with a search for each half's temperature."""
    n = len(source)
    s, near = unit(source) @ unit(source if source_other is None else source_other).T, unit(target)
    allowed = (plan.group[:, None] != plan.group) | (own & np.eye(n, dtype=bool))
    s = np.where(allowed, s, -np.inf)
    order = np.argsort(-np.where(allowed, near @ near.T, -np.inf), axis=1)
    right = np.arange(n)[:, None] if own else order[:, :k]
    found, number = np.take_along_axis(s, right, axis=1).mean(axis=1), np.log(allowed.sum(axis=1))
    loss = [np.log(np.exp(beta * (s - 1)).sum(axis=1)) - beta * (found - 1) for beta in FINE_BETAS[1:]]
    loss = np.array([number, *loss])
    half = plan.block % 2
    nats = np.empty(n)
    for this in (0, 1):
        best = loss[:, half != this].mean(axis=1).argmin()
        nats[half == this] = (number - loss[best])[half == this]
    return nats.mean()


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("groups", [None, np.arange(N_ITEMS) // 3])
def test_it_is_the_formula(k, groups):
    source, target = of_clusters(1), of_clusters(2)
    found = estimate(source, target, estimator="neighbours", k=k, groups=groups)
    plan = divide_items(N_ITEMS, groups, seed=0)
    # The spline between temperatures of the grid: below 0.001 nats.
    assert found.nats == pytest.approx(by_formula(source, target, k, plan), abs=1e-3)
    assert found.nats > 0.5
    assert found.marginal_entropy_nats == pytest.approx(
        np.log(N_ITEMS - (1 if groups is None else 3)), abs=0.01
    )


@pytest.mark.parametrize(("settings", "own"), [({"k": 2}, False), ({"target": "own"}, True)])
@pytest.mark.parametrize("groups", [None, np.arange(N_ITEMS) // 4])
def test_two_looks_are_the_formula_across_the_looks_both_ways(settings, own, groups):
    u, v = ([of_clusters(seed, noise=noise) for noise in (0.5, 0.6)] for seed in (1, 2))
    plan = divide_items(N_ITEMS, groups, seed=0)
    estimator = Neighbours(**settings)
    looks = estimator.prepare_all_looks({"u": u[0], "v": v[0]}, {"u": u[1], "v": v[1]}, plan)
    found = {pair[:2]: pair[2] for pair in estimator.all_look_pairs(looks)}
    for source, target, (u1, u2), (v1, v2) in (("u", "v", u, v), ("u", "u", u, u)):
        ways = ((u1, v2, u2), (u2, v1, u1))
        expected = [by_formula(a, b, 2, plan, source_other=other, own=own) for a, b, other in ways]
        assert found[source, target].nats == pytest.approx(np.mean(expected), abs=1e-3)
    for name in looks:
        for source, one in estimator.look_pairs(looks, looks[name]):
            assert one.nats == found[source, name].nats
    if own:
        assert found["u", "v"].nats == found["u", "u"].nats
        assert found["u", "v"].marginal_entropy_nats == pytest.approx(
            np.log(N_ITEMS if groups is None else N_ITEMS - 3)
        )


def test_planted_neighbours_are_worth_what_is_known_of_them():
    """A source that sees ten well separated equal clusters alone knows about log 10 nats."""
    generator = np.random.default_rng(0)
    cluster = np.repeat(np.arange(10), 100)
    target = 4 * generator.normal(size=(10, 30))[cluster] + generator.normal(size=(1000, 30))
    source = 50 * generator.normal(size=(10, 30))[cluster] + generator.normal(size=(1000, 30))
    found = estimate(source, target, estimator="neighbours")
    assert found.nats == pytest.approx(np.log(999 / 99), abs=3 * found.standard_error_nats + 0.01)


def test_independent_models_tell_nothing_and_a_copy_nearly_all():
    values = [
        estimate(*np.random.default_rng(seed).normal(size=(2, 500, 8)), estimator="neighbours")
        for seed in range(8)
    ]
    assert abs(np.mean([each.nats for each in values])) < 0.005
    assert min(each.nats for each in values) > -0.02
    vectors = np.random.default_rng(0).normal(size=(500, 384))
    copy = estimate(vectors, vectors, estimator="neighbours")
    assert np.log(499) - 0.1 < copy.nats <= np.log(499)
    assert copy.standard_error_nats < 0.02


def test_a_source_that_is_turned_round_tells_nothing():
    """Neighbours in it are the items that are farthest from one another in the target."""
    target = np.random.default_rng(0).normal(size=(500, 1))
    angle = 2 * np.pi * np.random.default_rng(0).random(500)
    target = np.column_stack([np.cos(angle), np.sin(angle)])
    source = np.column_stack([np.cos(3 * angle), np.sin(3 * angle)])
    one_of_three = estimate(source, target, estimator="neighbours", k=10).nats
    whole = estimate(target, target, estimator="neighbours", k=10).nats
    # Each place on the circle looks like two others to the source: log 3 less.
    assert one_of_three == pytest.approx(whole - np.log(3), abs=0.15)


def test_order_of_models_and_shift_and_scale_of_dimensions_do_not_matter():
    source, target = of_clusters(1), of_clusters(2)
    plain = estimate(source, target, estimator="neighbours").nats
    scales = np.geomspace(0.1, 10, 16)
    moved = estimate(source * scales + 7, target * scales[::-1] - 3, estimator="neighbours").nats
    assert moved == pytest.approx(plain, abs=1e-3)


def test_near_copies_share_the_target():
    source, target = of_clusters(1, 300), of_clusters(2, 300)
    alone = estimate(source, target, estimator="neighbours").nats
    groups = np.repeat(np.arange(300), 3)
    source, target = (each[groups] for each in (source, target))
    assert estimate(source, target, estimator="neighbours").nats == pytest.approx(alone, abs=0.02)
    noise = np.random.default_rng(3).normal(size=(900, 1)) / 100  # else copies are found without groups
    source, target = source + noise, target + noise
    # As one group, copies neither help nor harm: each of a neighbour's three is one third of the answer.
    together = estimate(source, target, estimator="neighbours", groups=groups)
    assert together.nats == pytest.approx(alone, abs=0.02)
    # Found as nearest, they are what every model knows: nearly log(899 / 2).
    apart = estimate(source, target, estimator="neighbours", groups=np.arange(900)).nats
    assert apart == pytest.approx(np.log(899 / 2), abs=0.05)


def test_thousands_of_equal_items_are_no_problem():
    source, target = of_clusters(1, 2000), of_clusters(2, 2000)
    target[500:] = target[500]
    found = estimate(source, target, estimator="neighbours")
    assert np.isfinite(found.nats)
    prepared = Neighbours().prepare(target)
    assert prepared.near.counts.max() == nearness.MAX_TIES
    assert np.add.reduceat(
        prepared.near.weights, np.r_[0, prepared.near.counts.cumsum()[:-1]]
    ) == pytest.approx(1)


def test_blocks_and_their_size_do_not_change_the_number(monkeypatch):
    source, target = of_clusters(1), of_clusters(2)
    whole = estimate(source, target, estimator="neighbours", k=3)
    monkeypatch.setattr(nearness, "BLOCK_ENTRIES", 7 * N_ITEMS)
    monkeypatch.setattr(softmax, "WORK_ENTRIES", 2 * N_ITEMS)
    parts = estimate(source, target, estimator="neighbours", k=3)
    assert parts.nats == pytest.approx(whole.nats, abs=1e-5)
    assert parts.block_nats == pytest.approx(whole.block_nats, abs=1e-3)


def test_a_sample_is_asked_of_many_items_but_all_are_candidates(monkeypatch):
    source, target = of_clusters(1, 3000), of_clusters(2, 3000)
    whole = estimate(source, target, estimator="neighbours")
    monkeypatch.setattr(neighbours, "MAX_ASKED", 1000)
    sampled = estimate(source, target, estimator="neighbours")
    assert sampled.n_test == 1500  # 100 units of 15 items
    assert sampled.nats == pytest.approx(whole.nats, abs=3 * sampled.standard_error_nats)
    assert sampled.marginal_entropy_nats == pytest.approx(np.log(2999))
    assert sampled.standard_error_nats / whole.standard_error_nats == pytest.approx(np.sqrt(2), rel=0.3)


@pytest.mark.parametrize(("k", "looks"), [(1, 1), (10, 1), (1, 2)])
def test_the_standard_error_is_the_spread_over_data_sets(k, looks):
    estimator, plan = Neighbours(k=k), divide_items(250)
    values, errors = [], []
    for seed in range(60):
        u, v = ([of_clusters(m, 250, signal_seed=seed) for _ in range(looks)] for m in (1, 2))
        noise = np.random.default_rng(seed)
        u, v = ([x + noise.normal(size=x.shape) for x in model] for model in (u, v))
        if looks == 2:
            prepared = estimator.prepare_all_looks({"u": u[0], "v": v[0]}, {"u": u[1], "v": v[1]}, plan)
            ((_, found),) = estimator.look_pairs({"u": prepared["u"]}, prepared["v"])
        else:
            prepared = estimator.prepare_all({"u": u[0], "v": v[0]}, plan)
            ((_, found),) = estimator.pairs({"u": prepared["u"]}, prepared["v"])
        values.append(found.nats)
        errors.append(found.standard_error_nats)
    # 60 draws fix a standard deviation to about 9 %; without the part as candidates it would be 0.7 of this.
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.27)


def test_what_differs_between_looks_alone_is_worth_nothing():
    surface = np.random.default_rng(3).normal(size=(2, N_ITEMS, 16))
    estimator, plan = Neighbours(), divide_items(N_ITEMS)
    looks = estimator.prepare_looks(surface[0], surface[1], plan)
    ((_, across),) = estimator.look_pairs({"u": looks}, looks)
    assert abs(across.nats) < 0.02
    assert estimate(surface[0], surface[0], estimator="neighbours").nats > 5


def test_a_dimension_that_varies_in_one_look_is_left_out_of_both():
    first, second = of_clusters(1), of_clusters(1, noise=0.6)
    constant = second.copy()
    constant[:, 3] = 0
    estimator, plan = Neighbours(), divide_items(N_ITEMS)
    one = estimator.prepare_looks(first, constant, plan)
    other = estimator.prepare_looks(np.delete(first, 3, axis=1), np.delete(second, 3, axis=1), plan)
    assert one.first.dim == one.second.dim == 15
    found, expected = (next(estimator.look_pairs({"u": looks}, looks))[1].nats for looks in (one, other))
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_ranking_is_by_nats_an_item():
    models = {f"m{noise}": of_clusters(round(noise), noise=noise) for noise in (1, 2, 6)}
    ranking = rank(models, estimator="neighbours")
    assert ranking.table["model"].iloc[-1] == "m6"
    assert (ranking.pairs["nats"] == ranking.pairs["nats_per_dim"]).all()


def test_bad_settings_get_a_message():
    with pytest.raises(EstimationError, match="'own' is an item's other look, but there is one look"):
        Neighbours(target="own").prepare(of_clusters(1))
    groups = np.where(np.arange(N_ITEMS) < 330, 0, np.arange(N_ITEMS))
    with pytest.raises(EstimationError, match="k is 90 but an item has only 70 others outside its group"):
        estimate(of_clusters(1), of_clusters(2), estimator="neighbours", groups=groups, k=90)


def test_looks_that_were_prepared_alone_get_a_message():
    estimator, plan = Neighbours(), divide_items(N_ITEMS)
    alone = estimator.prepare(of_clusters(1), plan)
    looks = estimator.prepare_looks(of_clusters(1), of_clusters(2), plan)
    with pytest.raises(EstimationError, match="u or its target was not prepared alone"):
        next(estimator.pairs({"u": looks.first}, alone))
    with pytest.raises(EstimationError, match="u or its target was not prepared with its other look"):
        next(estimator.look_pairs({"u": neighbours.Looks(alone, alone)}, looks))


def test_what_is_found_are_the_neighbours_of_the_target_by_the_source():
    """A source of five clusters, each of which is two in the target, knows log 5; the other way it is less.

    A source of the ten gives half of its probability to its own cluster and half to all others.
    """
    generator = np.random.default_rng(0)
    cluster = np.repeat(np.arange(10), 40)
    fine = 50 * generator.normal(size=(10, 90))[cluster] + generator.normal(size=(400, 90))
    coarse = 50 * generator.normal(size=(5, 90))[cluster // 2] + generator.normal(size=(400, 90))
    there = estimate(coarse, fine, estimator="neighbours")
    assert there.nats == pytest.approx(np.log(399 / 79), abs=3 * there.standard_error_nats + 0.02)
    back = estimate(fine, coarse, estimator="neighbours")
    expected = np.log(399) - 0.5 * np.log(39 / 0.5) - 0.5 * np.log(360 / 0.5)
    assert back.nats == pytest.approx(expected, abs=3 * back.standard_error_nats + 0.05)
