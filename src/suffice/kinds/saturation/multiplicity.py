"""How often two models give different answers, with intervals over items and over models.

Different answers of models that are equally good are called predictive multiplicity (Marx, Calmon and Ustun,
ICML 2020, arXiv 1909.06677); the mean over pairs here is the mean of their pairwise ambiguity.
"""

import numpy as np
import numpy.typing as npt

from suffice.baselines.similarity import nearest_neighbours

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
LEVEL = 0.95
N_BINS = 15


def differ(answers: np.ndarray) -> Floats:
    """Whether two models answer an item differently, shape (n_models, n_models, n_items).

    Args:
        answers: shape (n_models, n_items), or (n_models, n_items, n) for answers of n parts.
    """
    answers = answers.reshape(*answers.shape[:2], -1)
    return np.asarray((answers[:, None] != answers[None]).any(-1), dtype=float)


def edit_distances(answers: Integers) -> Floats:
    """Levenshtein distance between the answers of two models, divided by their length.

    Args:
        answers: tokens, shape (n_models, n_items, n_tokens).

    Returns:
        Shape (n_models, n_models, n_items), between 0 and 1.
    """
    first, second = answers[:, None], answers[None]
    n_tokens = answers.shape[2]
    row = [np.full((1, 1, 1), float(j)) for j in range(n_tokens + 1)]
    for i in range(n_tokens):
        above, row = row, [np.full((1, 1, 1), i + 1.0)]
        for j in range(n_tokens):
            changed = above[j] + (first[..., i] != second[..., j])
            row.append(np.minimum(np.minimum(above[j + 1], row[j]) + 1, changed))
    return np.asarray(row[-1] / n_tokens)


def kendall_taus(scores: Floats) -> Floats:
    """Kendall's tau-a between two models' rankings of the candidates of an item.

    Args:
        scores: shape (n_models, n_items, n_candidates).

    Returns:
        Shape (n_models, n_models, n_items).
    """
    left, right = np.triu_indices(scores.shape[2], 1)
    order = np.sign(scores[..., left] - scores[..., right])
    return np.asarray(np.einsum("mip,nip->mni", order, order, optimize=True) / len(left))


def neighbours_not_shared(states: Floats, n_neighbours: int) -> Floats:
    """Share of an item's nearest neighbours by one model that are not among those by another.

    Args:
        states: shape (n_models, n_items, width).
        n_neighbours: neighbours by cosine.

    Returns:
        Shape (n_models, n_models, n_items).
    """
    n_models, n_items = states.shape[:2]
    near = np.zeros((n_models, n_items, n_items), dtype=np.float32)
    for own, vectors in zip(near, states, strict=True):
        np.put_along_axis(own, nearest_neighbours(vectors, n_neighbours), 1, axis=1)
    return np.asarray(1 - np.einsum("mij,nij->mni", near, near, optimize=True) / n_neighbours, dtype=float)


def calibration_error(confidence: Floats, right: Booleans) -> float:
    """Expected calibration error of the most likely token, with 15 bins of equal width.

    Source: Guo et al., ICML 2017, arXiv 1706.04599, equation 3.

    Args:
        confidence: probability of the most likely token, any shape.
        right: whether it is the true one, the same shape.
    """
    bins = np.minimum((confidence.ravel() * N_BINS).astype(int), N_BINS - 1)
    gap = np.bincount(bins, weights=confidence.ravel() - right.ravel(), minlength=N_BINS)
    return float(np.abs(gap).sum() / confidence.size)


def pair_mean(values: Floats, wanted: Booleans, n_resamples: int, seed: int) -> dict[str, float]:
    """Mean over pairs and items, with a 95 % bootstrap interval over models and items.

    A resample draws models and items with replacement. Two copies of one model are not a pair. Resamples
    without any wanted pair are left out.

    Args:
        values: of every two models on every item, symmetric, shape (n_models, n_models, n_items).
        wanted: the pairs that count, symmetric, shape (n_models, n_models).
        n_resamples: number of resamples.
        seed: of the resamples.

    Returns:
        mean, low, high, n_pairs.
    """
    n_models, n_items = len(values), values.shape[2]
    wanted = wanted & ~np.eye(n_models, dtype=bool)
    rng = np.random.default_rng(seed)
    items = rng.multinomial(n_items, np.full(n_items, 1 / n_items), n_resamples) / n_items
    models = rng.multinomial(n_models, np.full(n_models, 1 / n_models), n_resamples)
    drawn = np.tensordot(items, values, axes=(1, 2))  # (n_resamples, n_models, n_models)
    weights = models[:, :, None] * models[:, None, :] * wanted
    total = weights.sum((1, 2))
    means = (drawn * weights).sum((1, 2))[total > 0] / total[total > 0]
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    mean = float(values[wanted].mean())
    return {"mean": mean, "low": float(low), "high": float(high), "n_pairs": int(wanted.sum()) // 2}


def held_out_range(values: Floats, n_draws: int, seed: int) -> dict[str, float]:
    """Range of models: most minus least, chosen on one half of the items and measured on the other.

    Values that differ only by the choice of items have a range of about 0.

    Args:
        values: shape (n_models, n_items).
        n_draws: divisions of the items into halves.
        seed: of the divisions.

    Returns:
        mean, least, most (of the models' means over all items), range (mean over divisions), low, high (95 %
        of divisions).
    """
    rng = np.random.default_rng(seed)
    half = values.shape[1] // 2
    ranges = []
    for _ in range(n_draws):
        order = rng.permutation(values.shape[1])
        seen, unseen = values[:, order[:half]].mean(1), values[:, order[half:]].mean(1)
        ranges.append(unseen[seen.argmax()] - unseen[seen.argmin()])
    means = values.mean(1)
    low, high = np.quantile(ranges, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {
        "mean": float(means.mean()),
        "least": float(means.min()),
        "most": float(means.max()),
        "range": float(np.mean(ranges)),
        "low": float(low),
        "high": float(high),
    }
