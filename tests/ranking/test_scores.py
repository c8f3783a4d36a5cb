"""Scores, intervals, rank intervals and tie groups from made-up pairs whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from suffice import estimate, rank
from suffice.errors import EstimationError
from suffice.ranking import RankingSettings, rank_pairs, with_health_warnings
from suffice.ranking.scores import rank_bounds, tie_groups
from suffice.ranking.table import ordering_column, ordering_values

SIX = {f"m{number}": 0.1 * number for number in range(6)}


FIFTEEN = {f"m{number:02}": 0.02 * number for number in range(15)}
FAST = RankingSettings(n_resamples=200)


def test_the_order_is_the_truth_and_intervals_hold_it(made_up_pairs):
    table = rank_pairs(made_up_pairs(SIX))
    assert table["model"].tolist() == ["m5", "m4", "m3", "m2", "m1", "m0"]
    assert table["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table["win_rate"].tolist() == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2, 0.0])
    for row in table.itertuples():
        assert row.score_low <= row.score <= row.score_high
        assert 0 <= row.win_rate_low <= row.win_rate <= row.win_rate_high <= 1
        # Six models, each interval at 95 %: the noise of a score is 0.05 / sqrt(100 x 5) = 0.002.
        assert abs(row.score - SIX[row.model]) < 0.01


def test_certainly_different_models_have_one_rank_and_a_group_each(made_up_pairs):
    table = rank_pairs(made_up_pairs(SIX))
    assert (table["rank_low"] == table["rank"]).all()
    assert (table["rank_high"] == table["rank"]).all()
    assert table["tie_group"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table["could_be_first"].tolist() == [True, *[False] * 5]


@pytest.mark.parametrize("aggregate", ["ranks", "mean", "median"])
def test_equal_models_are_tied(aggregate, made_up_pairs):
    settings = RankingSettings(aggregate=aggregate)
    table = rank_pairs(made_up_pairs(dict.fromkeys("abcdef", 0.5)), settings)
    assert set(table["tie_group"]) == {1}
    assert table["rank_low"].tolist() == [1] * 6
    assert table["rank_high"].tolist() == [6] * 6
    assert table["could_be_first"].all()


@pytest.mark.parametrize("aggregate", ["ranks", "mean", "median"])
def test_errors_that_models_share_widen_intervals_but_tie_nobody(aggregate, made_up_pairs):
    table = rank_pairs(made_up_pairs(SIX, shared=1.0), RankingSettings(aggregate=aggregate))
    width = table["score_high"] - table["score_low"]
    # Shared noise of 1.0 over 100 blocks: a score's own interval is 4 x 0.1 wide, far more than 0.1 apart.
    assert (width > 0.2).all()
    assert table["tie_group"].tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("aggregate", "target_spread"), [("ranks", 1.0), ("mean", 0.0), ("median", 0.0)])
def test_a_chain_of_fifteen_is_told_apart_in_the_true_order(aggregate, target_spread, made_up_pairs):
    """Neighbours are 0.02 apart; a standard error of each difference is 0.0038.

    Means and medians over other targets for each model follow hard and easy targets; win rates do not.
    """
    pairs = made_up_pairs(FIFTEEN, noise=0.025, own=0.01, target_spread=target_spread)
    table = rank_pairs(pairs, RankingSettings(aggregate=aggregate, n_resamples=200))
    assert table["model"].tolist() == sorted(FIFTEEN, reverse=True)
    assert table["tie_group"].nunique() >= 6
    assert table["tie_group"].is_monotonic_increasing


@pytest.mark.parametrize("aggregate", ["ranks", "mean"])
def test_groups_intervals_and_who_could_be_first_are_one_set_of_statements(aggregate, made_up_pairs):
    settings = RankingSettings(aggregate=aggregate, n_resamples=200)
    n_groups = set()
    for seed in range(8):
        pairs = made_up_pairs(SIX, noise=0.6, own=0.4, in_common=0.03, seed=seed)
        table = rank_pairs(pairs, settings, seed)
        assert (table["could_be_first"] == (table["tie_group"] == 1)).all()
        assert (table["could_be_first"] == (table["rank_low"] == 1)).all()
        assert (table["tie_group"] <= table["rank_low"]).all()  # a chain of models stands above a later group
        assert table["rank"].between(table["rank_low"], table["rank_high"]).all()
        for _, group in table.groupby("tie_group"):
            assert group["rank_low"].max() <= group["rank_high"].min()
        n_groups.add(table["tie_group"].max())
    assert len(n_groups) > 1 or n_groups.pop() > 1


def test_tie_groups_are_layers_of_what_stands_above_what():
    above = np.zeros((5, 5), dtype=bool)
    above[0, [2, 3, 4]] = above[1, [3, 4]] = above[2, 4] = True
    # The first two could be first. The third is below the first alone, the fourth below both, and the fifth
    # is below the third as well.
    assert tie_groups(above).tolist() == [1, 1, 2, 2, 3]
    low, high = rank_bounds(above)
    assert low.tolist() == [1, 1, 2, 3, 4]
    assert high.tolist() == [2, 3, 4, 5, 5]


@pytest.mark.parametrize("aggregate", ["ranks", "mean"])
def test_rank_intervals_hold_all_true_ranks_at_once(aggregate, made_up_pairs):
    truth = {name: rank for rank, name in enumerate(sorted(SIX, reverse=True), start=1)}
    held, n_runs = 0, 40
    for seed in range(n_runs):
        settings = RankingSettings(aggregate=aggregate, n_resamples=200)
        table = rank_pairs(made_up_pairs(SIX, noise=1.0, own=1.0, seed=seed), settings, seed)
        held += all(row.rank_low <= truth[row.model] <= row.rank_high for row in table.itertuples())
    assert held / n_runs > 0.87  # 95 % with a standard error of 3.5 %


def test_self_pairs_are_left_out_unless_asked_for(made_up_pairs):
    pairs = made_up_pairs(SIX)
    mean = RankingSettings(aggregate="mean", n_resamples=100)
    without = rank_pairs(pairs, mean)
    with_self = rank_pairs(pairs, mean.model_copy(update={"self_pairs": True}))
    assert without["n_targets"].tolist() == [5] * 6
    assert with_self["n_targets"].tolist() == [6] * 6
    # A self pair is worth 3 nats more: a sixth of it enters the mean.
    assert with_self["score"].iloc[0] - without["score"].iloc[0] == pytest.approx(0.5, abs=0.02)


def test_medians_and_win_rates_resist_one_easy_target_and_the_mean_does_not(made_up_pairs):
    pairs = made_up_pairs(SIX)
    outlier = (pairs["target"] == "m0") & (pairs["source"] == "m1")
    pairs.loc[outlier, "block_nats"] = pairs.loc[outlier, "block_nats"] * 1000
    assert rank_pairs(pairs, RankingSettings(aggregate="median"))["model"].iloc[0] == "m5"
    assert rank_pairs(pairs, RankingSettings(aggregate="ranks"))["model"].iloc[0] == "m5"
    assert rank_pairs(pairs, RankingSettings(aggregate="mean"))["model"].iloc[0] == "m1"


def test_the_order_of_rows_changes_nothing(made_up_pairs):
    pairs = made_up_pairs(SIX)
    shuffled = pairs.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(rank_pairs(pairs), rank_pairs(shuffled))


def test_a_few_targets_are_enough_for_a_ranking(made_up_pairs):
    table = rank_pairs(made_up_pairs(SIX, targets=["m0", "m3", "m5", "m1"]))
    assert table["model"].tolist() == ["m5", "m4", "m3", "m2", "m1", "m0"]
    assert table["is_target"].tolist() == [True, False, True, False, True, True]
    assert table["n_targets"].tolist() == [3, 4, 3, 4, 3, 3]
    assert table["rank_low_pools"].notna().all()
    assert (table["n_items"] == 1000).all()


def test_pairs_of_the_targets_are_missed_and_no_others(made_up_pairs):
    pairs = made_up_pairs(SIX, targets=["m1", "m4"])
    assert len(rank_pairs(pairs)) == 6
    with pytest.raises(EstimationError, match="1 pairs are missing, such as m2 -> m4"):
        rank_pairs(pairs[(pairs["source"] != "m2") | (pairs["target"] != "m4")])
    with pytest.raises(EstimationError, match="m4 is the only target and is not a target of itself"):
        rank_pairs(made_up_pairs(SIX, targets=["m4"]))
    only = rank_pairs(made_up_pairs(SIX, targets=["m4"]), RankingSettings(self_pairs=True))
    assert only["model"].iloc[0] == "m4"


def test_the_published_score_is_the_median_of_pairs_of_one_look(made_up_pairs):
    pairs = made_up_pairs(SIX, target_spread=1.0)
    one = rank_pairs(pairs, FAST).set_index("model")
    values = [sum(each) / 2000 for each in pairs.loc[pairs["source"] == "m2", "block_nats"]]
    others = [value for place, value in enumerate(values) if place != 2]
    assert (
        one.loc["m2", "published_score"] == one.loc["m2", "median_nats"] == pytest.approx(np.median(others))
    )
    assert one.loc["m2", "score"] == pytest.approx(np.mean(others))
    two = rank_pairs(pairs.assign(looks="halves"), FAST).set_index("model")
    assert two["published_score"].isna().all()
    assert two.loc["m2", "median_nats"] == pytest.approx(np.median(values))
    assert set(two["looks"]) == {"halves"}


def test_self_pairs_count_where_looks_differ(made_up_pairs):
    pairs = made_up_pairs(SIX)
    assert rank_pairs(pairs.assign(looks="same"), FAST)["n_targets"].tolist() == [5] * 6
    assert rank_pairs(pairs.assign(looks="group"), FAST)["n_targets"].tolist() == [6] * 6
    forced = FAST.model_copy(update={"self_pairs": False})
    assert rank_pairs(pairs.assign(looks="group"), forced)["n_targets"].tolist() == [5] * 6
    mixed = pd.concat([pairs.assign(looks="group"), pairs.assign(looks="same")])
    with pytest.raises(EstimationError, match="the pairs mix the looks group, same"):
        rank_pairs(mixed)


def test_columns_of_several_estimators_make_one_ranking(made_up_pairs):
    first = made_up_pairs(SIX, noise=0.01).assign(estimator="linear")
    other = made_up_pairs({name: -value for name, value in SIX.items()}, noise=0.01)
    items = np.r_[np.full(50, 20.0), np.zeros(50)]  # half of the blocks are scored
    other["block_nats"] = [each * 7 * (items > 0) * 2 for each in other["block_nats"]]
    other["block_items"] = [items] * len(other)
    table = rank_pairs(pd.concat([first, other.assign(estimator="neighbours")]), FAST)
    assert table["win_rate"].tolist() == pytest.approx([0.5] * 6)  # one family contradicts the other
    assert table.set_index("model").loc["m4", "score"] == pytest.approx(0.4, abs=0.01)  # of the first
    assert table["n_targets"].tolist() == [5] * 6
    three = pd.concat([first, other.assign(estimator="neighbours"), first.assign(estimator="again")])
    assert rank_pairs(three, FAST)["model"].iloc[0] == "m5"
    with pytest.raises(
        EstimationError, match="'mean' needs pairs of one estimator, but these are from linear, neigh"
    ):
        rank_pairs(three, RankingSettings(aggregate="mean"))


def test_relatives_share_one_vote(made_up_pairs):
    """Three relatives favour m0 as targets and two strangers m1; with one vote the strangers win."""
    pairs = made_up_pairs({"m0": 0.5, "m1": 0.5, "r0": 0.0, "r1": 0.0, "r2": 0.0, "s0": 0.0, "s1": 0.0})
    for row in pairs.itertuples():
        favourite = {"r": "m0", "s": "m1"}.get(row.target[0])
        row.block_nats[:] += 20.0 * (row.source == favourite)
    plain = rank_pairs(pairs, FAST).set_index("model")
    related = rank_pairs(pairs, FAST, families={"r0": "r", "r1": "r", "r2": "r"}).set_index("model")
    assert plain.loc["m0", "rank"] == 1
    assert related.loc["m1", "rank"] == 1
    assert related.loc[["r0", "r1", "s0"], "relatives"].tolist() == ["r0", "r0", "s0"]


def test_a_near_copy_is_not_a_target_where_looks_are_the_same(made_up_pairs):
    pairs = made_up_pairs(SIX)
    copies = {name: name for name in SIX} | {"m1": "m0"}
    assert rank_pairs(pairs, FAST, copies=copies).set_index("model")["n_targets"].to_dict() == {
        name: 4 if name in ("m0", "m1") else 5 for name in SIX
    }
    only = rank_pairs(made_up_pairs({"a": 0.1, "b": 0.1}), FAST, copies={"a": "a", "b": "a"})
    assert only["n_targets"].tolist() == [1, 1]


def test_two_models_share_no_target_and_are_not_ordered(made_up_pairs):
    table = rank_pairs(made_up_pairs({"a": 0.1, "b": 0.9}), FAST)
    assert table["rank"].tolist() == [1, 1]
    assert table["could_be_first"].all()
    assert table["win_rate"].tolist() == [0.5, 0.5]


def test_what_orders_a_table_is_said_by_it(made_up_pairs):
    pairs = made_up_pairs(SIX)
    for aggregate, column in (("ranks", "win_rate"), ("mean", "score"), ("median", "score")):
        table = rank_pairs(pairs, RankingSettings(aggregate=aggregate, n_resamples=100))
        assert ordering_column(table) == column
        assert ordering_values(table).to_dict() == table.set_index("model")[column].to_dict()
    assert ordering_column(table[["model", "score"]]) == "score"


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
    with pytest.raises(EstimationError, match="1 pairs are missing, such as m0 -> m0"):
        rank_pairs(pairs.iloc[1:])
    pairs.at[7, "block_nats"] = np.full(100, np.nan)
    with pytest.raises(EstimationError, match="the pair m1 -> m1 is not finite"):
        rank_pairs(pairs)
    with pytest.raises(EstimationError, match="at least 2 models; given: a"):
        rank_pairs(made_up_pairs({"a": 1.0}))


def test_rank_from_arrays_has_the_promised_columns(tmp_path):
    full = np.random.default_rng(0).normal(size=(300, 6))
    ranking = rank({"all": full, "half": full[:, :3], "one": full[:, :1]})
    promised = ["model", "score", "score_low", "score_high", "rank", "rank_low", "rank_high", "tie_group"]
    assert ranking.table.columns[:10].tolist() == [*promised, "could_be_first", "embed_dim"]
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
    with pytest.raises(ValueError, match="unknown aggregate 'average'; choose one of ranks, mean, median"):
        rank({"a": full, "b": full[:, :2]}, aggregate="average")


def test_a_ranking_shows_its_answer_and_its_table():
    generator = np.random.default_rng(0)
    full = generator.normal(size=(400, 6))
    ranking = rank({"all": full, "<one>": full[:, :1], "noise": generator.normal(size=(400, 3))})
    assert repr(ranking).startswith("Ranking(3 models by linear; could be first: all")
    shown = ranking._repr_html_()
    assert "&lt;one&gt;" in shown and "<one>" not in shown and "win_rate" in shown
    assert len(repr(ranking)) < 200


def test_a_pair_shows_its_number_and_not_its_arrays():
    generator = np.random.default_rng(0)
    source = generator.normal(size=(300, 4))
    found = estimate(source, source[:, :2] + generator.normal(size=(300, 2)))
    assert f"{found.nats:.4g} nats" in repr(found) and "4 to 2 dimensions, 300 items" in repr(found)
    assert "array" not in repr(found)
