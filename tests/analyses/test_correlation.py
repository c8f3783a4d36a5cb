import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau, pearsonr, spearmanr

from suffice.analyses import (
    CORRELATION_COLUMNS,
    DIFFERENCE_COLUMNS,
    MEAN_RANK,
    correlation_table,
    mean_rank_table,
    paired_difference,
)
from suffice.analyses.correlation import STATISTICS, Bootstrap, draw_weights, weighted_spearman
from suffice.errors import DataError
from suffice.storage.files import read_table, write_table

SCIPY = {"pearson": pearsonr, "spearman": spearmanr, "kendall": kendalltau}


def scores_of(values, kinds=None):
    """Long table of scores from {predictor: values}, models m00, m01, ..."""
    kinds = kinds or {}
    return pd.DataFrame(
        [
            (f"m{i:02d}", predictor, kinds.get(predictor, "information sufficiency"), value)
            for predictor, column in values.items()
            for i, value in enumerate(column)
        ],
        columns=["model", "predictor", "predictor_kind", "value"],
    )


def results_of(values):
    """Long table of task results from {task: values}."""
    return pd.DataFrame(
        [(f"m{i:02d}", task, value) for task, column in values.items() for i, value in enumerate(column)],
        columns=["model", "task", "value"],
    )


def cell(table, predictor, task, statistic):
    (row,) = table[
        (table["predictor"] == predictor) & (table["task"] == task) & (table["statistic"] == statistic)
    ].to_dict("records")
    return row


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("ties", [False, True])
def test_weighted_statistics_are_those_of_the_written_out_rows(name, ties):
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(2, 12))
    if ties:
        x, y = np.round(x), np.round(y)
    weights = draw_weights(12, 50, seed=1)
    found = STATISTICS[name](x, y, weights)
    for value, row in zip(found, weights.astype(int), strict=True):
        expected = SCIPY[name](np.repeat(x, row), np.repeat(y, row)).statistic
        assert value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", STATISTICS)
def test_constant_resamples_have_no_value(name):
    weights = np.array([[3.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    found = STATISTICS[name](np.array([0.1, 0.2, 0.3]), np.array([1e9, 1e9 + 1, 1e9 + 2]), weights)
    assert np.isnan(found[0]) and found[1] == pytest.approx(1)


def test_draws_have_as_many_models_and_are_seeded():
    weights = draw_weights(7, 100, seed=4)
    assert (weights.sum(axis=1) == 7).all()
    np.testing.assert_array_equal(weights, draw_weights(7, 100, seed=4))
    assert (weights != draw_weights(7, 100, seed=5)).any()


@pytest.fixture
def study():
    """15 models, a good and a useless predictor, two tasks."""
    rng = np.random.default_rng(2)
    quality = rng.normal(size=15)
    scores = {
        "linear": quality + 0.3 * rng.normal(size=15),
        "embed_dim": rng.integers(3, size=15).astype(float),
    }
    results = {task: quality + 0.3 * rng.normal(size=15) for task in ("news", "moods")}
    return scores, results


def test_values_are_those_of_scipy(study):
    scores, results = study
    table = correlation_table(
        scores_of(scores, {"embed_dim": "baseline"}), results_of(results), n_resamples=100
    )
    assert list(table.columns) == list(CORRELATION_COLUMNS)
    assert len(table) == 2 * 3 * 3
    ranks = np.mean([pd.Series(column).rank(ascending=False) for column in results.values()], axis=0)
    for predictor in scores:
        for task, outcome in {**results, MEAN_RANK: -ranks}.items():
            for name, function in SCIPY.items():
                row = cell(table, predictor, task, name)
                assert row["value"] == pytest.approx(
                    function(scores[predictor], outcome).statistic, abs=1e-12
                )
                assert row["n_models"] == 15
                assert row["low"] <= row["value"] <= row["high"]
    assert dict(zip(table["predictor"], table["predictor_kind"], strict=True)) == {
        "linear": "information sufficiency",
        "embed_dim": "baseline",
    }


def test_interval_is_the_written_out_bootstrap(study):
    scores, results = study
    row = cell(
        correlation_table(scores_of(scores), results_of(results), seed=9), "linear", "news", "spearman"
    )
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(2000):
        chosen = rng.integers(15, size=15)
        draws.append(spearmanr(scores["linear"][chosen], results["news"][chosen]).statistic)
    # a 2.5 % quantile of 2000 draws that spread over 0.1 has a standard error of about 0.01
    np.testing.assert_allclose([row["low"], row["high"]], np.quantile(draws, [0.025, 0.975]), atol=0.05)


def test_mean_rank_is_positive_for_a_predictor_that_agrees():
    values = np.arange(8.0)
    table = correlation_table(scores_of({"good": values, "bad": -values}), results_of({"t": values**3}))
    for statistic in ("spearman", "kendall"):
        good, bad = (cell(table, name, MEAN_RANK, statistic) for name in ("good", "bad"))
        assert (good["value"], good["low"], good["high"]) == pytest.approx((1, 1, 1))
        assert bad["value"] == pytest.approx(-1)


def test_other_predictors_and_tasks_change_no_number(study):
    scores, results = study
    both = correlation_table(scores_of(scores), results_of(results), n_resamples=200)
    alone = correlation_table(
        scores_of({"linear": scores["linear"]}), results_of({"news": results["news"]}), n_resamples=200
    )
    for statistic in SCIPY:
        assert cell(both, "linear", "news", statistic) == cell(alone, "linear", "news", statistic)
    shuffled = scores_of(scores).sample(frac=1, random_state=0)
    assert cell(
        correlation_table(shuffled, results_of(results), n_resamples=200), "linear", "news", "kendall"
    ) == (cell(both, "linear", "news", "kendall"))


def test_missing_models_are_left_out_of_their_cells_alone(study):
    scores, results = study
    results["moods"][3] = np.nan
    long_scores = scores_of(scores)
    long_scores = long_scores[~((long_scores["model"] == "m05") & (long_scores["predictor"] == "linear"))]
    table = correlation_table(long_scores, results_of(results), n_resamples=100)
    counts = {
        (p, t): cell(table, p, t, "pearson")["n_models"]
        for p in ("linear", "embed_dim")
        for t in ("news", "moods", MEAN_RANK)
    }
    assert counts == {
        ("linear", "news"): 14,
        ("linear", "moods"): 13,
        ("linear", MEAN_RANK): 13,
        ("embed_dim", "news"): 15,
        ("embed_dim", "moods"): 14,
        ("embed_dim", MEAN_RANK): 14,
    }
    kept = np.delete(np.arange(15), [3, 5])
    expected = pearsonr(scores["linear"][kept], results["moods"][kept]).statistic
    assert cell(table, "linear", "moods", "pearson")["value"] == pytest.approx(expected)


def test_too_few_models_have_a_value_but_no_interval(tmp_path):
    table = correlation_table(scores_of({"p": [1.0, 2.0, 4.0]}), results_of({"t": [1.0, 3.0, 2.0]}))
    row = cell(table, "p", "t", "spearman")
    assert row["value"] == pytest.approx(0.5)
    assert np.isnan(row["low"]) and np.isnan(row["high"])
    assert row["note"] == "no interval: fewer than 4 models"
    write_table(table, tmp_path / "table.csv")
    assert read_table(tmp_path / "table.csv")["low"].isna().all()


def test_constant_predictor_has_no_value_and_says_why(recwarn):
    table = correlation_table(
        scores_of({"dim": [384.0] * 6, "p": np.arange(6.0)}),
        results_of({"t": np.arange(6.0), "flat": [0.5] * 6}),
    )
    row = cell(table, "dim", "t", "pearson")
    assert np.isnan([row["value"], row["low"], row["high"]]).all() and row["n_models"] == 6
    assert row["note"] == "no value: the predictor is the same for all models"
    assert cell(table, "p", "flat", "kendall")["note"] == "no value: the task is the same for all models"
    assert "the predictor and the task is the same" in cell(table, "dim", "flat", "kendall")["note"]
    assert len(recwarn) == 0


def test_one_or_no_common_model():
    row = cell(correlation_table(scores_of({"p": [1.0]}), results_of({"t": [1.0, 2.0]})), "p", "t", "pearson")
    assert np.isnan(row["value"]) and row["note"] == "no value: 1 model(s) have all values"


def test_constant_resamples_are_left_out_and_counted():
    one_differs = [1.0, 0.0, 0.0, 0.0]  # drawn in a share of 1 - 0.75^4 = 0.68 of the resamples
    table = correlation_table(scores_of({"p": one_differs}), results_of({"t": [4.0, 1.0, 2.0, 3.0]}))
    row = cell(table, "p", "t", "spearman")
    n_lost = int(row["note"].split()[0])
    assert row["note"].endswith("constant resamples left out")
    assert n_lost == pytest.approx(2000 * (0.75**4 + 0.25**4), abs=4 * np.sqrt(2000 * 0.22))  # four sd
    assert np.isfinite([row["low"], row["high"]]).all()


def test_interval_needs_half_of_the_resamples(monkeypatch):
    monkeypatch.setattr("suffice.analyses.correlation.MIN_FINITE_SHARE", 0.9)
    table = correlation_table(scores_of({"p": [1.0, 0, 0, 0]}), results_of({"t": [4.0, 1, 2, 3]}))
    row = cell(table, "p", "t", "spearman")
    assert np.isfinite(row["value"]) and np.isnan(row["low"])
    assert row["note"].startswith("no interval: ") and "of 2000 resamples are constant" in row["note"]


def test_confidence_level_and_seed_are_used(study):
    scores, results = (scores_of(study[0]), results_of(study[1]))
    wide, narrow = (correlation_table(scores, results, confidence_level=level) for level in (0.99, 0.5))
    assert ((wide["high"] - wide["low"]) > (narrow["high"] - narrow["low"])).all()
    other = correlation_table(scores, results, seed=1)
    assert (other["low"] != correlation_table(scores, results, seed=0)["low"]).any()


def test_coverage_of_the_interval():
    rng = np.random.default_rng(5)
    truth = 6 / np.pi * np.arcsin(0.6 / 2)  # Spearman's rho of a normal pair with correlation 0.6
    bootstrap = Bootstrap()
    weights = bootstrap.weights([f"m{i:02d}" for i in range(20)])
    hits = 0
    for _ in range(300):
        x = rng.normal(size=20)
        y = 0.6 * x + 0.8 * rng.normal(size=20)
        low, high, _ = bootstrap.interval(weighted_spearman(x, y, weights))
        hits += low <= truth <= high
    assert 0.90 <= hits / 300  # nominal 0.95, four standard errors of 300 trials are 0.05


def test_mean_rank_table():
    results = results_of({"a": [0.9, 0.8, 0.8, 0.1], "b": [0.5, 0.9, 0.7, np.nan]})
    table = mean_rank_table(results)
    assert list(table.columns) == ["model", "mean_rank", "n_tasks"]
    # without m03, which lacks b: ranks 1, 2.5, 2.5 and 3, 1, 2
    assert table.iloc[:3].to_dict("list") == {
        "model": ["m01", "m00", "m02"],
        "mean_rank": [1.75, 2.0, 2.25],
        "n_tasks": [2, 2, 2],
    }
    assert table.iloc[3]["model"] == "m03" and np.isnan(table.iloc[3]["mean_rank"])
    assert table.iloc[3]["n_tasks"] == 1


def test_paired_difference(study):
    scores, results = study
    kinds = {"embed_dim": "baseline"}
    table = paired_difference(scores_of(scores, kinds), results_of(results))
    assert list(table.columns) == list(DIFFERENCE_COLUMNS)
    (row,) = table.to_dict("records")
    alone = correlation_table(scores_of(scores, kinds), results_of(results))
    values = [cell(alone, name, MEAN_RANK, "spearman")["value"] for name in ("linear", "embed_dim")]
    assert row["difference"] == pytest.approx(values[0] - values[1])
    assert 0 < row["low"] < row["difference"] < row["high"]  # 0.95 against about 0 with 15 models
    assert (row["predictor"], row["baseline"], row["task"], row["statistic"], row["n_models"]) == (
        "linear",
        "embed_dim",
        MEAN_RANK,
        "spearman",
        15,
    )


def test_a_predictor_against_itself_differs_by_nothing(study):
    scores, results = study
    both = {"linear": scores["linear"], "copy": scores["linear"]}
    (row,) = paired_difference(scores_of(both, {"copy": "baseline"}), results_of(results)).to_dict("records")
    assert (row["difference"], row["low"], row["high"]) == (0, 0, 0)  # the resamples are the same


def test_paired_difference_without_value_says_why(study):
    scores, results = study
    scores["embed_dim"] = np.full(15, 8.0)
    (row,) = paired_difference(scores_of(scores, {"embed_dim": "baseline"}), results_of(results)).to_dict(
        "records"
    )
    assert np.isnan(row["difference"]) and row["note"] == "no value: the baseline is the same for all models"
    few = {name: column[:3] for name, column in {**scores, "embed_dim": np.arange(15.0)}.items()}
    (row,) = paired_difference(scores_of(few, {"embed_dim": "baseline"}), results_of(results)).to_dict(
        "records"
    )
    assert np.isfinite(row["difference"]) and np.isnan(row["low"])
    assert (row["n_models"], row["note"]) == (3, "no interval: fewer than 4 models")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s, r: correlation_table(s.drop(columns="value"), r), "the scores lack the column.s. value"),
        (
            lambda s, r: correlation_table(s, r.drop(columns="task")),
            "the task results lack the column.s. task",
        ),
        (lambda s, r: correlation_table(pd.concat([s, s]), r), "two rows for 'm00' and 'linear'; keep one"),
        (lambda s, r: mean_rank_table(pd.concat([r, r])), "two rows for 'm00' and 'news'"),
        (lambda s, r: correlation_table(s, r.assign(task=MEAN_RANK).drop_duplicates("model")), "rename it"),
        (lambda s, r: correlation_table(s, r.assign(value=np.inf)), "infinite value for model 'm00'"),
        (lambda s, r: correlation_table(s, r, confidence_level=95), "confidence_level is 95"),
        (lambda s, r: correlation_table(s, r, n_resamples=10), "n_resamples is 10; at least 100"),
        (
            lambda s, r: correlation_table(s.assign(predictor_kind=np.where(s.index % 2, "a", "b")), r),
            "predictor 'linear' has two kinds",
        ),
    ],
)
def test_bad_input(study, call, message):
    scores, results = study
    with pytest.raises(DataError, match=message):
        call(scores_of(scores), results_of(results))
