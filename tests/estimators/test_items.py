"""Blocks and folds."""

import numpy as np
import pytest

from suffice import estimate
from suffice.errors import EstimationError
from suffice.estimators.items import WINDOW_ITEMS, divide_items


def test_groups_stay_together_and_blocks_are_even():
    groups = np.repeat(np.arange(500), np.random.default_rng(0).integers(1, 9, size=500))
    plan = divide_items(len(groups), groups, seed=0)
    for group in range(500):
        assert len(set(plan.block[groups == group])) == 1
    assert plan.n_blocks == 200
    sizes = np.bincount(plan.fold)
    # 500 groups of 1 to 8 items: five folds differ by less than one large group each.
    assert sizes.max() - sizes.min() <= 40
    assert plan.block_items.sum() == len(groups)


def test_a_unit_holds_near_items_and_a_block_items_from_anywhere():
    plan = divide_items(30_000, seed=0)
    assert plan.n_units == 600
    assert plan.largest_unit <= 64
    assert plan.n_blocks == 200
    positions = np.arange(30_000)
    reach = [np.ptp(positions[plan.unit == unit]) for unit in range(plan.n_units)]
    assert max(reach) <= WINDOW_ITEMS
    # Each block has three units: were all of one window, the mean position of a block could be off by 10,000.
    means = np.bincount(plan.block, positions) / plan.block_items
    assert 2000 < means.std() < 8000


def test_windows_cover_all_items_once_and_hold_whole_units():
    groups = np.repeat(np.arange(5000), np.random.default_rng(0).integers(1, 9, size=5000))
    plan = divide_items(len(groups), groups, seed=0)
    windows = list(plan.windows())
    assert len(windows) == 6
    assert [units.start for units in windows[1:]] == [units.stop for units in windows[:-1]]
    items = np.concatenate([plan.items_of(units) for units in windows])
    assert sorted(items) == list(range(len(groups)))
    assert all(len(plan.items_of(units)) <= WINDOW_ITEMS for units in windows)
    assert plan.n_groups == 5000


def test_a_group_larger_than_a_window_is_a_window_of_its_own():
    groups = np.r_[np.zeros(10_000), np.arange(1, 1001)]
    plan = divide_items(11_000, groups, seed=0)
    assert max(len(plan.items_of(units)) for units in plan.windows()) == plan.largest_unit >= 10_000


@pytest.mark.parametrize(
    ("n_items", "n_units", "n_sampled"), [(1000, 200, 1000), (10_000, 200, 5000), (100_000, 1600, 6250)]
)
def test_the_sample_is_of_whole_units_from_as_many_blocks_as_can_be(n_items, n_units, n_sampled):
    plan = divide_items(n_items, seed=0)
    assert plan.n_units == pytest.approx(n_units, abs=2)
    sample = plan.sample
    assert len(sample.items) == pytest.approx(n_sampled, rel=0.02)
    assert len(set(sample.block)) == min(len(sample.block), plan.n_blocks)
    for part in sample.parts:
        (unit,) = set(plan.unit[part])
        assert sorted(part) == np.flatnonzero(plan.unit == unit).tolist()
    assert sample.block_items.sum() == len(sample.items) == round(sample.share * n_items)


def test_names_and_numbers_of_groups_give_the_same_division():
    numbers = np.arange(300) // 3
    plan = divide_items(300, numbers.astype(str), seed=2)
    assert (plan.block == divide_items(300, numbers, seed=2).block).all()


def test_every_item_its_own_group_by_default():
    plan = divide_items(1000, seed=1)
    assert np.bincount(plan.fold).tolist() == [200] * 5
    assert (plan.block != divide_items(1000, seed=2).block).any()


def test_a_group_that_holds_most_items_is_a_warning():
    groups = np.r_[np.zeros(400), np.arange(1, 101)]
    generator = np.random.default_rng(0)
    result = estimate(generator.normal(size=(500, 3)), generator.normal(size=(500, 2)), groups=groups)
    assert result.warnings == ("one group holds 80% of the items, so standard errors are too small",)
    assert result.n_train == 100  # the least that a density of `linear` is fitted on


@pytest.mark.parametrize(
    ("n_items", "groups", "message"),
    [
        (49, None, "49 items are too few"),
        (100, np.zeros(100), "1 groups are too few for 5 folds"),
        (100, np.zeros(99), "groups has 99 entries but there are 100 items"),
        (100, [None, *map(str, range(99))], "groups: the entry of item 0 is missing"),
    ],
)
def test_what_cannot_be_divided_gets_a_message(n_items, groups, message):
    with pytest.raises(EstimationError, match=message):
        divide_items(n_items, groups)


@pytest.mark.parametrize("seed", [-1, 1.5, None, 2**63])
def test_a_seed_that_is_none_gets_a_message(seed):
    with pytest.raises(EstimationError, match="seed .* is not a whole number"):
        divide_items(100, seed=seed)
