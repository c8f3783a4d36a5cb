"""What targets leave open: signs of groups, against known truth."""

import numpy as np
import pandas as pd
import pytest

from suffice.ranking import RankingSettings, rank_pairs
from suffice.ranking.arrays import arrays_of
from suffice.ranking.pools import group_differences, stands_above_in_pools

TEN = {f"m{number}": 0.1 * number for number in range(10)}
FAST = RankingSettings(n_resamples=200)


def everything_above(n_models):
    return np.triu(np.ones((n_models, n_models), dtype=bool), 1).T


def test_unanimous_targets_are_certain_from_their_number_alone(made_up_pairs):
    table = rank_pairs(made_up_pairs(TEN, noise=0.01), FAST)
    # Ten models that all targets order alike: eight common targets, 2 of 2^7 combinations of signs agree.
    assert table["rank_low_pools"].tolist() == list(range(1, 11))
    few = rank_pairs(made_up_pairs({name: TEN[name] for name in list(TEN)[:5]}, noise=0.01), FAST)
    assert few["rank_high"].tolist() == [1, 2, 3, 4, 5]
    assert few["rank_low_pools"].tolist() == [1] * 5
    assert few["could_be_first_pools"].all()


def test_fewer_than_three_groups_of_targets_say_nothing(made_up_pairs):
    pools = ["rank_low_pools", "rank_high_pools", "could_be_first_pools"]
    assert rank_pairs(made_up_pairs(TEN, targets=["m0", "m5"]), FAST)[pools].isna().all(axis=None)
    families = {name: "odd" if int(name[1:]) % 2 else "even" for name in TEN}
    assert rank_pairs(made_up_pairs(TEN), FAST, families=families)[pools].isna().all(axis=None)
    assert rank_pairs(made_up_pairs(TEN, targets=["m0", "m5", "m6"]), FAST)[pools].notna().all(axis=None)


def test_relatives_among_targets_are_one_voice(made_up_pairs):
    pairs = made_up_pairs(TEN, noise=0.01)
    alone = rank_pairs(pairs, FAST)
    related = rank_pairs(pairs, FAST, families={name: f"family {int(name[1:]) // 2}" for name in TEN})
    assert (alone["rank_high_pools"] == alone["rank"]).all()
    assert (related["rank_high"] == related["rank"]).all()  # items are the same
    assert related["rank_high_pools"].tolist() == [10] * 10  # but five families are too few


def test_pools_never_say_more_than_this_pool(made_up_pairs):
    for seed in range(10):
        table = rank_pairs(made_up_pairs(TEN, noise=2.0, in_common=0.05, seed=seed), FAST, seed)
        assert (table["rank_low_pools"] <= table["rank_low"]).all()
        assert (table["rank_high_pools"] >= table["rank_high"]).all()
        assert (table["could_be_first_pools"] | ~table["could_be_first"]).all()


def test_equal_models_are_told_apart_in_five_percent_of_pools(made_up_pairs):
    """Targets favour one or the other at random: any statement would be wrong, and 5 % may be."""
    wrong, n_runs = 0, 150
    for seed in range(n_runs):
        pairs = made_up_pairs(dict.fromkeys(TEN, 0.5), noise=1e-6, in_common=0.3, seed=seed)
        arrays = arrays_of(pairs, False)
        wrong += stands_above_in_pools(arrays, "ranks", ~np.eye(10, dtype=bool), 200, seed).any()
    assert wrong / n_runs < 0.1  # a standard error of 1.8 %


@pytest.mark.parametrize("how", ["ranks", "mean"])
def test_pools_with_steps_beyond_what_pairs_have_in_common_are_told_apart(how, made_up_pairs):
    fifteen = {f"m{number:02}": 0.1 * number for number in range(15)}
    found = []
    for seed in range(5):
        arrays = arrays_of(made_up_pairs(fifteen, noise=1e-6, in_common=0.05, seed=seed), False)
        above = stands_above_in_pools(arrays, how, everything_above(15), 400, seed)
        assert not (above & ~everything_above(15)).any()
        found.append(above[14, 7])
    assert np.mean(found) > 0.7


def test_differences_of_groups_are_those_of_ranks_on_common_targets(made_up_pairs):
    arrays = arrays_of(made_up_pairs(TEN, noise=1e-6), False)
    by_group = group_differences(arrays, "ranks")
    np.testing.assert_allclose(by_group, -by_group.swapaxes(0, 1))
    assert by_group[9, 0, 0] == by_group[9, 0, 9] == 0  # either one is the target
    # Of nine models on the column of m5, m9 stands above eight and m0 above none.
    assert by_group[9, 0, 5] == pytest.approx(8.0)
    assert isinstance(by_group, np.ndarray)
    assert pd.notna(by_group).all()
