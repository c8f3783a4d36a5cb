import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from suffice.tasks.logistic import fit_softmax


@pytest.fixture
def problem(rng):
    """Four overlapping classes, and dimensions that are strongly correlated."""
    classes = rng.integers(4, size=600)
    features = rng.normal(size=(600, 20)) @ rng.normal(size=(20, 20)) + rng.normal(size=(4, 20))[classes]
    return ((features - features.mean(0)) / features.std(0)).astype(np.float32), classes


@pytest.mark.parametrize("strength", [1e-3, 1e-1, 10.0])
def test_same_optimum_as_scikit_learn(problem, strength):
    features, classes = problem
    reference = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000).fit(
        features.astype(float), classes
    )
    model = fit_softmax(features, classes, 4, strength)
    found = np.exp(model.log_probabilities(features))
    # float32 gradients: the objective is flat to 1e-7 near its minimum, so probabilities agree to its root
    np.testing.assert_allclose(found, reference.predict_proba(features.astype(float)), atol=3e-3)
    assert model.converged
    penalty = 0.5 / (strength * 600) * (reference.coef_**2).sum()
    own = reference.predict_log_proba(features.astype(float))[np.arange(600), classes]
    assert model.objective == pytest.approx(penalty - own.mean(), abs=1e-5)


def test_start_changes_the_way_but_not_the_goal(problem):
    features, classes = problem
    cold = fit_softmax(features, classes, 4, 0.1)
    warm = fit_softmax(features, classes, 4, 0.1, start=cold.weights)
    assert warm.n_steps < cold.n_steps
    assert warm.objective == pytest.approx(cold.objective, abs=1e-6)


def test_probabilities_sum_to_one_even_far_out(problem):
    features, classes = problem
    model = fit_softmax(features, classes, 4, 1.0)
    np.testing.assert_allclose(np.exp(model.log_probabilities(1e4 * features)).sum(axis=1), 1, rtol=1e-6)


def test_running_out_of_steps_is_said(problem, monkeypatch):
    monkeypatch.setattr("suffice.tasks.logistic.MAX_STEPS", 2)
    assert not fit_softmax(*problem, 4, 10.0).converged
