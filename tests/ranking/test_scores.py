"""Scores, intervals, rank intervals and tie groups from made-up pairs whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from suffice import rank
from suffice.errors import EstimationError
from suffice.ranking import RankingSettings, rank_pairs, with_health_warnings

SIX = {f"m{number}": 0.1 * number for number in range(6)}


def test_the_order_is_the_truth_and_intervals_hold_it(made_up_pairs):
    table = rank_pairs(made_up_pairs(SIX))
    assert table["model"].tolist() == ["m5", "m4", "m3", "m2", "m1", "m0"]
    assert table["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    for row in table.itertuples():
        assert row.score_low_items <= row.score <= row.score_high_items
        # Six models, each interval at 95 %: the noise of a score is 0.05 / sqrt(100 x 5) = 0.002.
        assert abs(row.score - SIX[row.model]) < 0.01


def test_surely_different_models_have_one_rank_and_a_group_each(made_up_pairs):
    table = rank_pairs(made_up_pairs(SIX))
    assert (table["rank_low"] == table["rank"]).all()
    assert (table["rank_high"] == table["rank"]).all()
    assert table["tie_group"].tolist() == [1, 2, 3, 4, 5, 6]


def test_equal_models_are_tied(made_up_pairs):
    table = rank_pairs(made_up_pairs(dict.fromkeys("abcdef", 0.5)))
    assert set(table["tie_group"]) == {1}
    assert table["rank_low"].tolist() == [1] * 6
    assert table["rank_high"].tolist() == [6] * 6


def test_errors_that_models_share_widen_intervals_but_tie_nobody(made_up_pairs):
    table = rank_pairs(made_up_pairs(SIX, shared=1.0))
    width = table["score_high_items"] - table["score_low_items"]
    # Shared noise of 1.0 over 100 blocks: a score's own interval is 4 x 0.1 wide, far more than 0.1 apart.
    assert (width > 0.2).all()
    assert table["tie_group"].tolist() == [1, 2, 3, 4, 5, 6]


def test_hard_and_easy_targets_show_in_the_interval_over_targets(made_up_pairs):
    table = rank_pairs(made_up_pairs(SIX, target_spread=0.5))
    over_targets = table["score_high_targets"] - table["score_low_targets"]
    over_items = table["score_high_items"] - table["score_low_items"]
    assert (over_targets > 5 * over_items).all()
    assert (table["score_high"] - table["score_low"] >= 0.9 * over_targets).all()


def test_rank_intervals_hold_the_true_ranks(made_up_pairs):
    truth = {name: rank for rank, name in enumerate(sorted(SIX, reverse=True), start=1)}
    held, n_runs = 0, 60
    for seed in range(n_runs):
        table = rank_pairs(
            made_up_pairs(SIX, noise=2.0, seed=seed), RankingSettings(aggregate="mean", n_resamples=200), seed
        )
        held += all(row.rank_low <= truth[row.model] <= row.rank_high for row in table.itertuples())
    # Each model's interval is at 95 %; all six at once hold in at least 80 % of 60 runs.
    assert held / n_runs > 0.8


def test_self_pairs_are_left_out_unless_asked_for(made_up_pairs):
    pairs = made_up_pairs(SIX)
    mean = RankingSettings(aggregate="mean", n_resamples=100)
    without = rank_pairs(pairs, mean)
    with_self = rank_pairs(pairs, mean.model_copy(update={"self_pairs": True}))
    assert without["n_targets"].tolist() == [5] * 6
    assert with_self["n_targets"].tolist() == [6] * 6
    # A self pair is worth 3 nats more: a sixth of it enters the mean.
    assert with_self["score"].iloc[0] - without["score"].iloc[0] == pytest.approx(0.5, abs=0.02)


def test_the_median_resists_one_easy_target_and_the_mean_does_not(made_up_pairs):
    pairs = made_up_pairs(SIX)
    outlier = (pairs["target"] == "m0") & (pairs["source"] == "m1")
    pairs.loc[outlier, "block_nats"] = pairs.loc[outlier, "block_nats"] * 1000
    assert rank_pairs(pairs, RankingSettings(aggregate="median"))["model"].iloc[0] == "m5"
    assert rank_pairs(pairs, RankingSettings(aggregate="mean"))["model"].iloc[0] == "m1"


def test_the_order_of_rows_changes_nothing(made_up_pairs):
    pairs = made_up_pairs(SIX)
    shuffled = pairs.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(rank_pairs(pairs), rank_pairs(shuffled))


def test_few_targets_leave_the_interval_to_the_items(made_up_pairs):
    table = rank_pairs(made_up_pairs({"a": 0.1, "b": 0.5, "c": 0.3}))
    assert table[["score_low_targets", "score_high_targets"]].isna().all(axis=None)
    assert (table["score_low"] == table["score_low_items"]).all()


def test_a_few_targets_are_enough_for_a_ranking(made_up_pairs):
    table = rank_pairs(made_up_pairs(SIX, targets=["m0", "m3", "m5", "m1"]))
    assert table["model"].tolist() == ["m5", "m4", "m3", "m2", "m1", "m0"]
    assert table["is_target"].tolist() == [True, False, True, False, True, True]
    assert table["n_targets"].tolist() == [3, 4, 3, 4, 3, 3]
    assert table["score_low_targets"].notna().all()
    assert (table["n_items"] == 1000).all()


def test_pairs_of_the_targets_are_missed_and_no_others(made_up_pairs):
    pairs = made_up_pairs(SIX, targets=["m1", "m4"])
    assert len(rank_pairs(pairs)) == 6
    with pytest.raises(EstimationError, match="1 pairs are missing, the first is m2 -> m4"):
        rank_pairs(pairs[(pairs["source"] != "m2") | (pairs["target"] != "m4")])
    with pytest.raises(EstimationError, match="m4 is the only target, and no target of itself"):
        rank_pairs(made_up_pairs(SIX, targets=["m4"]))
    only = rank_pairs(made_up_pairs(SIX, targets=["m4"]), RankingSettings(self_pairs=True))
    assert only["model"].iloc[0] == "m4"


def test_the_interval_of_a_mean_over_a_few_targets_is_students(made_up_pairs):
    pairs = made_up_pairs(SIX, noise=1e-6, target_spread=1.0, targets=["m0", "m1", "m2", "m3", "m4"])
    table = rank_pairs(pairs, RankingSettings(aggregate="mean", n_resamples=4000)).set_index("model")
    half = (table.loc["m5", "score_high_targets"] - table.loc["m5", "score_low_targets"]) / 2
    values = [sum(blocks) / 2000 for blocks in pairs.loc[pairs["source"] == "m5", "block_nats"]]
    # Quantiles of resamples of five values are not quite those of a normal distribution.
    assert half == pytest.approx(stats.sem(values) * stats.t.ppf(0.975, 4), rel=0.1)


@pytest.mark.parametrize("aggregate", ["mean", "median"])
def test_intervals_hold_the_truth_and_equal_models_are_tied(aggregate, made_up_pairs):
    strength = {**SIX, "m1": 0.0}
    settings = RankingSettings(aggregate=aggregate, n_resamples=200)
    held, tied, n_runs = [], 0, 60
    for seed in range(n_runs):
        table = rank_pairs(made_up_pairs(strength, seed=seed, target_spread=0.5), settings, seed)
        truth = table["model"].map(strength)
        held.append(((table["score_low"] <= truth) & (truth <= table["score_high"])).mean())
        ranks = table.set_index("model")
        tied += ranks.loc["m0", "rank_low"] <= ranks.loc["m1", "rank_high"] == 6
    # Models share their targets, so that a run counts about once: 0.95 with a standard error of 0.03.
    assert np.mean(held) > 0.88
    assert tied / n_runs >= 0.9


def test_warnings_are_counted_over_pairs(made_up_pairs):
    pairs = made_up_pairs(SIX)
    pairs.loc[pairs["source"] == "m2", "warnings"] = "3 of 4 dimensions predicted up to the floor"
    pairs.loc[(pairs["source"] == "m2") & (pairs["target"] == "m0"), "warnings"] = ""
    table = rank_pairs(pairs).set_index("model")
    assert table.loc["m2", "warnings"] == "dimensions predicted up to the floor (4 of 5 pairs)"
    assert table.loc["m3", "warnings"] == ""


def test_the_health_of_an_embedding_stands_before_the_warnings_of_its_pairs(made_up_pairs):
    pairs = made_up_pairs(SIX)
    pairs.loc[pairs["source"] == "m2", "warnings"] = "odd"
    health = {"m2": ["3 zero rows"], "m5": ["no prompt"]}
    table = with_health_warnings(rank_pairs(pairs), health).set_index("model")["warnings"]
    assert table["m2"] == "3 zero rows; odd (5 of 5 pairs)"
    assert table["m5"] == "no prompt"
    assert table["m0"] == ""


def test_missing_and_broken_pairs_are_named(made_up_pairs):
    pairs = made_up_pairs(SIX)
    with pytest.raises(EstimationError, match="1 pairs are missing, the first is m0 -> m0"):
        rank_pairs(pairs.iloc[1:])
    pairs.at[7, "block_nats"] = np.full(100, np.nan)
    with pytest.raises(EstimationError, match="the pair m1 -> m1 is not finite"):
        rank_pairs(pairs)
    with pytest.raises(EstimationError, match="at least 2 models; there is a"):
        rank_pairs(made_up_pairs({"a": 1.0}))


def test_rank_from_arrays_has_the_promised_columns(tmp_path):
    full = np.random.default_rng(0).normal(size=(300, 6))
    ranking = rank({"all": full, "half": full[:, :3], "one": full[:, :1]})
    promised = ["model", "score", "score_low", "score_high", "rank", "rank_low", "rank_high", "tie_group"]
    assert ranking.table.columns[:9].tolist() == [*promised, "embed_dim"]
    assert {"source", "target", "nats", "nats_per_dim", "standard_error_nats"} <= set(ranking.pairs.columns)
    assert ranking.table["model"].iloc[0] == "all"
    assert ranking.table["embed_dim"].tolist() == [6, 3, 1]
    ranking.save(tmp_path)
    assert pd.read_csv(tmp_path / "ranking.csv").shape == ranking.table.shape
    assert len(pd.read_parquet(tmp_path / "pairs.parquet")) == 9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"half": np.zeros((299, 3))}, "half has 299 rows but all has 300"),
        ({"half": np.full((300, 3), np.nan)}, "model half: .* NaN"),
        ({"half": np.zeros((300, 3))}, "model half: all 3 dimensions"),
    ],
)
def test_rank_names_the_model_that_cannot_be_used(change, message):
    full = np.random.default_rng(0).normal(size=(300, 6))
    with pytest.raises(EstimationError, match=message):
        rank({"all": full, **change})


def test_rank_names_an_unknown_aggregate():
    full = np.random.default_rng(0).normal(size=(300, 6))
    with pytest.raises(ValueError, match="unknown aggregate 'average'; choose one of mean, median"):
        rank({"a": full, "b": full[:, :2]}, aggregate="average")
