"""LogME against direct maximisation of the Gaussian evidence, and against another library."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from sklearn.linear_model import BayesianRidge

from suffice.errors import DataError
from suffice.tasks.logme import label_columns, logme, spectrum_of


def features_and_numbers(n_items, dim, noise, seed=0):
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(n_items, dim)) * np.linspace(0.3, 3, dim)
    return features, features @ generator.normal(size=dim) + noise * generator.normal(size=n_items)


def largest_evidence(features, labels):
    """By a general optimiser from several starts, with the density of y itself: no spectrum, no ratio."""

    def negative(logs):
        alpha, beta = np.exp(logs)
        covariance = np.eye(len(labels)) / beta + features @ features.T / alpha
        return -multivariate_normal.logpdf(labels, np.zeros(len(labels)), covariance)

    starts = [(a, b) for a in (-3.0, 0.0, 4.0) for b in (-2.0, 2.0)]
    found = [
        minimize(negative, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-8})
        for start in starts
    ]
    return -min(each.fun for each in found) / len(labels)


@pytest.mark.parametrize(("n_items", "dim", "noise"), [(40, 5, 0.5), (40, 5, 20.0), (30, 60, 1.0)])
def test_it_is_the_largest_evidence_of_numbers(n_items, dim, noise):
    features, labels = features_and_numbers(n_items, dim, noise)
    assert logme(features, labels, "regression") == pytest.approx(
        largest_evidence(features, labels), abs=1e-6
    )


def test_no_ratio_of_a_fine_grid_has_more_evidence():
    generator = np.random.default_rng(1)
    features = generator.normal(size=(50, 200)) * np.arange(1, 201) ** -0.7
    labels = generator.integers(0, 4, 50)
    features[:, 0] += labels
    spectrum = spectrum_of(features, label_columns(labels, "classification"))
    fine = spectrum.evidence_on(spectrum.squares.max() * np.logspace(-9, 6, 5000))
    assert (spectrum.evidence(spectrum.best_ratio()) > fine.max(axis=0) - 1e-9).all()


def test_of_classes_it_is_the_mean_over_one_against_the_rest():
    features, numbers = features_and_numbers(40, 4, 1.0)
    labels = np.digitize(numbers, np.quantile(numbers, [0.3, 0.7]))
    expected = np.mean([largest_evidence(features, (labels == each).astype(float)) for each in range(3)])
    assert logme(features, labels, "classification") == pytest.approx(expected, abs=1e-6)


def test_another_library_finds_the_same_evidence():
    features, labels = features_and_numbers(60, 6, 1.0)
    flat = {"alpha_1": 0, "alpha_2": 0, "lambda_1": 0, "lambda_2": 0}
    other = BayesianRidge(fit_intercept=False, compute_score=True, tol=1e-10, max_iter=5000, **flat)
    expected = other.fit(features, labels).scores_[-1] / len(labels)
    assert logme(features, labels, "regression") == pytest.approx(expected, abs=1e-6)


def test_a_model_that_knows_the_labels_is_above_one_that_does_not():
    features, labels = features_and_numbers(100, 5, 1.0)
    noise = np.random.default_rng(1).normal(size=features.shape)
    assert logme(features, labels, "regression") > logme(noise, labels, "regression") + 0.5


def test_rotation_and_scale_of_the_features_change_nothing():
    features, labels = features_and_numbers(50, 5, 1.0)
    rotation = np.linalg.qr(np.random.default_rng(2).normal(size=(5, 5)))[0]
    moved = 1e3 * features @ rotation
    assert logme(moved, labels, "regression") == pytest.approx(
        logme(features, labels, "regression"), abs=1e-9
    )


@pytest.mark.parametrize(
    ("features", "labels", "kind", "message"),
    [
        (np.ones((3, 2)), [1.0, 2.0], "regression", r"shape \(3, 2\) for 2 labels"),
        (np.ones((2, 2)), ["a", "a"], "classification", "all 2 labels are"),
        (np.ones((2, 2)), [1.0, np.nan], "regression", "label of item 1 is not finite"),
        (np.array([[1.0], [np.inf]]), [1.0, 2.0], "regression", "vector of item 1 is not finite"),
        (np.zeros((2, 2)), [1.0, 2.0], "regression", "all vectors are zero"),
        (np.ones((2, 2)), [1, 2], "ranking", "kind 'ranking' is unknown"),
    ],
)
def test_bad_input_is_named(features, labels, kind, message):
    with pytest.raises(DataError, match=message):
        logme(features, np.array(labels), kind)
