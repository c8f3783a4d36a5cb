"""Regression probe: how much of a number's variance a ridge regression accounts for, on held-out items."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from suffice.errors import DataError
from suffice.tasks.folds import Fold, plain_folds
from suffice.tasks.inputs import Part, labelled_rows, number_labels, split_parts, standardise, to_row_space
from suffice.tasks.result import ProbeResult
from suffice.tasks.settings import TaskSettings
from suffice.tasks.statistics import check_group_count

PENALTIES = tuple(10.0 ** (power / 2) for power in range(-12, 7))  # 1e-6 ... 1e3, per item


@dataclass(frozen=True)
class RidgePath:
    """Ridge regressions of one set of items for every penalty, from one eigendecomposition.

    Attributes:
        centre: mean of the features, shape (embed_dim,).
        offset: mean of the labels.
        basis: eigenvectors of the second moments, shape (embed_dim, embed_dim).
        eigenvalues: shape (embed_dim,).
        moments: mean product of label and feature in that basis, shape (embed_dim,).
    """

    centre: np.ndarray
    offset: float
    basis: np.ndarray
    eigenvalues: np.ndarray
    moments: np.ndarray

    def predict(self, features: np.ndarray, penalties: tuple[float, ...]) -> np.ndarray:
        """Predictions, shape (n_items, n_penalties)."""
        weights = self.moments[:, None] / (self.eigenvalues[:, None] + np.asarray(penalties))
        return np.asarray((features - self.centre) @ self.basis @ weights + self.offset)


def fit_ridge_path(features: np.ndarray, labels: np.ndarray) -> RidgePath:
    r"""Ridge regression with a free intercept, ready for every penalty.

    .. math:: \min_w \tfrac1n \|y - Xw\|^2 + \lambda \|w\|^2
    """
    centre, offset = features.mean(axis=0), float(labels.mean())
    centred = features - centre
    eigenvalues, basis = np.linalg.eigh(centred.T @ centred / len(labels))
    moments = basis.T @ (centred.T @ (labels - offset)) / len(labels)
    return RidgePath(centre, offset, basis, np.maximum(eigenvalues, 0.0), moments)  # rounding goes below 0


def probe_regression(
    settings: TaskSettings, embedding: np.ndarray, table: pd.DataFrame, seed: int
) -> ProbeResult:
    """Held-out R2 of a ridge regression; it can be negative.

    Inputs are standardised with the moments of the training items. The penalty is chosen by the squared error
    of cross-validation inside the training items, with whole groups. R2 is one minus squared error over
    squared deviation from the mean of the test items. `chance` is the R2 of always predicting the mean of the
    training items, at most 0. The standard error is a jackknife over test groups. `extra` has Spearman's rho.

    Raises:
        DataError: a label is not a number, the test labels are all equal, one test group, or too few
            groups to choose the penalty.
        ModelError: a vector is not finite, or all vectors are equal.
    """
    rows = labelled_rows(table, str(settings.label))
    train, test = split_parts(embedding, table, rows, number_labels(table, rows, str(settings.label)))
    if np.ptp(test.labels) == 0 or np.ptp(train.labels) == 0:
        raise DataError(
            f"all training or all test items have the same {settings.label!r}, so R2 is not defined; label "
            "items with different values"
        )
    inputs = to_row_space(*standardise(train.features, test.features))
    x_train, x_test = (part.astype(np.float64) for part in inputs)
    penalty, warnings = choose_penalty(Part(x_train, train.labels, train.groups), seed)
    found = fit_ridge_path(x_train, train.labels).predict(x_test, (penalty,))[:, 0]
    return ProbeResult(
        metric="r2",
        value=r2(test.labels, found),
        standard_error=jackknife_r2(test.labels, found, test.groups),
        chance=r2(test.labels, np.full(len(test), train.labels.mean())),
        n_train=len(train),
        n_test=len(test),
        warnings=warnings,
        extra={"spearman": _spearman(test.labels, found), "penalty": penalty},
    )


def choose_penalty(train: Part, seed: int) -> tuple[float, tuple[str, ...]]:
    """The penalty with the smallest squared error on the validation folds, with a warning at either end."""
    folds = plain_folds(train.groups, seed)
    errors = np.sum([_fold_errors(train, fold) for fold in folds], axis=0)
    best = PENALTIES[int(np.argmin(errors))]
    edge = f"the penalty was chosen at the end of its range ({best:g} per item)"
    return best, (edge,) if best in (PENALTIES[0], PENALTIES[-1]) else ()


def _fold_errors(train: Part, fold: Fold) -> np.ndarray:
    """Summed squared error of the validation items, shape (n_penalties,)."""
    path = fit_ridge_path(train.features[fold[0]], train.labels[fold[0]])
    found = path.predict(train.features[fold[1]], PENALTIES)
    return np.asarray(((train.labels[fold[1], None] - found) ** 2).sum(axis=0))


def r2(labels: np.ndarray, found: np.ndarray) -> float:
    """One minus squared error over squared deviation of the labels from their own mean."""
    return float(1 - ((labels - found) ** 2).sum() / ((labels - labels.mean()) ** 2).sum())


def jackknife_r2(labels: np.ndarray, found: np.ndarray, groups: np.ndarray) -> float:
    """Standard error of R2: the delete-one-group jackknife, from sums over groups.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), equation 11.5.

    Raises:
        DataError: one group only, or all labels outside some group are equal.
    """
    n_groups = check_group_count(groups)
    codes = np.unique(groups, return_inverse=True)[1]
    centred = labels - labels.mean()
    parts = (np.ones_like(labels), centred, centred**2, (labels - found) ** 2)
    count, total, square, error = (p.sum() - np.bincount(codes, weights=p) for p in parts)
    deviation = square - total**2 / count
    if (deviation <= 1e-12 * (centred**2).sum()).any():  # equal up to rounding
        raise DataError("without one of the groups all test labels are equal; label more test items")
    values = 1 - error / deviation
    return float(np.sqrt((n_groups - 1) / n_groups * ((values - values.mean()) ** 2).sum()))


def _spearman(labels: np.ndarray, found: np.ndarray) -> float:
    """Spearman's rho of labels and predictions; 0 when all predictions are equal."""
    from scipy.stats import rankdata  # slow to import, and few jobs need it

    ranks = rankdata(found)
    return float(np.corrcoef(rankdata(labels), ranks)[0, 1]) if np.ptp(ranks) > 0 else 0.0
