"""One thing varied at a time: against correlations of SciPy, and against differences taken by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau, pearsonr, spearmanr

from suffice.analyses import ablations
from suffice.analyses.ablations import (
    agreement_by_items,
    agreement_of_variants,
    looks_of_models,
    pool_curves,
    ranker_of_items,
    sizes_between,
    version_table,
)
from suffice.analyses.correlation import Bootstrap
from suffice.analyses.pool_curves import Summary
from suffice.data.looks import LookTable
from suffice.errors import DataError
from suffice.ranking.rank import Ranking

MODELS = [f"m{i}" for i in range(7)]


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def pairs(rng):
    values = rng.gamma(2, size=(7, 7))
    rows = [(s, t, values[i, j]) for i, s in enumerate(MODELS) for j, t in enumerate(MODELS)]
    return pd.DataFrame(rows, columns=["source", "target", "nats_per_dim"])


@pytest.fixture
def results(rng):
    values = rng.normal(size=7)
    tasks = {"one": values, "two": 2 * values}  # the mean rank is the rank of either
    rows = [(m, t, tasks[t][i]) for i, m in enumerate(MODELS) for t in tasks]
    return pd.DataFrame(rows, columns=["model", "task", "value"])


def outcomes(results):
    return results[results["task"] == "one"].set_index("model")["value"]


def scores_of(pairs):
    others = pairs[pairs["source"] != pairs["target"]]
    return others.groupby("source")["nats_per_dim"].median()


def test_curves_end_at_the_correlation_of_the_whole_pool(pairs, results):
    curves = pool_curves(pairs, results, Summary("median", self_pairs=False), n_draws=5)
    ranks = outcomes(results).rank()
    last = curves[curves["size"] == 7].set_index(["ablation", "statistic"])
    for ablation in ("n_models", "n_targets"):
        assert last.loc[(ablation, "spearman"), "mean"] == pytest.approx(
            spearmanr(scores_of(pairs), ranks).statistic
        )
        assert last.loc[(ablation, "pearson"), "mean"] == pytest.approx(
            pearsonr(scores_of(pairs), ranks).statistic
        )
        assert last.loc[(ablation, "kendall"), "sd"] == pytest.approx(0, abs=1e-12)
    assert curves.loc[curves["ablation"] == "n_models", "size"].min() == 4


def test_models_that_are_no_targets_leave_the_curve_of_targets(pairs, results):
    few = pairs[pairs["target"].isin(MODELS[:3])]
    assert set(pool_curves(few, results, n_draws=3)["ablation"]) == {"n_targets"}
    assert pool_curves(few, results[results["model"].isin(MODELS[:3])]).empty


def test_sizes_hold_both_ends():
    assert sizes_between(4, 34) == [4, 8, 13, 17, 21, 25, 30, 34]
    assert sizes_between(1, 3) == [1, 2, 3]


def test_variants_agree_with_tasks_and_one_another_as_scipy_says(results, rng):
    first, second = rng.normal(size=(2, 7))
    rankings = {
        name: pd.DataFrame({"model": MODELS, "score": score, "aggregate": "mean"})
        for name, score in {"1": first, "2": second}.items()
    }
    table = agreement_of_variants(rankings, results, Bootstrap(n_resamples=100)).set_index(
        ["variant", "against", "statistic"]
    )
    ranks = outcomes(results).rank()
    assert table.loc[("1", "tasks", "kendall"), "value"] == pytest.approx(kendalltau(first, ranks).statistic)
    assert table.loc[("1", "2", "pearson"), "value"] == pytest.approx(pearsonr(first, second).statistic)
    assert table.loc[("1", "tasks", "spearman"), "low"] < table.loc[("1", "tasks", "spearman"), "high"]
    alone = agreement_of_variants(rankings, None, Bootstrap(n_resamples=100))
    assert set(alone["against"]) == {"2"}


def test_fewer_items_are_ranked_anew_and_all_items_agree_with_themselves(results, rng):
    truth = pd.Series(np.linspace(0, 1, 7), index=MODELS)
    seen = []

    def rank_items(items):
        seen.append(len(items))
        noise = rng.normal(size=7) / np.sqrt(len(items))
        return pd.DataFrame({"model": MODELS, "score": truth.to_numpy() + noise, "aggregate": "mean"})

    table = agreement_by_items(rank_items, 1500, results, n_draws=2)
    assert seen == [1500, 500, 500, 1000, 1000]
    whole = table[table["n_items"] == 1500].set_index(["against", "statistic"])["value"]
    assert whole[("all items", "kendall")] == pytest.approx(1)
    assert len(whole) == 4
    assert set(agreement_by_items(rank_items, 400, None)["against"]) == {"all items"}


def test_the_ranker_uses_the_items_it_is_given(rng):
    full = rng.normal(size=(300, 5))
    rank_items = ranker_of_items({"all": full, "part": full[:, :2]}, np.arange(300), seed=1)
    table = rank_items(np.arange(0, 300, 2))
    assert table["model"].tolist() == ["all", "part"]
    assert table["n_items"].tolist() == [150, 150]


def test_a_version_is_compared_with_its_base_over_targets_that_neither_is(pairs, results):
    table = version_table(pairs, {"m1": "m0"}, results, Summary("mean"), n_resamples=500)
    matrix = pairs.pivot(index="source", columns="target", values="nats_per_dim")[MODELS[2:]]
    row = table.iloc[0]
    assert row["difference"] == pytest.approx((matrix.loc["m1"] - matrix.loc["m0"]).mean())
    assert row["low"] < row["difference"] < row["high"]
    assert row["n_targets"] == 5 and row["n_tasks"] == 2
    values = outcomes(results)
    assert row["task_difference"] == pytest.approx(1.5 * (values["m1"] - values["m0"]))
    assert version_table(pairs, {"m1": "m0"}, None)["n_tasks"].item() == 0
    with pytest.raises(DataError, match="'x' has no pairs"):
        version_table(pairs, {"x": "m0"}, results)


def test_the_ranker_of_two_looks_takes_the_same_items_of_both(rng, monkeypatch):
    given = {}

    def rank(first, second, groups, looks, seed):
        assert looks == "files"
        given.update(first=first["a"], second=second["a"], groups=groups, seed=seed)
        return Ranking(pd.DataFrame({"model": ["a"]}), pd.DataFrame())

    monkeypatch.setattr(ablations, "rank", rank)
    items, beside = rng.normal(size=(2, 20, 3))
    table = pd.DataFrame({"first": range(10), "second": range(10, 20), "group": [f"g{i}" for i in range(10)]})
    for kind, of_looks, expected in (
        ("group", [], (items[:10], items[10:])),
        ("halves", [beside], (beside[:10], beside[10:])),
    ):
        looks = LookTable(kind, "", table)
        first, second = looks_of_models({"a": items}, of_looks, looks)
        ranker_of_items(first, looks.group, second, seed=4)(np.array([1, 7]))
        assert (given["first"] == expected[0][[1, 7]]).all() and (
            given["second"] == expected[1][[1, 7]]
        ).all()
        assert list(given["groups"]) == ["g1", "g7"] and given["seed"] == 4
