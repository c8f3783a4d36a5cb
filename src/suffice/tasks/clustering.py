"""Clustering probe: how well the clusters of k-means agree with the classes."""

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from suffice.errors import DataError, ModelError
from suffice.seeds import derive_seed
from suffice.tasks.inputs import group_numbers, labelled_rows, unit_vectors, vectors_of
from suffice.tasks.result import ProbeResult
from suffice.tasks.settings import TaskSettings
from suffice.tasks.statistics import bootstrap_standard_error

N_RUNS = 10  # the mean then varies less over starts (0.002, 77 classes of short texts) than over items
N_SHUFFLES = 10


def probe_clustering(
    settings: TaskSettings, embedding: np.ndarray, table: pd.DataFrame, seed: int
) -> ProbeResult:
    """V-measure of k-means with as many clusters as classes, as a mean over runs from different starts.

    Vectors are first scaled to length one. Clustering therefore sees only directions, like similarity and
    retrieval. Nothing is fitted to labels, so the labelled items of both splits are used. The standard error
    adds the variance over resampled groups, for fixed clusters, to that of the mean over starts. `chance` is
    the V-measure after shuffling the classes.

    Raises:
        DataError: fewer than two classes, as many classes as items, or one group.
        ModelError: a vector is not finite, or there are fewer different vectors than classes.
    """
    rows = labelled_rows(table, str(settings.label))
    codes, names = pd.factorize(table[str(settings.label)].iloc[rows])
    classes, n_classes = np.asarray(codes), len(names)
    if not 2 <= n_classes < len(rows):
        raise DataError(
            f"column {settings.label!r} has {n_classes} classes for {len(rows)} items; correct the column"
        )
    vectors = unit_vectors(vectors_of(embedding, rows)).astype(np.float32)
    n_different = len(np.unique(vectors, axis=0))
    if n_different < n_classes:
        raise ModelError(f"{n_different} different vectors cannot form {n_classes} clusters; check the model")
    runs = [_cluster(vectors, n_classes, derive_seed(seed, "run", str(run))) for run in range(N_RUNS)]
    ones = np.ones(len(rows))
    values = [v_measure(classes, clusters, ones) for clusters in runs]
    groups = group_numbers(table, rows)
    sampling = bootstrap_standard_error(
        lambda weights: float(np.mean([v_measure(classes, clusters, weights) for clusters in runs])),
        groups,
        seed,
    )
    return ProbeResult(
        metric="v_measure",
        value=float(np.mean(values)),
        standard_error=float(np.hypot(sampling, np.std(values, ddof=1) / np.sqrt(N_RUNS))),
        chance=_chance(classes, runs[0], seed),
        n_train=0,
        n_test=len(rows),
        n_classes=n_classes,
        extra={"std_over_starts": float(np.std(values, ddof=1))},
    )


def _cluster(vectors: np.ndarray, n_clusters: int, seed: int) -> np.ndarray:
    """Cluster number of each item from one start, shape (n_items,)."""
    return np.asarray(KMeans(n_clusters, n_init=1, random_state=seed).fit_predict(vectors))


def v_measure(classes: np.ndarray, clusters: np.ndarray, weights: np.ndarray) -> float:
    r"""V-measure when item i occurs `weights[i]` times.

    .. math:: 2 I(C; K) / (H(C) + H(K))

    Source: Rosenberg and Hirschberg, EMNLP-CoNLL 2007, with beta = 1.

    Args:
        classes: numbers of the classes, shape (n_items,).
        clusters: numbers of the clusters, shape (n_items,).
        weights: shape (n_items,).
    """
    shape = int(classes.max()) + 1, int(clusters.max()) + 1
    cells = np.bincount(classes * shape[1] + clusters, weights=weights, minlength=shape[0] * shape[1])
    joint = cells.reshape(shape) / weights.sum()
    entropies = _entropy(joint.sum(axis=1)) + _entropy(joint.sum(axis=0))
    return 2 * (entropies - _entropy(joint)) / entropies if entropies > 0 else 1.0


def _entropy(shares: np.ndarray) -> float:
    """Entropy in nats of shares that sum to one."""
    positive = shares[shares > 0]
    return -float((positive * np.log(positive)).sum())


def _chance(classes: np.ndarray, clusters: np.ndarray, seed: int) -> float:
    """Mean V-measure of shuffled classes."""
    rng = np.random.default_rng(derive_seed(seed, "chance"))
    ones = np.ones(len(classes))
    return float(np.mean([v_measure(rng.permutation(classes), clusters, ones) for _ in range(N_SHUFFLES)]))
