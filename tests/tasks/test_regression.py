import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from suffice.errors import DataError
from suffice.tasks.inputs import standardise
from suffice.tasks.probes import run_probe
from suffice.tasks.regression import fit_ridge_path, jackknife_r2, r2
from suffice.tasks.settings import TaskSettings

SETTINGS = TaskSettings(kind="regression", label="y")


@pytest.fixture
def problem(rng):
    """A linear signal with noise of equal variance: the best R2 is 0.5."""
    embedding = rng.normal(size=(3000, 10)).astype(np.float32)
    signal = embedding @ rng.normal(size=10)
    labels = signal / signal.std() + rng.normal(size=3000)
    groups = np.arange(3000) // 2
    table = pd.DataFrame({"y": labels, "group": groups, "split": np.where(groups % 2, "train", "test")})
    return embedding, table


def test_known_r2(problem):
    result = run_probe(SETTINGS, *problem, seed=0)
    assert result.metric == "r2"
    assert abs(result.value - 0.5) < 4 * result.standard_error  # four standard errors
    assert result.standard_error == pytest.approx(0.018, rel=0.3)  # about sqrt(2) (1 - R2) / sqrt(1500)
    assert -0.01 < result.chance <= 0
    assert (result.n_train, result.n_test, result.n_classes) == (1500, 1500, None)
    assert result.extra["spearman"] == pytest.approx(6 / np.pi * np.arcsin(np.sqrt(0.5) / 2), abs=0.06)


def test_noise_is_at_chance(problem, rng):
    _, table = problem
    result = run_probe(SETTINGS, rng.normal(size=(3000, 10)), table, seed=0)
    assert abs(result.value) < 0.02  # 10 dimensions on 1500 items: at most 10 / 1500, and noise


def test_path_is_ridge(rng):
    features, labels = rng.normal(size=(50, 8)), rng.normal(size=50)
    path = fit_ridge_path(features, labels).predict(features, (0.1, 3.0))
    for column, penalty in zip(path.T, (0.1, 3.0), strict=True):
        np.testing.assert_allclose(column, Ridge(alpha=50 * penalty).fit(features, labels).predict(features))


def test_more_dimensions_than_items_is_the_same_model(rng):
    labels = rng.normal(size=60)
    embedding = np.outer(labels, np.ones(200)) + rng.normal(size=(60, 200))
    table = pd.DataFrame(
        {"y": labels, "group": np.arange(60), "split": np.where(np.arange(60) < 40, "train", "test")}
    )
    result = run_probe(SETTINGS, embedding, table, seed=0)
    mean, spread = (getattr(embedding[:40].astype(np.float32), name)(axis=0) for name in ("mean", "std"))
    scaled = (embedding - mean) / spread
    direct = Ridge(alpha=40 * result.extra["penalty"]).fit(scaled[:40], labels[:40]).predict(scaled[40:])
    assert result.value == pytest.approx(r2_score(labels[40:], direct), abs=1e-4)  # float32 features


def test_jackknife_is_the_slow_one(rng):
    labels, found, groups = rng.normal(size=40), rng.normal(size=40), np.repeat(np.arange(10), 4)
    left = [r2(labels[groups != g], found[groups != g]) for g in range(10)]
    assert jackknife_r2(labels, found, groups) == pytest.approx(
        np.sqrt(9 / 10 * ((left - np.mean(left)) ** 2).sum())
    )


@pytest.mark.parametrize(
    ("labels", "message"),
    [(["a"] * 3000, "holds 'a', which is not a finite number"), ([1.0] * 3000, "R2 is not defined")],
)
def test_bad_labels(problem, labels, message):
    embedding, table = problem
    with pytest.raises(DataError, match=message):
        run_probe(SETTINGS, embedding, table.assign(y=labels), seed=0)


def test_all_differences_in_one_group():
    labels = np.array([1.0, 2.0, 3.0, 3.0])
    with pytest.raises(DataError, match="without one of the groups"):
        jackknife_r2(labels, labels, np.array([0, 0, 1, 2]))


def test_a_test_item_far_out_is_drawn_in():
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(200, 3)), rng.normal(size=(50, 3))
    train[:, 1] = test[:, 1] = 0
    train[0, 1] = 1e-3  # nearly constant: 0.07 thousandths of spread
    test[3, 1] = 5.0
    train[5, 2] = 40.0  # a training item may be as far out as it is
    test[7, 2] = 39.0
    _, standard = standardise(train, test)
    plain = (test - train.mean(axis=0)) / train.std(axis=0)
    farthest = np.abs((train - train.mean(axis=0)) / train.std(axis=0))[:, 1].max()
    assert abs(standard[3, 1]) == pytest.approx(farthest, rel=1e-4)
    np.testing.assert_allclose(
        np.delete(standard, 3, axis=0), np.delete(plain, 3, axis=0), rtol=1e-3, atol=1e-5
    )
