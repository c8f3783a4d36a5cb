"""Decision table, Pareto front, pool sensitivity and task dependence on pools of known answer."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from suffice.analyses.correlation import Bootstrap
from suffice.analyses.cost import note_on_costs, pareto_front, pareto_table, quotient_table, stored_costs
from suffice.analyses.decision import RANDOM, chance_to_beat, decision_table
from suffice.analyses.questions.decision import describe_decision
from suffice.analyses.questions.smaller_pools import describe_sensitivity, pool_warnings
from suffice.analyses.smaller_pools import (
    FAMILY,
    MERGED,
    MODEL,
    WHOLE,
    near_copies,
    pool_sensitivity,
    scores_of_pool,
)
from suffice.analyses.task_dependence import task_agreement, task_dependence
from suffice.errors import DataError
from suffice.storage.files import write_table

OUTCOME = np.array([0.9, 0.8, 0.6, 0.5, 0.4, 0.1])
MODELS = [f"m{i}" for i in range(6)]


def scores(**columns):
    rows = [
        (model, name, "baseline" if name == "embed_dim" else "information sufficiency", value)
        for name, values in columns.items()
        for model, value in zip(MODELS, values, strict=True)
    ]
    return pd.DataFrame(rows, columns=["model", "predictor", "predictor_kind", "value"])


def results(tasks):
    rows = [
        (task, "classification", model, value, 0.2, 100, 50, 5)
        for task, values in tasks.items()
        for model, value in zip(MODELS, values, strict=True)
    ]
    names = "task kind model value chance n_train n_test n_classes".split()
    return pd.DataFrame(rows, columns=names)


@pytest.fixture(scope="module")
def table():
    given = scores(linear=OUTCOME, bad=-OUTCOME, embed_dim=[8, 16, 8, 8, 16, 8])
    return decision_table(given, results({"one": OUTCOME, "two": OUTCOME}), n_resamples=400).set_index(
        "predictor"
    )


def test_a_predictor_that_is_the_outcome_loses_nothing_and_its_opposite_most(table):
    best, worst = table.loc["linear"], table.loc["bad"]
    assert (best["spearman"], best["regret_at_1"], best["picks"]) == (1, 0, "m0")
    assert (worst["spearman"], worst["picks"]) == (pytest.approx(-1), "m5")
    assert worst["regret_at_1"] == pytest.approx(0.8)
    assert worst["regret_at_3"] == pytest.approx(0.9 - 0.5)
    assert table.index[0] == "linear"


def test_ties_and_chance_have_their_expected_loss(table):
    widest, chance = table.loc["embed_dim"], table.loc[RANDOM]
    assert widest["picks"] == "m1, m4"
    assert widest["regret_at_1"] == pytest.approx(0.9 - (0.8 + 0.4) / 2)
    assert chance["regret_at_1"] == pytest.approx(0.9 - OUTCOME.mean())
    assert np.isnan(chance["spearman"])


def test_the_widest_meets_itself_in_the_middle(table):
    assert table.loc["embed_dim", "beats_widest"] == 0.5
    assert table.loc[RANDOM, "beats_widest"] == pytest.approx(0.4, abs=0.15)
    assert table.loc["linear", "beats_widest"] > 0.8 > 0.2 > table.loc["bad", "beats_widest"]


def test_the_chance_to_beat_is_that_of_written_out_resamples():
    way, other = pd.Series([1, 2, 2, 0], MODELS[:4]), pd.Series([1, 1, 0, 0], MODELS[:4])
    outcome = pd.Series([0.3, 0.1, 0.9, 0.3], MODELS[:4])
    bootstrap = Bootstrap(n_resamples=100)
    expected = []
    for row in bootstrap.weights(MODELS[:4]):
        there = row > 0
        ours, theirs = (outcome[there & (v == v[there].max())].to_numpy() for v in (way, other))
        expected.append(np.mean([(a > b) + 0.5 * (a == b) for a in ours for b in theirs]))
    assert chance_to_beat(way, other, outcome, bootstrap) == pytest.approx(np.mean(expected))


def test_the_regret_of_each_task_is_against_its_own_best():
    given = scores(linear=OUTCOME)
    tasks = {"one": OUTCOME, "two": OUTCOME[::-1]}
    row = decision_table(given, results(tasks), n_resamples=100).set_index("predictor").loc["linear"]
    assert row["task_regret_at_1"] == pytest.approx((0 + 0.8) / 2)
    assert row["regret_at_1"] == pytest.approx((0.8 + 0.4) / 2 - (0.9 + 0.1) / 2)
    assert np.isnan(row["beats_widest"])


def test_the_sentence_names_loss_and_references(table):
    sentence = describe_decision(table.reset_index(), "bad")
    assert "(m5) loses 0.800" in sentence
    assert "taking the widest model 0.300" in sentence
    assert "loses nothing" in describe_decision(table.reset_index(), "linear")
    assert describe_decision(table.reset_index(), "absent") == ""


def test_a_front_is_what_no_other_dominates():
    rng = np.random.default_rng(0)
    score, cost = rng.integers(0, 5, size=(2, 30)).astype(float)
    expected = [
        not any(
            score[j] >= score[i] and cost[j] <= cost[i] and (score[j] > score[i] or cost[j] < cost[i])
            for j in range(30)
        )
        for i in range(30)
    ]
    assert list(pareto_front(score, cost)) == expected


def test_a_quotient_follows_the_cost_and_not_the_tasks():
    ranking = pd.DataFrame({"model": MODELS, "score": -OUTCOME, "win_rate": OUTCOME, "aggregate": "ranks"})
    cards = pd.DataFrame({"model": MODELS, "embed_dim": [1024, 512, 256, 128, 64, 32]})
    pareto = pareto_table(ranking, cards)
    assert set(pareto["cost"]) == {"embed_dim"}
    assert pareto["on_front"].all()
    (row,) = quotient_table(pareto, results({"one": OUTCOME})).to_dict("records")
    assert row["value_spearman"] == pytest.approx(1)
    assert row["quotient_spearman"] < -0.5


def test_costs_are_read_from_the_results_and_those_by_the_clock_are_not_compared(tmp_path):
    assert stored_costs(tmp_path, "docs", "linear") is None and note_on_costs(None) == ""
    ranking = pd.DataFrame({"model": MODELS[:2], "score": [1.0, 2.0], "aggregate": "mean"})
    cards = pd.DataFrame({"model": MODELS[:2], "cpu_seconds_per_1000_items": [3.0, 4.0], "embed_dim": [8, 9]})
    write_table(pareto_table(ranking, cards), tmp_path / "pareto" / "docs" / "linear.csv")
    costs = stored_costs(tmp_path, "docs", "linear").set_index("model")
    assert costs["cpu_seconds_per_1000_items"].tolist() == [3.0, 4.0] and note_on_costs(costs) == ""
    old = costs.rename(columns={"cpu_seconds_per_1000_items": "seconds_per_1000_items"})
    assert "an older version measured them by the clock. Run the study again" in note_on_costs(old)


def test_a_cost_that_is_not_known_leaves_the_model_out():
    ranking = pd.DataFrame({"model": MODELS[:2], "score": [1.0, 2.0], "aggregate": "mean"})
    cards = pd.DataFrame({"model": MODELS[:2], "n_parameters_with_parents": [None, 10]})
    assert list(pareto_table(ranking, cards)["model"]) == ["m1"]
    with pytest.raises(DataError, match="aggregate"):
        pareto_table(ranking[["model"]], cards)


def pairs_of(matrix, targets=None):
    names = [f"m{i}" for i in range(len(matrix))]
    rows = [
        (source, target, matrix[i][j])
        for i, source in enumerate(names)
        for j, target in enumerate(names)
        if targets is None or target in targets
    ]
    return pd.DataFrame(rows, columns=["source", "target", "nats_per_dim"])


CLIQUE = [
    [5.0, 2.0, 2.0, 0.1, 0.1],
    [2.0, 5.0, 1.9, 0.1, 0.1],
    [2.0, 1.9, 5.0, 0.1, 0.1],
    [0.6, 0.6, 0.6, 5.0, 0.8],
    [0.5, 0.5, 0.5, 0.6, 5.0],
]


def sensitivity(families=None, first=("m0",)):
    families = families or {f"m{i}": "copies" if i < 3 else f"own {i}" for i in range(5)}
    return pool_sensitivity(pairs_of(CLIQUE), families, first, "mean")


def test_near_copies_make_a_winner_that_goes_when_they_are_one():
    found = sensitivity().set_index("change")
    assert found.loc[WHOLE, "winner"] == "m0"
    merged = found.loc[MERGED]
    assert merged["left_out"] == "m1, m2"
    assert (merged["winner"], merged["beyond_ties"]) == ("m3", True)
    assert "m3 is first near-copies as one (m1, m2)" in pool_warnings(sensitivity())[0]
    assert "not tied for first" in describe_sensitivity(sensitivity())


def test_a_change_within_the_first_group_is_no_warning():
    assert pool_warnings(sensitivity(first=("m0", "m3"))) == []


def test_a_winner_that_is_left_out_itself_has_not_changed():
    found = sensitivity()
    without = found[(found["change"] == MODEL) & (found["left_out"] == "m0")].iloc[0]
    assert not without["winner_changes"]
    family = found[found["change"] == FAMILY].iloc[0]
    assert (family["left_out"], family["n_models"], family["kendall_tau"]) == ("copies", 2, 1)


def test_near_copies_need_both_directions_and_chains_are_one_group():
    matrix = pd.DataFrame(0.1, index=MODELS, columns=MODELS)
    for i, j in ((0, 1), (1, 0), (1, 2), (2, 1), (3, 4)):
        matrix.iloc[i, j] = 1.6  # R^2 = 1 - exp(-3.2) = 0.96
    assert near_copies(matrix) == [["m0", "m1", "m2"]]
    assert near_copies(matrix, 0.97) == []


def test_scores_of_a_pool_are_those_of_the_ranking():
    matrix = pairs_of(CLIQUE).pivot(index="source", columns="target", values="nats_per_dim")
    assert scores_of_pool(matrix, "median", self_pairs=False)["m0"] == pytest.approx(1.05)
    assert scores_of_pool(matrix, "mean", self_pairs=True)["m4"] == pytest.approx(7.1 / 5)


def test_some_targets_are_enough_and_an_unknown_family_is_named():
    pairs = pairs_of(CLIQUE, targets=("m0", "m3"))
    found = pool_sensitivity(pairs, dict.fromkeys(MODELS, "a"), ["m1"], "mean")
    # Without m0 its one other target, m3, has no target but itself.
    assert set(found[found["change"] == MODEL]["left_out"]) == {"m1", "m2", "m4"}
    with pytest.raises(DataError, match="'m0' has no family"):
        pool_sensitivity(pairs, {}, [], "mean")


def test_a_pool_of_two_estimators_is_ordered_by_the_pairs_of_both():
    """By the second the order is the reverse, so that all win half: ties of the whole, the first by name."""
    forth = pairs_of(CLIQUE).assign(estimator="first")
    back = forth.assign(estimator="second", nats_per_dim=-forth["nats_per_dim"])
    families = {f"m{i}": f"own {i}" for i in range(5)}
    both = pool_sensitivity(pd.concat([forth, back]), families, ["m0"])
    twice = pool_sensitivity(pd.concat([forth, forth.assign(estimator="second")]), families, ["m0"])
    pd.testing.assert_frame_equal(twice, pool_sensitivity(forth, families, ["m0"]))
    assert set(both["winner"]) == {"m0", "m1"} and twice["winner"].iloc[0] == "m0"
    # Near-copies are those of the first estimator, as the nats of others are on another scale.
    assert both.set_index("change").loc[MERGED, "n_left_out"] == 2


def test_agreement_is_measured_against_what_tasks_are_like():
    rng = np.random.default_rng(1)
    tasks = {f"t{i}": 0.3 + 0.1 * i + 0.02 * (OUTCOME + rng.normal(size=6)) for i in range(5)}
    agreement = task_agreement(pd.Series(OUTCOME, index=MODELS), results(tasks))
    row = agreement.set_index("task").loc["t1"]
    assert row["agreement"] == pytest.approx(spearmanr(OUTCOME, tasks["t1"]).statistic)
    assert row["n_items"] == 150
    assert row["solvability"] == pytest.approx((tasks["t1"].mean() - 0.2) / 0.8)
    found = task_dependence(agreement, n_resamples=100).set_index("trait")
    expected = spearmanr(agreement["agreement"], agreement["solvability"]).statistic
    assert found.loc["solvability", "value"] == pytest.approx(expected)
    assert "constant" in found.loc["n_items", "note"]
