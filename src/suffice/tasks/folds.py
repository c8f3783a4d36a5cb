"""Folds inside the training items that keep groups whole."""

import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold

from suffice.errors import DataError

N_FOLDS = 3

Fold = tuple[np.ndarray, np.ndarray]


def check_training_groups(groups: np.ndarray) -> None:
    """Raise DataError if there are fewer groups than folds."""
    n_groups = len(np.unique(groups))
    if n_groups < N_FOLDS:
        raise DataError(
            f"the training items form {n_groups} group(s), but choosing the strength of the penalty "
            f"needs at least {N_FOLDS}; label more groups"
        )


def stratified_folds(classes: np.ndarray, groups: np.ndarray, seed: int) -> list[Fold]:
    """Folds (fitted positions, validation positions) with about equal class shares and whole groups."""
    check_training_groups(groups)
    single = len(np.unique(groups)) == len(groups)  # the grouped splitter is far slower
    items = np.zeros((len(classes), 1))
    if single:
        return list(StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed).split(items, classes))
    folds = StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=seed)
    return list(folds.split(items, classes, groups))


def plain_folds(groups: np.ndarray, seed: int) -> list[Fold]:
    """Folds (fitted positions, validation positions) with whole groups."""
    check_training_groups(groups)
    folds = GroupKFold(N_FOLDS, shuffle=True, random_state=seed)
    return list(folds.split(np.zeros((len(groups), 1)), groups=groups))
