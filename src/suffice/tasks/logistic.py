"""Multinomial logistic regression with an L2 penalty, fast enough for hundreds of fits per study."""

from dataclasses import dataclass

import numpy as np
import scipy

MAX_STEPS = 1000


@dataclass(frozen=True)
class SoftmaxModel:
    """A fitted model.

    Attributes:
        weights: shape (embed_dim + 1, n_classes), float64; the last row is the intercept.
        converged: whether the optimiser met its tolerance, or is practically at the minimum.
        objective: mean log-loss over the training items plus penalty, in nats.
        n_steps: steps of the optimiser.
    """

    weights: np.ndarray
    converged: bool
    objective: float
    n_steps: int

    def log_probabilities(self, features: np.ndarray) -> np.ndarray:
        """Log-probability of each class, shape (n_items, n_classes)."""
        scores = features @ self.weights[:-1] + self.weights[-1]
        scores -= scores.max(axis=1, keepdims=True)
        return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))


class _Objective:
    """Mean log-loss plus penalty and its gradient, in the coordinates V of weights = transform @ V."""

    def __init__(self, features: np.ndarray, classes: np.ndarray, n_classes: int, strength: float) -> None:
        ones = np.ones((len(features), 1), dtype=np.float32)
        self.features = np.hstack([features, ones], dtype=np.float32)  # (n, d + 1)
        self.classes, self.n_classes = classes, n_classes
        self.rows = np.arange(len(classes))
        self.penalty = 1.0 / (strength * len(classes))
        self.transform = np.eye(self.features.shape[1], dtype=np.float32)

    def precondition(self, start: np.ndarray) -> np.ndarray:
        """Choose V so that the curvature at `start` is about one in all directions; return start's V.

        The Hessian is close to (mean class variance) * second moments + penalty; with its Cholesky
        factor L, V = L' W. Measured on sentence vectors, this halves the time of a fit.
        """
        share = np.exp(SoftmaxModel(start, True, 0.0, 0).log_probabilities(self.features[:, :-1]))
        curvature = max(float((share * (1 - share)).mean()), 1e-4)
        hessian = curvature / len(self.rows) * (self.features.T @ self.features).astype(np.float64)
        diagonal = np.arange(len(hessian) - 1)
        hessian[diagonal, diagonal] += self.penalty
        lower = scipy.linalg.cholesky(hessian, lower=True, overwrite_a=True, check_finite=False)
        inverse = scipy.linalg.solve_triangular(lower, np.eye(len(lower)), lower=True, check_finite=False)
        self.transform = np.ascontiguousarray(inverse.T, dtype=np.float32)
        return np.asarray(lower.T @ start)

    def weights(self, flat: np.ndarray) -> np.ndarray:
        """Weights and intercepts of a flat V, shape (d + 1, n_classes), float32."""
        return self.transform @ flat.reshape(-1, self.n_classes).astype(np.float32)

    def __call__(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        """Value, and gradient with respect to V."""
        weights = self.weights(flat)
        scores = self.features @ weights  # (n, n_classes)
        scores -= scores.max(axis=1, keepdims=True)
        own = scores[self.rows, self.classes]
        np.exp(scores, out=scores)
        totals = scores.sum(axis=1, keepdims=True)
        loss = float(np.mean(np.log(totals[:, 0]) - own, dtype=np.float64))
        scores /= totals
        scores[self.rows, self.classes] -= 1
        weights[-1] = 0  # the intercept is not penalised
        gradient = self.features.T @ scores / np.float32(len(own)) + np.float32(self.penalty) * weights
        loss += 0.5 * self.penalty * float(np.sum(np.square(weights), dtype=np.float64))
        return loss, (self.transform.T @ gradient).astype(np.float64).ravel()


def fit_softmax(
    features: np.ndarray,
    classes: np.ndarray,
    n_classes: int,
    strength: float,
    start: np.ndarray | None = None,
    tolerance: float = 1e-7,
) -> SoftmaxModel:
    r"""Fit multinomial logistic regression by preconditioned L-BFGS.

    .. math:: \min_{W, b} \; C \sum_i -\log p(y_i \mid x_i) + \tfrac12 \|W\|_F^2

    This is scikit-learn's `LogisticRegression(C=strength)`. The arithmetic is float32 with sums in float64,
    and the optimiser's own variables are float64.

    Args:
        features: standardised vectors, shape (n_items, embed_dim).
        classes: class numbers 0 ... n_classes - 1, each present, shape (n_items,).
        n_classes: number of classes.
        strength: C, the inverse of the penalty.
        start: weights to start from, shape (embed_dim + 1, n_classes).
        tolerance: the fit has converged when the objective falls by less than this share in one step.
    """
    objective = _Objective(features, classes, n_classes, strength)
    if start is None:
        start = np.zeros((features.shape[1] + 1, n_classes))
    flat = objective.precondition(start).ravel()
    options = {"maxiter": MAX_STEPS, "maxfun": 2 * MAX_STEPS, "ftol": tolerance, "gtol": 100 * tolerance}
    found = scipy.optimize.minimize(objective, flat, jac=True, method="L-BFGS-B", options=options)
    weights = objective.weights(found.x).astype(np.float64)
    missing = 0.5 * float(found.jac @ found.jac)  # nats to the minimum, as the curvature is about one
    converged = bool(found.success) or missing < tolerance  # a line search can end at float32's precision
    return SoftmaxModel(weights, converged, float(found.fun), int(found.nit))
