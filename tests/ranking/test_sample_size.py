"""How many items the ranking needs, on made-up pairs whose noise is known."""

import numpy as np
import pandas as pd
import pytest

from suffice import rank
from suffice.ranking import RankingSettings, rank_pairs
from suffice.ranking.arrays import arrays_of
from suffice.ranking.order import ByNats, neighbours, order_of
from suffice.ranking.sample_size import (
    describe_items_needed,
    items_needed,
    least_items,
    ranking_by_items,
    refit_by_items,
    rounded_up,
)

SIX = {f"m{number}": 0.1 * number for number in range(6)}
MEAN = RankingSettings(aggregate="mean")


@pytest.mark.parametrize("how", ["ranks", "mean", "median"])
def test_as_many_items_as_advised_are_enough_and_one_in_ten_fewer_are_not(how, made_up_pairs):
    arrays = arrays_of(made_up_pairs({name: value / 10 for name, value in SIX.items()}, noise=0.4))
    order, matrix = order_of(arrays, how, 300, 0), arrays.matrix()
    needed = order.shares_needed(matrix)
    open_pairs = 0
    for share, (first, second) in zip(needed, neighbours(order.value(matrix)), strict=True):
        if 1 < share < np.inf:
            assert order.separates(matrix, first, second, share)
            assert not order.separates(matrix, first, second, 0.9 * share)
            open_pairs += 1
    assert open_pairs >= 2


def test_items_grow_with_the_square_of_what_is_missing():
    order = ByNats("mean", np.full((3, 3), 0.3))
    matrix = np.array([[0.8, 0.6], [0.6, 0.6], [0.0, 0.0]])
    # Differences of the means are 0.1 and 0.6; 0.3 is needed now.
    assert order.shares_needed(matrix) == pytest.approx([9.0, 1.0], rel=1e-4)


def test_advice_is_never_below_the_items_at_hand_nor_twice_the_width(made_up_pairs):
    pairs = made_up_pairs(SIX)
    assert (rank_pairs(pairs)["items_needed"].dropna() == 1000).all()  # all are told apart
    wide = rank_pairs(pairs.assign(source_dim=np.where(pairs["source"] == "m3", 768, 8)))
    assert (wide["items_needed"].dropna() == 1536).all()
    assert "Use at least 1,536 items" in describe_items_needed(wide)
    assert "5 of the 5 adjacent pairs" in describe_items_needed(wide)
    assert least_items(2) == 50


def test_equal_models_need_more_items_than_there_can_be_and_the_last_model_has_no_next(made_up_pairs):
    pairs = made_up_pairs({"a": 0.5, "b": 0.5, "c": 0.1, "d": 0.0})
    of_a = pairs["source"] == "a"
    same = pairs[of_a].set_index("target")["block_nats"]
    for row in pairs[pairs["source"] == "b"].itertuples():
        row.block_nats[:] = same[row.target]
    for how in ("ranks", "mean"):
        arrays = arrays_of(pairs, True)
        needed = items_needed(order_of(arrays, how, 200, 0), arrays, 8)
        table = dict(zip(arrays.models, needed, strict=True))
        assert np.isinf([table["a"], table["b"]]).any()
        assert np.isnan(table["d"])


def test_values_that_differ_by_rounding_keep_the_order_of_the_table():
    third, nearly = 1 / 3, np.nextafter(1 / 3, 1)
    assert neighbours(np.array([third, 0.5, nearly, 0.8])) == [(3, 1), (1, 0), (0, 2)]


def ranking_with(needed, n_items=10_000, embed_dim=64):
    models = [f"m{place}" for place in range(len(needed) + 1)]
    cells = {"model": models, "n_items": n_items, "embed_dim": embed_dim, "items_needed": [*needed, np.nan]}
    return pd.DataFrame(cells)


@pytest.mark.parametrize(
    ("needed", "said"),
    [
        (
            [10_000.0, 10_000.0],
            "With 10,000 items, 2 of the 2 adjacent pairs in the ranking are distinguishable",
        ),
        ([10_000.0, 41_000.0, 23_456.0], "1 of the 3 adjacent pairs"),
        ([10_000.0, 41_000.0, 23_456.0], "About 24,000 items would distinguish m2 from m3."),
        ([np.inf, 2e6, 20_000.0], "For 2 pairs, even 100 times as many items would not be enough."),
        ([np.inf], "For 1 pair, even 100 times"),
    ],
)
def test_the_advice_in_words(needed, said):
    assert said in describe_items_needed(ranking_with(needed))


def test_numbers_of_items_are_rounded_up_to_two_digits():
    assert [rounded_up(n) for n in (7.2, 99.5, 101, 23_456)] == [8, 100, 110, 24_000]


@pytest.mark.parametrize(("how", "noise"), [("ranks", 0.05), ("mean", 0.2)])
def test_fewer_items_agree_less_and_separate_fewer(how, noise, made_up_pairs):
    settings = RankingSettings(aggregate=how, n_resamples=200)
    pairs = made_up_pairs({name: strength / 3 for name, strength in SIX.items()}, noise=noise)
    table = ranking_by_items(pairs, settings)
    assert table["n_items"].tolist() == [120, 250, 500, 1000]  # 12, 25, 50, 100 blocks of 10
    assert table["kendall_tau"].iloc[-1] == pytest.approx(1)
    assert table["separated"].iloc[0] < table["separated"].iloc[-1]
    assert table["kendall_tau"].iloc[0] < table["kendall_tau"].iloc[-1] - 1e-6
    assert (table["tau_low"] <= table["kendall_tau"]).all() or how == "ranks"
    assert (table["kendall_tau"] <= table["tau_high"]).all()
    assert (table["n_neighbours"] == 5).all()
    at_full = (rank_pairs(pairs, settings)["items_needed"] <= 1000).sum()
    assert table["separated"].iloc[-1] == at_full


def test_numbers_of_items_below_twice_the_width_are_left_out(made_up_pairs):
    pairs = made_up_pairs(SIX).assign(source_dim=200)
    assert ranking_by_items(pairs, RankingSettings(n_resamples=100))["n_items"].tolist() == [500, 1000]


def test_fits_anew_on_fewer_items():
    generator = np.random.default_rng(0)
    signal = generator.normal(size=(400, 4))
    noise = {"a": 0.1, "b": 0.6, "c": 1.5, "d": 4.0}
    embeddings = {name: signal + size * generator.normal(size=signal.shape) for name, size in noise.items()}
    seen = []

    def rank_items(items):
        seen.append(len(items))
        return rank({name: array[items] for name, array in embeddings.items()}).table

    table = refit_by_items(rank_items, 400, [100, 200], n_draws=2)
    assert seen == [400, 100, 100, 200, 200]
    assert table["n_items"].tolist() == [100, 100, 200, 200]
    assert (table["kendall_tau"] > 0.9).all()
    assert table["separated"].iloc[-1] >= 2
