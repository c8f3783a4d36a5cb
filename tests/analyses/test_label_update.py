"""Few labels: the update where truth is known, and that it uses no label beyond the budget."""

import numpy as np
import pandas as pd
import pytest

from suffice.analyses.label_update import (
    WAYS,
    Trial,
    add_update,
    describe_update,
    draw_items,
    probe_few,
    score_few,
    split_half_reliability,
    try_labels,
    update_score,
)
from suffice.errors import DataError
from suffice.seeds import derive_seed
from suffice.tasks.logme import spectrum_of

NAMES = [f"m{number}" for number in range(8)]


def series(values):
    return pd.Series(values, index=[f"m{number}" for number in range(len(values))])


def pool_of_models(n_items, seed=0):
    """Each model shows the label's cause under more noise than the one before."""
    generator = np.random.default_rng(seed)
    cause = generator.normal(size=(n_items, 1))
    noises = np.geomspace(0.2, 6, len(NAMES))
    vectors = {
        name: np.hstack(
            [cause + noise * generator.normal(size=(n_items, 1)), generator.normal(size=(n_items, 3))]
        )
        for name, noise in zip(NAMES, noises, strict=True)
    }
    return vectors, cause[:, 0], pd.Series(-np.log(noises), index=NAMES)


def test_sure_labels_decide_alone_and_worthless_ones_not_at_all():
    score, labels = series([1.0, 2.0, 3.0, 4.0]), series([3.0, 1.0, 4.0, 2.0])
    sure, worthless = update_score(score, labels, 1.0), update_score(score, labels, 0.0)
    assert sure.values.rank().tolist() == labels.rank().tolist()
    assert sure.score_weight == 0
    assert worthless.values.rank().tolist() == score.rank().tolist()
    assert worthless.labels_weight == 0


@pytest.mark.parametrize("k", [0.0, 0.4, 0.8])
def test_the_update_is_nearly_the_best_linear_prediction(k):
    generator = np.random.default_rng(0)
    truth = generator.normal(size=4000)  # so many models that the prior of k hardly counts
    score = k * truth + np.sqrt(1 - k**2) * generator.normal(size=4000)
    labels = truth + generator.normal(size=4000)  # reliability 1/2
    best = np.c_[score, labels] @ np.linalg.lstsq(np.c_[score, labels], truth)[0]
    found = update_score(series(score), series(labels), 0.5).values
    assert np.corrcoef(found, truth)[0, 1] == pytest.approx(np.corrcoef(best, truth)[0, 1], abs=2e-3)


def test_reliability_of_halves_is_that_of_the_whole():
    generator = np.random.default_rng(1)
    truth = generator.normal(size=(5000, 1))
    first, second = (pd.DataFrame(truth + np.sqrt(2) * generator.normal(size=(5000, 3))) for _ in range(2))
    assert split_half_reliability(first, second) == pytest.approx(0.5, abs=0.03)  # mean of halves: error of 1
    assert split_half_reliability(first, -first) == 0


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_the_probe_agrees_with_fits_without_each_item(kind):
    """By refitting with the same penalty and a free intercept."""
    vectors, cause, _ = pool_of_models(60)
    labels = cause if kind == "regression" else np.digitize(cause, [-0.5, 0.5])
    features = np.hstack([vectors["m3"], vectors["m4"]])
    columns = cause[:, None] if kind == "regression" else np.eye(3)[labels]
    ratio = spectrum_of(features - features.mean(axis=0), columns - columns.mean(axis=0)).best_ratio()
    found, alone = np.empty_like(columns), np.empty_like(columns)
    for item in range(60):
        others = np.arange(60) != item
        design = np.c_[np.ones(59), features[others]]
        alone[item] = columns[others].mean(axis=0)
        for column, penalty in enumerate(ratio):
            moment = design.T @ design + penalty * np.diag([0.0, *np.ones(features.shape[1])])
            weights = np.linalg.solve(moment, design.T @ columns[others, column])
            found[item, column] = weights @ np.r_[1, features[item]]
    if kind == "regression":
        expected = 1 - np.square(columns - found).sum() / np.square(columns - alone).sum()
    else:
        expected = (found.argmax(axis=1) == labels).mean()
    assert probe_few(features, labels, kind) == pytest.approx(expected, abs=1e-9)


def test_draws_keep_the_shares_of_classes():
    labels = np.repeat(["a", "b", "c"], [600, 300, 100])
    rows = draw_items(labels, 100, "classification", np.random.default_rng(0))
    counts = pd.Series(labels[rows]).value_counts()
    assert np.abs(counts.loc[["a", "b", "c"]] - [60, 30, 10]).max() <= 1


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_labels_order_known_models_and_more_of_them_better(kind):
    vectors, cause, full = pool_of_models(400)
    labels = cause if kind == "regression" else (cause > 0).astype(int)
    score = pd.Series(np.random.default_rng(3).normal(size=len(NAMES)), index=NAMES)
    table = try_labels(Trial(vectors, labels, kind, score, full), [30, 300, 5000], n_draws=5)
    rho = table.pivot(index="n_labels", columns="way", values="spearman")
    assert set(table["way"]) == set(WAYS)
    assert rho.index.tolist() == [30, 300]
    assert rho.loc[300, "logme"] > 0.9
    assert rho.loc[300, "logme"] >= rho.loc[30, "logme"]
    assert rho.loc[300, "score+logme"] > 0.8  # though the score is noise


def test_a_good_score_helps_few_labels():
    vectors, cause, full = pool_of_models(400)
    score = full + 0.3 * pd.Series(np.random.default_rng(4).normal(size=len(NAMES)), index=NAMES)
    table = try_labels(Trial(vectors, (cause > 0).astype(int), "classification", score, full), [30], 10)
    rho = table.set_index("way")["spearman"]
    assert rho["score+probe"] > rho["probe"]


def test_a_probe_finds_the_model_that_serves_the_task_where_logme_does_not():
    generator = np.random.default_rng(2)
    sign = generator.choice([-1.0, 1.0], size=400)
    size = np.exp(generator.normal(size=400))
    noise = generator.normal(size=(4, 400))
    vectors = {
        "clear": sign * size,  # tells the class by its sign, though it explains little of its variance
        "noisy": sign + noise[0],  # a sixth of the items are on the wrong side
        "none": noise[1],
        "nothing": noise[2],
    }
    embeddings = {name: np.c_[values[:200], noise[3, :200]] for name, values in vectors.items()}
    labels = np.where(sign > 0, "yes", "no")
    right = {name: float((np.sign(values) == sign).mean()) for name, values in vectors.items()}
    assert max(right, key=right.get) == "clear"
    found = {
        way: score_few(embeddings, labels[:200], "classification", ways=(way,)) for way in ("logme", "probe")
    }
    assert found["logme"].scores["logme"].idxmax() == "noisy"
    assert found["probe"].scores["probe"].idxmax() == "clear"

    models = ["none", "noisy", "clear", "nothing"]  # what no label knows is wrong
    ranking = pd.DataFrame({"model": models, "win_rate": [0.9, 0.5, 0.5, 0.1], "aggregate": "ranks"})
    by_way = {way: add_update(ranking, each) for way, each in found.items()}
    assert by_way["probe"].loc[by_way["probe"]["updated_rank"] == 1, "model"].tolist() == ["clear"]
    assert by_way["logme"].loc[by_way["logme"]["updated_rank"] == 1, "model"].tolist() == ["noisy"]
    assert describe_update(by_way["probe"]) == ("With your labels, clear is first; without them it is none.")


def test_labels_beyond_the_budget_change_nothing():
    vectors, cause, full = pool_of_models(200)
    drawn = np.random.default_rng(derive_seed(7, "few labels", "50", "0"))
    unseen = np.setdiff1d(np.arange(200), draw_items(cause, 50, "regression", drawn))
    tables = []
    for labels in (cause, np.where(np.isin(np.arange(200), unseen), 1e6, cause)):
        trial = Trial(vectors, labels, "regression", full, full)
        tables.append(try_labels(trial, [50], n_draws=1, seed=7))
    pd.testing.assert_frame_equal(*tables)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: update_score(series([1.0, 2, 3]), series([1.0, 2, 3]), 1.5), "reliability is 1.5"),
        (lambda: update_score(series([1.0, 2, 3]), series([1.0, 2]), 0.5), "3 models have a score and 2"),
        (lambda: update_score(series([1.0, np.inf, 3]), series([1.0, 2, 3]), 0.5), "finite value: m1"),
        (lambda: score_few({}, np.arange(5), "regression"), "5 labels are too few"),
        (
            lambda: draw_items(np.arange(5), 6, "regression", np.random.default_rng(0)),
            "the budget is 6 labels",
        ),
        (
            lambda: try_labels(Trial({}, np.arange(5), "regression", series([1.0]), series([1.0])), [50]),
            r"budgets \[50\] all exceed the 5",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(DataError, match=message):
        call()
