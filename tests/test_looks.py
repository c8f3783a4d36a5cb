"""Items paired with others of their group."""

import numpy as np

from suffice.looks import paired_within_groups


def test_every_item_is_first_once_and_second_once_within_its_group():
    groups = np.random.default_rng(0).integers(0, 40, size=200)
    groups[7] = 99  # alone in its group
    pairs = paired_within_groups(groups, seed=1)
    has_partner = np.flatnonzero(np.bincount(groups, minlength=100)[groups] > 1)
    assert 7 not in has_partner
    assert (pairs.first_rows == has_partner).all()
    assert (np.sort(pairs.second_rows) == has_partner).all()
    assert (pairs.first_rows != pairs.second_rows).all()
    assert (groups[pairs.first_rows] == groups[pairs.second_rows]).all()
    assert len({*zip(pairs.group_of_pair, groups[pairs.first_rows], strict=True)}) == pairs.n_groups


def test_a_group_is_one_cycle():
    pairs = paired_within_groups(["x"] * 5, seed=3)
    following = dict(zip(pairs.first_rows.tolist(), pairs.second_rows.tolist(), strict=True))
    seen, item = [], 0
    for _ in range(5):
        seen.append(item)
        item = following[item]
    assert sorted(seen) == [0, 1, 2, 3, 4]
    assert item == 0


def test_the_seed_decides_and_the_order_of_items_does_not_give_the_partner():
    groups = np.zeros(50, dtype=int)
    one, same, other = (paired_within_groups(groups, seed).second_rows for seed in (0, 0, 1))
    assert (one == same).all()
    assert (one != other).any()
    assert (one != (np.arange(50) + 1) % 50).any()


def test_without_groups_of_two_there_are_no_pairs():
    assert len(paired_within_groups(np.arange(10)).first_rows) == 0
    assert paired_within_groups(np.arange(10)).n_groups == 0
    assert len(paired_within_groups(np.zeros(0)).first_rows) == 0
