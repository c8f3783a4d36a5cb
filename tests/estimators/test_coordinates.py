"""The maps of neural families: exact where they are exact, honest where they are fitted."""

import numpy as np
import pytest

from suffice.errors import EstimationError
from suffice.estimators.items import divide_items
from suffice.estimators.neural.coordinates import Coordinates, LinearStart, NormalScores, Ridge, split_items

N_ITEMS = 1500


def gaussian_pair(dim=6, n_items=N_ITEMS, rho=0.8, seed=0):
    generator = np.random.default_rng(seed)
    source = generator.normal(size=(n_items, dim))
    target = rho * source + np.sqrt(1 - rho**2) * generator.normal(size=(n_items, dim))
    return source.astype(np.float32), target.astype(np.float32)


def one_split(n_items=N_ITEMS, n_folds=5):
    return split_items(divide_items(n_items), n_folds, 0.1)[0]


def test_every_item_is_scored_once_and_never_by_a_density_that_saw_it():
    plan = divide_items(600, groups=np.arange(600) // 3)
    splits = split_items(plan, 3, 0.2)
    assert np.array_equal(np.sort(np.concatenate([split.scored for split in splits])), np.arange(600))
    for split in splits:
        parts = [set(plan.block[items]) for items in (split.fit, split.validation, split.scored)]
        assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        assert sum(map(len, parts)) == plan.n_blocks


def test_too_few_blocks_for_the_folds_get_a_message():
    with pytest.raises(EstimationError, match="60 blocks of items are too few for 40 folds; lower n_folds"):
        split_items(divide_items(60), 40, 0.1)


def test_normal_scores_straighten_a_monotone_warp_and_their_slope_is_the_derivative():
    normal = np.random.default_rng(0).normal(size=(5000, 1))
    rows = np.exp(normal).astype(np.float32)
    scores = NormalScores.fit(rows)
    straight, log_slope = scores.apply(rows)
    inside = np.abs(normal[:, 0]) < 2
    # A quarter of a standard deviation lies between knots: the line errs by less than a tenth.
    assert np.abs(straight - normal)[inside].max() < 0.1
    step = 1e-3
    ahead, _ = scores.apply((rows + step).astype(np.float32))
    slope = (ahead - straight)[:, 0] / step
    smooth = (np.searchsorted(scores.knots[:, 0], rows[:, 0])) == (
        np.searchsorted(scores.knots[:, 0], rows[:, 0] + step)
    )
    assert np.log(slope[smooth & inside]) == pytest.approx(log_slope[smooth & inside], abs=0.02)


def test_normal_scores_rise_strictly_where_values_are_tied():
    counts = np.random.default_rng(0).poisson(0.3, size=(1000, 3)).astype(np.float32)
    scores = NormalScores.fit(counts)
    values = np.unique(counts)
    mapped, log_slope = scores.apply(np.repeat(values[:, None], 3, axis=1))
    assert (np.diff(mapped, axis=0) > 0).all()
    assert np.isfinite(log_slope).all()


def test_coordinates_are_uncorrelated_of_unit_variance_and_leave_out_what_does_not_vary():
    source, _ = gaussian_pair()
    mixed = source @ np.random.default_rng(1).normal(size=(6, 6)).astype(np.float32)
    redundant = np.hstack([mixed, mixed[:, :2]])
    split = one_split()
    moved, _ = Coordinates.fit(redundant, split, normal_scores=False).apply(redundant)
    assert moved.shape == (N_ITEMS, 6)
    # 1/sqrt(1500) is 0.026, and variances are those of 120 validation items, as 1 +- 0.13.
    assert np.cov(moved.T) == pytest.approx(np.eye(6), abs=0.4)
    assert np.abs(np.corrcoef(moved.T) - np.eye(6)).max() < 0.15


def test_the_log_determinant_is_that_of_the_map():
    rows, _ = gaussian_pair(dim=3)
    coordinates = Coordinates.fit(rows, one_split(), normal_scores=False)
    _, log_determinant = coordinates.apply(rows)
    assert log_determinant == pytest.approx(np.linalg.slogdet(coordinates.matrix)[1], abs=1e-9)


def test_leave_one_out_predictions_are_those_of_fits_without_the_item():
    source, target = gaussian_pair(dim=3, n_items=60)
    fit = np.arange(50)
    prediction = Ridge.decompose(source, fit).predict(target)
    left = np.delete(fit, 7)
    without = np.c_[np.ones(49), source[left]]
    weights = np.linalg.lstsq(without, target[left], rcond=None)[0]
    # The chosen penalty is light but not 0, and the mean is that of all 50.
    assert prediction[7] == pytest.approx(np.r_[1, source[7]] @ weights, abs=0.05)
    assert np.abs(prediction[7] - target[7]).max() > 0.01


def test_the_start_is_the_joint_gaussian():
    generator = np.random.default_rng(3)
    source, target = gaussian_pair()
    turned = target @ generator.normal(size=(6, 6)).astype(np.float32)
    split = one_split()
    coordinates, _ = Coordinates.fit(turned, split, normal_scores=False).apply(turned)
    start = LinearStart.fit(source, coordinates, split, 1e-6)
    marginal = -0.5 * np.square(coordinates[split.scored]).sum(1).mean() - 3 * np.log(2 * np.pi)
    truth = -3 * np.log(1 - 0.8**2)
    # 300 scored items with 0.8 nats of spread each give an error of 0.1.
    assert start.mean_log_prob(coordinates, split.scored) - marginal == pytest.approx(truth, abs=0.3)


def test_one_direction_among_many_that_is_known_exactly_is_found():
    generator = np.random.default_rng(4)
    source, target = (generator.normal(size=(2000, 12)).astype(np.float32) for _ in range(2))
    target[:, 0] = source[:, 0] + 0.01 * target[:, 0]
    split = one_split(2000)
    coordinates, _ = Coordinates.fit(target, split, normal_scores=False).apply(target)
    scale = LinearStart.fit(source, coordinates, split, 1e-6).scale
    # Every coordinate holds a twelfth of that direction; shrunk there, it would come out at 0.1 and more.
    assert np.sort(scale)[0] == pytest.approx(0.01, rel=0.3)
    assert np.sort(scale)[1] > 0.8
