"""The arithmetic of the arena: aggregates, verdicts, rules and the format of a pool, with known answers."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from suffice.ranking.arrays import arrays_of
from suffice.ranking.scores import rank_pairs


@pytest.fixture
def arena(project, monkeypatch):
    """The arena's modules."""
    monkeypatch.syspath_prepend(project / "benchmarks" / "arena")
    names = ("aggregates", "judge", "pool", "subpools")
    return SimpleNamespace(**{name: import_module(name) for name in names})


def test_a_model_that_beats_another_on_every_common_target_ranks_above_it_whatever_the_medians(arena):
    # "a" beats "b" on both common targets, but b's own target gives a little and a's own gives b much.
    matrix = np.array([[9.0, 0.1, 1.0, 0.5], [3.0, 9.0, 0.9, 0.4], [0, 0, 9, 0.1], [0, 0, 0.1, 9]])
    counted = arena.aggregates.without_self(matrix)
    weights = np.ones(4)
    medians = arena.aggregates.median(counted, weights)
    rates = arena.aggregates.win_rate(counted, weights)
    assert medians[0] < medians[1]
    assert rates.tolist() == [1.0, 2 / 3, pytest.approx(1 / 6), pytest.approx(1 / 6)]


def test_relatives_count_once_as_targets(arena):
    weights = arena.aggregates.family_weights(["x", "x", "y"])
    assert weights.tolist() == [0.5, 0.5, 1.0]
    matrix = np.array([[0.0, 0.0, 3.0], [2.0, 2.0, 0.0]])
    assert arena.aggregates.mean(matrix, weights).tolist() == [1.5, 1.0]


def test_a_weighted_median_of_equal_weights_is_the_median(arena):
    matrix = np.random.default_rng(0).normal(size=(5, 6))
    assert arena.aggregates.median(matrix, np.ones(6)) == pytest.approx(np.median(matrix, axis=1))


def judged_pool(arena, scores):
    """A pool of three models, the first best on both tasks."""
    results = pd.DataFrame(
        {
            "task": ["t", "t", "t", "u", "u", "u"],
            "model": list("abc") * 2,
            "value": [0.9, 0.8, 0.1, 0.7, 0.4, 0.3],
        }
    )
    table = pd.DataFrame(scores, index=list("abc"), dtype=float)
    return arena.judge.judged("p", table, results, {name: name for name in "abc"})


def test_agreement_and_regret_have_the_right_sign(arena):
    pool = judged_pool(arena, {"good": [3, 2, 1], "bad": [1, 2, 3], "second": [2, 3, 1]})
    table = arena.judge.table_of_pool(pool, dict.fromkeys(("good", "bad", "second"), 0.0)).set_index(
        "candidate"
    )
    assert table["spearman"].tolist() == [1.0, -1.0, 0.5]
    assert table["regret_at_1"].tolist() == pytest.approx([0.0, 0.6, 0.2])
    assert table["regret_at_3"].tolist() == pytest.approx([0.0, 0.0, 0.0])
    assert table["first"].tolist() == ["a", "c", "b"]


def test_a_model_without_a_score_comes_last_and_ties_share_the_regret(arena):
    pool = judged_pool(arena, {"missing": [np.nan, 2, 1], "tied": [1, 1, 1]})
    table = arena.judge.table_of_pool(pool, {"missing": 0.0, "tied": 0.0}).set_index("candidate")
    assert table.loc["missing", "first"] == "b"
    assert np.isnan(table.loc["tied", "spearman"])
    assert 0.0 < table.loc["tied", "regret_at_1"] < 0.6


def test_the_default_for_a_pool_is_chosen_on_the_others(arena):
    rows = [
        {"pool": pool, "candidate": name, "spearman": value, "regret_at_1": 0.0, "regret_at_3": 0.0}
        for name, values in {"x": (0.9, 0.9, 0.0), "y": (0.5, 0.5, 0.8)}.items()
        for pool, value in zip("pqr", values, strict=True)
    ]
    found = arena.judge.leave_one_pool_out(pd.DataFrame(rows)).set_index("pool")
    assert found["chosen_on_the_others"].to_dict() == {"p": "y", "q": "y", "r": "x"}
    assert found.loc["r", "spearman"] == 0.0


@pytest.mark.parametrize("self_pairs", [True, False])
def test_win_rates_of_sub_pools_are_those_of_whole_pools(arena, self_pairs):
    matrices = np.random.default_rng(1).normal(size=(3, 5, 5))
    found = arena.subpools.win_rates(matrices, self_pairs)
    for matrix, rates in zip(matrices, found, strict=True):
        counted = matrix if self_pairs else arena.aggregates.without_self(matrix)
        assert rates == pytest.approx(arena.aggregates.win_rate(counted, np.ones(5)))


def test_a_rule_names_a_sure_winner_and_nobody_else(arena):
    def known(share, first_by_own):
        leads = np.where(np.arange(100) < 100 * share, 0, 1)
        resampled = np.eye(2)[leads]
        own = {"self_retrieval": np.eye(2)[first_by_own]}
        return arena.subpools.Known(["a", "b"], {"linear": np.array([1.0, 0.0])}, {"linear": resampled}, own)

    rule = arena.subpools.both(
        arena.subpools.sure("linear"), arena.subpools.agreed("linear", "self_retrieval")
    )
    assert rule(known(0.96, 0)) == "a"
    assert rule(known(0.90, 0)) is None
    assert rule(known(0.96, 1)) is None


def test_a_pool_comes_back_from_disk(arena, tmp_path):
    pool, folder = arena.pool, tmp_path / "pools" / "p"
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    for number, part in enumerate(pool.PARTS):
        pool.write_vectors(folder, part, "m", vectors + number)
    pool.write_groups(folder, "looks", ["x", "x", "y"])
    card = pool.Card("p", "text", "halves", "about", (pool.Model("m", "f", True, False, None, 2),))
    pool.write_card(folder, card)
    found = pool.read_pool(folder)
    assert found.card == card
    assert np.array_equal(found.second["m"], vectors + 2)
    assert found.item_groups is None
    assert found.look_groups.tolist() == ["x", "x", "y"]


def test_tasks_must_be_whole(arena, tmp_path):
    rows = {
        "task": ["t"],
        "kind": ["classification"],
        "model": ["m"],
        "value": [np.nan],
        "standard_error": [0.1],
    }
    with pytest.raises(ValueError, match=r"tasks lack values for \['m'\]"):
        arena.pool.write_tasks(tmp_path, pd.DataFrame(rows))


def table_of_pairs(n_models, seed):
    """Pairs of two estimators across two looks; "a" is the best source, "b" the next, and so on."""
    generator = np.random.default_rng(seed)
    names = list("abcdefg"[:n_models])
    rows = [
        {
            "source": source,
            "target": target,
            "estimator": estimator,
            "source_dim": 4,
            "target_dim": 4,
            "n_test": 200,
            "looks": "halves",
            "warnings": "",
            "block_nats": 20 - 2 * place + generator.normal(size=20),
            "block_items": np.full(20, 10.0),
        }
        for estimator in ("linear", "neighbours")
        for place, source in enumerate(names)
        for target in names
    ]
    return pd.DataFrame(rows)


def test_the_ranking_of_a_sub_pool_is_that_of_the_library(arena):
    pairs, kept = table_of_pairs(6, seed=2), list("abdf")
    copies = {name: "a" if name == "b" else name for name in "abcdef"}
    whole = arrays_of(pairs, relatives=copies, copies=copies)
    found = arena.subpools.product_ranking(arena.subpools.cut_arrays(whole, kept))
    own_pairs = pairs[pairs["source"].isin(kept) & pairs["target"].isin(kept)]
    expected = rank_pairs(own_pairs, copies={name: copies[name] for name in kept})
    for column in ("model", "rank", "could_be_first"):
        assert found[column].tolist() == expected[column].tolist()
    assert found["win_rate"].to_numpy() == pytest.approx(expected["win_rate"].to_numpy())


@pytest.mark.parametrize("looks", ["halves", "same"])
def test_the_library_is_settled_only_with_two_looks_and_where_every_witness_agrees(arena, looks):
    ranking = arena.subpools.product_ranking(arrays_of(table_of_pairs(4, seed=2)))
    assert ranking["could_be_first"].sum() == 1
    ranking = ranking.assign(looks=looks)
    own = {"self_retrieval": np.array([4.0, 3, 2, 1]), "consensus": np.array([3.0, 4, 2, 1])}
    agreeing = {"self_retrieval": own["self_retrieval"]}
    assert arena.subpools.is_unanimous(ranking, list("abcd"), agreeing)
    assert not arena.subpools.is_unanimous(ranking, list("abcd"), own)
    for witnesses in (agreeing, own):
        arena.subpools.check_settled(ranking, list("abcd"), witnesses)


def test_a_ranking_by_one_look_has_witnesses_with_one_look(arena):
    values = {name: np.array([place]) for place, name in enumerate(("neighbours", "neighbours, one look"))}
    product = arena.subpools.Product("linear", "one", ("neighbours",))
    assert product.read(values)["neighbours"] == [1]
    assert arena.subpools.Product("linear", "two", ("neighbours",)).read(values)["neighbours"] == [0]


def test_a_named_model_is_right_if_no_other_has_a_better_mean_rank(arena):
    values = pd.DataFrame({"t": [0.9, 0.8, 0.1], "u": [0.5, 0.6, 0.3]}, index=list("abc"))
    truth = arena.subpools.Truth(values, values * 0 + 0.01)
    found = truth.verdicts(list("abc"))
    assert found["right"].tolist() == [True, True, False]
    assert found["within_item_error"].tolist() == [True, True, False]
    assert truth.verdicts(["b", "c"])["right"].to_dict() == {"b": True, "c": False}
