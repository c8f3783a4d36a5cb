"""How many items the ranking needs, on made-up pairs whose noise is known."""

import numpy as np
import pandas as pd
import pytest

from suffice import rank
from suffice.ranking import RankingSettings, rank_pairs
from suffice.ranking.sample_size import (
    describe_items_needed,
    items_needed,
    ranking_by_items,
    refit_by_items,
    rounded_up,
)

SIX = {f"m{number}": 0.1 * number for number in range(6)}
MEAN = RankingSettings(aggregate="mean")


def test_the_number_of_items_follows_from_the_noise(made_up_pairs):
    # Difference 0.1, noise of a block 1.0 in each of 5 pairs: the difference of two means has a standard
    # deviation of sqrt(2 / 5) over one block, so 1.96² x 0.4 / 0.01 = 154 blocks of 10 items are needed.
    needed = [
        rank_pairs(made_up_pairs({"a": 0.0, "b": 0.1, **{f"z{i}": -9.0 for i in range(4)}}, 1.0, seed), MEAN)
        .set_index("model")
        .loc[["a", "b"], ["score", "items_needed"]]
        for seed in range(12)
    ]
    # The estimated difference is noise itself; what the rule says of it is exact.
    for table in needed:
        top = table.sort_values("score").iloc[-1]
        difference = abs(table["score"].diff().iloc[1])
        assert top["items_needed"] == pytest.approx(1540 * (0.1 / difference) ** 2, rel=0.35)


def test_equal_scores_need_more_items_than_there_can_be_and_the_last_model_has_no_next():
    deviation = np.random.default_rng(0).normal(size=(200, 3))
    needed = items_needed(np.array([0.5, 0.5, 0.1]), deviation, 100)
    assert needed[0] == np.inf
    assert np.isfinite(needed[1])
    assert np.isnan(needed[2])


def ranking_with(needed, n_items=10_000):
    models = [f"m{place}" for place in range(len(needed) + 1)]
    return pd.DataFrame({"model": models, "n_items": n_items, "items_needed": [*needed, np.nan]})


@pytest.mark.parametrize(
    ("needed", "said"),
    [
        ([10.0, 9_999.0], "10,000 items separate 2 of 2 neighbours in the ranking. This is about items"),
        (
            [10.0, 41_000.0, 23_456.0],
            "separate 1 of 3 neighbours in the ranking; about 24,000 would separate m2 from m3. T",
        ),
        (
            [np.inf, 2e6, 20_000.0],
            "0 of 3 neighbours in the ranking; about 20,000 would separate m2 from m3; for 2 no number",
        ),
        ([np.inf], "10,000 items separate 0 of 1 neighbours in the ranking; for 1 no number"),
    ],
)
def test_the_advice_in_words(needed, said):
    assert said in describe_items_needed(ranking_with(needed))


def test_numbers_of_items_are_rounded_up_to_two_digits():
    assert [rounded_up(n) for n in (7.2, 99.5, 101, 23_456)] == [8, 100, 110, 24_000]


def test_fewer_items_agree_less_and_separate_fewer(made_up_pairs):
    pairs = made_up_pairs({name: strength / 3 for name, strength in SIX.items()}, noise=0.2)
    table = ranking_by_items(pairs, MEAN)
    assert table["n_items"].tolist() == [120, 250, 500, 1000]  # 12, 25, 50, 100 blocks of 10
    assert table["kendall_tau"].iloc[-1] == pytest.approx(1)
    assert table["separated"].iloc[0] < table["separated"].iloc[-1]
    assert table["kendall_tau"].iloc[0] < 0.95
    assert (table["tau_low"] <= table["kendall_tau"]).all()
    assert (table["kendall_tau"] <= table["tau_high"]).all()
    assert (table["n_neighbours"] == 5).all()
    at_full = (rank_pairs(pairs, MEAN)["items_needed"] <= 1000).sum()
    assert table["separated"].iloc[-1] == at_full


def test_half_the_items_separate_what_the_rule_says(made_up_pairs):
    """The rule from all blocks against random halves: mean over neighbours and 50 draws."""
    pairs = made_up_pairs({f"m{i}": 0.02 * i for i in range(8)}, noise=0.2)
    halves = ranking_by_items(pairs, MEAN).set_index("n_items").loc[500, "separated"]
    rule = (rank_pairs(pairs, MEAN)["items_needed"] <= 500).sum()
    assert abs(halves - rule) <= 1.5


def test_fits_anew_on_fewer_items():
    full = np.random.default_rng(0).normal(size=(400, 6))
    embeddings = {"all": full, "half": full[:, :3], "one": full[:, :1]}
    seen = []

    def rank_items(items):
        seen.append(len(items))
        return rank({name: array[items] for name, array in embeddings.items()}).table

    table = refit_by_items(rank_items, 400, [100, 200], n_draws=2)
    assert seen == [400, 100, 100, 200, 200]
    assert table["n_items"].tolist() == [100, 100, 200, 200]
    # The order is sure at any number of items: each model has a part of what the one before it has.
    assert (table["kendall_tau"] == 1).all()
    assert (table["separated"] == 2).all()
