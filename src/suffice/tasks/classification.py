"""Classification probe: how well a linear model predicts the classes of held-out items."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from suffice.errors import DataError
from suffice.tasks.folds import Fold, stratified_folds
from suffice.tasks.inputs import Part, labelled_rows, split_parts, standardise, to_row_space
from suffice.tasks.logistic import SoftmaxModel, fit_softmax
from suffice.tasks.result import ProbeResult
from suffice.tasks.settings import TaskSettings
from suffice.tasks.statistics import clustered_standard_error

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
SEARCH_TOLERANCE = 3e-6  # measured: changes a validation loss by less than 0.1 %, against 1e-7
N_NAMED_CLASSES = 10


@dataclass(frozen=True)
class Strength:
    """The chosen inverse penalty, its warnings, and weights to start the last fit from."""

    value: float
    warnings: tuple[str, ...]
    start: np.ndarray | None


def probe_classification(
    settings: TaskSettings, embedding: np.ndarray, table: pd.DataFrame, seed: int
) -> ProbeResult:
    """Accuracy on the test items of multinomial logistic regression fitted on the training items.

    Inputs are standardised with the moments of the training items. The L2 penalty is chosen by the log-loss
    of cross-validation inside the training items, with whole groups. Accuracy is a mean over items, so its
    standard error is exact. So is its chance level, the share of the largest training class among the test
    items. `extra` has balanced accuracy and macro-F1.

    Raises:
        DataError: fewer than two classes, one test group, or too few groups to choose the penalty.
        ModelError: a vector is not finite, or all vectors are equal.
    """
    rows = labelled_rows(table, str(settings.label))
    labels = table[str(settings.label)].iloc[rows]
    codes, names = pd.factorize(labels)
    train, test = split_parts(embedding, table, rows, np.asarray(codes))
    train, test, warnings = drop_rare_classes(train, test, [str(name) for name in names], settings)
    x_train, x_test = to_row_space(*standardise(train.features, test.features))
    train, test = replace(train, features=x_train), replace(test, features=x_test)
    n_classes = int(train.labels.max()) + 1
    strength = choose_strength(train, seed)
    model = fit_softmax(train.features, train.labels, n_classes, strength.value, strength.start)
    if not model.converged:
        warnings += (f"the probe did not converge within {model.n_steps} steps",)
    return _score(model, train, test, strength, warnings)


def drop_rare_classes(
    train: Part, test: Part, names: list[str], settings: TaskSettings
) -> tuple[Part, Part, tuple[str, ...]]:
    """Leave out classes with too few training items, and number the others from 0.

    Raises:
        DataError: fewer than two classes, or no test item, are left.
    """
    minimum = settings.min_items_per_class
    counts = np.bincount(train.labels, minlength=len(names))
    kept = np.flatnonzero(counts >= minimum)
    if len(kept) < 2:
        raise DataError(
            f"column {settings.label!r} has {len(kept)} class(es) with at least {minimum} training items, "
            "but two are needed; correct the column, or lower min_items_per_class"
        )
    number = np.full(len(names), -1)
    number[kept] = np.arange(len(kept))
    parts = [_keep(part, number) for part in (train, test)]
    if len(parts[1]) == 0:
        raise DataError(
            f"no test item belongs to a class of {settings.label!r} with {minimum} training items"
        )
    return parts[0], parts[1], _rare_warning(counts, names, minimum, len(test) - len(parts[1]))


def _keep(part: Part, number: np.ndarray) -> Part:
    """The items with a numbered class, with that number as label."""
    kept = number[part.labels] >= 0
    return Part(part.features[kept], number[part.labels[kept]], part.groups[kept])


def _rare_warning(counts: np.ndarray, names: list[str], minimum: int, n_lost: int) -> tuple[str, ...]:
    """A warning about the items left out, with classes in the order of the table."""
    rare = np.flatnonzero(counts < minimum)
    if len(rare) == 0:
        return ()
    named = ", ".join(f"{names[i]!r} ({counts[i]})" for i in rare[:N_NAMED_CLASSES])
    more = "" if len(rare) <= N_NAMED_CLASSES else f" and {len(rare) - N_NAMED_CLASSES} more"
    return (
        f"left out {len(rare)} of {len(counts)} classes with fewer than {minimum} training items, "
        f"and their {n_lost} test items: {named}{more}",
    )


def choose_strength(train: Part, seed: int) -> Strength:
    """The strength with the lowest log-loss on the validation folds.

    Strengths are tried from the strongest penalty on, and each fit starts from the one before. The search
    ends at the first strength that is worse.
    """
    folds = [_inside(train, fold) for fold in stratified_folds(train.labels, train.groups, seed)]
    starts: list[np.ndarray | None] = [None] * len(folds)
    losses: list[float] = []
    best, n_total = Strength(STRENGTHS[0], (), None), int(train.labels.max()) + 1
    for strength in STRENGTHS:
        models = [
            fit_softmax(fitted.features, fitted.labels, n_classes, strength, start, SEARCH_TOLERANCE)
            for (fitted, _, n_classes), start in zip(folds, starts, strict=True)
        ]
        starts = [model.weights for model in models]
        losses.append(sum(_loss(model, held[1]) for model, held in zip(models, folds, strict=True)))
        if losses[-1] > min(losses):
            break
        best = Strength(
            strength, _edge_warning(strength), _mean_weights([model.weights for model in models], n_total)
        )
    return best


def _edge_warning(strength: float) -> tuple[str, ...]:
    """The warning if a strength at either end of the range is chosen."""
    edge = f"the penalty was chosen at the end of its range (C = {strength:g})"
    return (edge,) if strength in (STRENGTHS[0], STRENGTHS[-1]) else ()


def _mean_weights(weights: list[np.ndarray], n_classes: int) -> np.ndarray | None:
    """Mean of the folds' weights; None if a fold lacks one of the classes."""
    whole = all(array.shape[1] == n_classes for array in weights)
    return np.asarray(np.mean(weights, axis=0)) if whole else None


def _inside(train: Part, fold: Fold) -> tuple[Part, Part, int]:
    """A fold's fitted and validation items, and its number of classes.

    If whole groups put a class on the validation side only, it cannot be learnt there. Its items then do not
    count, for any strength.
    """
    present = np.unique(train.labels[fold[0]])
    number = np.full(int(train.labels.max()) + 1, -1)
    number[present] = np.arange(len(present))
    fitted, held = (
        _keep(Part(train.features[rows], train.labels[rows], train.groups[rows]), number) for rows in fold
    )
    return fitted, held, len(present)


def _loss(model: SoftmaxModel, part: Part) -> float:
    """Summed log-loss in nats."""
    return -float(model.log_probabilities(part.features)[np.arange(len(part)), part.labels].sum())


def _score(
    model: SoftmaxModel, train: Part, test: Part, strength: Strength, warnings: tuple[str, ...]
) -> ProbeResult:
    """The fitted model on the test items."""
    found = model.log_probabilities(test.features).argmax(axis=1)
    right = (found == test.labels).astype(np.float64)
    largest = np.bincount(train.labels).argmax()
    if right.all():
        warnings += ("every test item is classified correctly, so the standard error is 0",)
    present = np.unique(test.labels)
    return ProbeResult(
        metric="accuracy",
        value=float(right.mean()),
        standard_error=clustered_standard_error(right, test.groups),
        chance=float((test.labels == largest).mean()),
        n_train=len(train),
        n_test=len(test),
        n_classes=model.weights.shape[1],
        warnings=(*warnings, *strength.warnings),
        extra={
            "balanced_accuracy": float(np.mean([right[test.labels == c].mean() for c in present])),
            "macro_f1": float(f1_score(test.labels, found, average="macro", labels=present)),
            "C": strength.value,
        },
    )
