r"""Update a label-free ranking with a few labels, by LogME and by probes.

Over the models let s be the standardised label-free score, f the standardised score from few labels, and q
the result on the task with all labels. f = q + error has the reliability r = var(q) / var(f); s has the
correlation k with q. The best linear prediction of q from both is proportional to

.. math:: \sqrt{r} (1 - k^2) f + k (1 - r) s

(the normal equations of two predictors whose correlation is k sqrt(r)). With r -> 1 it is the ranking by the
labels, with r -> 0 the ranking by the label-free score. Both are estimated within the budget:

- r from random halves of the labels: with the correlation c of the two halves' scores over models, r =
  2 c / (1 + c) (Spearman and Brown, British Journal of Psychology 1910), and 0 if c is negative;
- k from the correlation of s and f, which estimates k sqrt(r), together with a normal prior of mean 0.5 and
  standard deviation 0.25: the evidence of m models counts as m - 1 observations; k is limited to the range
  from 0 to 0.95.

Two kinds of error do not show in the spread of halves over models. Errors that all models share through the
same few items do not matter because they change no ranking. A bias of both halves for the same models does
matter: LogME can rank models the same way on both halves and differently on all labels, and then gets too
much weight.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.analyses.choice import regret_at_k
from suffice.data.delimited import told_delimiter
from suffice.data.text_files import read_text
from suffice.errors import DataError
from suffice.ranking.table import ordering_values
from suffice.seeds import derive_seed
from suffice.tasks.logme import check_features, decompose, label_columns, logme, spectrum_in

PRIOR_MEAN, PRIOR_DEVIATION = 0.5, 0.25  # of the label-free score's correlation with the full result
MAX_CORRELATION = 0.95
MIN_MODELS = 3
MIN_LABELS = 20
N_HALVINGS = 3
LABEL_WAYS = ("logme", "probe")
WAYS = ("score", "logme", "probe", "score+logme", "score+probe")
COLUMNS = ("n_labels", "way", "n_draws", "spearman", "spearman_low", "spearman_high", "regret_at_1")

Labels = npt.NDArray[np.generic]


class Vectors(Protocol):
    """Vectors of items by row: an array, or an object that reads rows on access."""

    def __getitem__(self, rows: npt.NDArray[np.int64], /) -> npt.NDArray[np.floating]: ...


@dataclass(frozen=True)
class Update:
    """A label-free score updated with a few labels.

    Attributes:
        values: by model, higher is better; the scale is arbitrary.
        reliability: r, share of the labels' spread over models that is not error.
        correlation: k, estimated correlation of the label-free score with the result on all labels.
        score_weight: weight of the label-free score.
        labels_weight: weight of the score from labels.
    """

    values: pd.Series
    reliability: float
    correlation: float
    score_weight: float
    labels_weight: float


def update_score(score: pd.Series, from_labels: pd.Series, reliability: float) -> Update:
    """The best linear prediction of the result on all labels from both scores.

    Args:
        score: label-free score by model, higher is better.
        from_labels: LogME or probe on a few labels by model, higher is better.
        reliability: of `from_labels`, 0 to 1.

    Raises:
        DataError: models differ, there are fewer than 3, a value is not finite, or reliability is out of
            range.
    """
    if not 0 <= reliability <= 1:
        raise DataError(f"reliability is {reliability}; use a value from 0 to 1")
    if set(score.index) != set(from_labels.index) or len(score) < MIN_MODELS:
        raise DataError(
            f"{len(score)} models have a score and {len(from_labels)} a score from labels; "
            f"give both for the same models, at least {MIN_MODELS}"
        )
    s, f = _standardised(score), _standardised(from_labels.loc[score.index])
    k = _correlation_with_truth(float((s * f).mean()), reliability, len(s))
    weights = k * (1 - reliability), np.sqrt(reliability) * (1 - k**2)
    return Update(weights[0] * s + weights[1] * f, reliability, k, float(weights[0]), float(weights[1]))


def _standardised(values: pd.Series) -> pd.Series:
    """Mean 0 and standard deviation 1 over models; all 0 if they are equal."""
    if not np.isfinite(values.to_numpy(dtype=float)).all():
        raise DataError(f"models without a finite value: {', '.join(values.index[~np.isfinite(values)])}")
    spread = float(values.std(ddof=0))
    centred = values - values.mean()
    return centred / spread if spread > 0 else centred


def _correlation_with_truth(observed: float, reliability: float, n_models: int) -> float:
    """Posterior mean of k, given that `observed` estimates k sqrt(r) with a variance of 1 / (m - 1)."""
    precision = PRIOR_DEVIATION**-2
    seen = np.sqrt(reliability) * observed * (n_models - 1)
    k = (precision * PRIOR_MEAN + seen) / (precision + reliability * (n_models - 1))
    return float(np.clip(k, 0, MAX_CORRELATION))


def split_half_reliability(first: pd.DataFrame, second: pd.DataFrame) -> float:
    """Spearman and Brown's reliability of the whole from scores of halves, 0 to 1.

    Args:
        first: scores on one half of the labels, a row per model, a column per way to halve.
        second: scores on the other half.
    """
    products = [
        float((_standardised(first[column]) * _standardised(second[column])).mean()) for column in first
    ]
    between = float(np.clip(np.mean(products), 0, 1))
    return 2 * between / (1 + between)


def probe_few(features: npt.NDArray[np.floating], labels: Labels, kind: str) -> float:
    """Leave-one-out result of a ridge regression on the labels, with the penalty of largest evidence.

    The penalty is one number for all items, so it has seen the item that is left out. Classes are fitted as
    numbers 0 and 1, and the largest prediction wins.

    Args:
        features: vectors of the labelled items, shape (n_items, embed_dim).
        labels: class or number of each item.
        kind: "classification": the share of correct classes; "regression": R2 about the mean of the other
            items.

    Raises:
        DataError: as for `suffice.tasks.logme.logme`, or all vectors are equal.
    """
    columns = label_columns(labels, kind)
    check_features(features, len(columns))
    centred = features - features.mean(axis=0, dtype=np.float64)
    if not centred.any():
        raise DataError("all vectors are equal; embed the items again or drop the model")
    found = _leave_one_out(centred, columns)
    if kind == "classification":
        return float((found.argmax(axis=1) == columns.argmax(axis=1)).mean())
    alone = (columns - columns.mean(axis=0)) * len(columns) / (len(columns) - 1)
    return float(1 - np.square(columns - found).sum() / np.square(alone).sum())


def _leave_one_out(centred: npt.NDArray[np.float64], columns: npt.NDArray[np.float64]) -> np.ndarray:
    """Prediction of each item by a fit without that item, shape (n_items, n_labels)."""
    squares, left = decompose(centred)
    mean = columns.mean(axis=0)
    ratio = spectrum_in(squares, left, columns - mean).best_ratio()
    shrunk = squares[:, None] / (squares[:, None] + ratio)
    fitted = left @ (shrunk * (left.T @ (columns - mean))) + mean
    leverage = np.square(left) @ shrunk + 1 / len(columns)
    return np.asarray(columns - (columns - fitted) / np.maximum(1 - leverage, 1e-9))


MEASURES: dict[str, Callable[[npt.NDArray[np.floating], Labels, str], float]] = {
    "logme": logme,
    "probe": probe_few,
}


@dataclass(frozen=True)
class FewLabels:
    """Scores of all models from a few labels.

    Attributes:
        scores: a row per model, columns `logme` and `probe`, or the requested ones.
        reliability: of each column.
    """

    scores: pd.DataFrame
    reliability: dict[str, float]


def score_few(
    embeddings: Mapping[str, npt.NDArray[np.floating]],
    labels: Labels,
    kind: str,
    seed: int = 0,
    ways: Sequence[str] = LABEL_WAYS,
) -> FewLabels:
    """LogME and probe of each model on a few labels, and how reliable they are.

    Args:
        embeddings: vectors of the labelled items by model, each of shape (n_labels, embed_dim).
        labels: class or number of each item, shape (n_labels,).
        kind: "classification" or "regression".
        seed: seed of the halves.
        ways: which of "logme" and "probe" to compute. Raises:
        DataError: there are fewer than 20 labels, or LogME refuses all labels or half of them.
    """
    labels = np.asarray(labels)
    if len(labels) < MIN_LABELS:
        raise DataError(
            f"{len(labels)} labels are too few to split into halves; label at least {MIN_LABELS} items"
        )
    generator = np.random.default_rng(derive_seed(seed, "halves"))
    whole = _scores(embeddings, np.arange(len(labels)), labels, kind, ways)
    halves: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    for _ in range(N_HALVINGS):
        chosen = draw_items(labels, len(labels) // 2, kind, generator)
        others = np.setdiff1d(np.arange(len(labels)), chosen)
        first, second = (_scores(embeddings, rows, labels, kind, ways) for rows in (chosen, others))
        halves.append((first, second))
    reliability = {
        way: split_half_reliability(*(_side_by_side(halves, side, way) for side in (0, 1))) for way in ways
    }
    return FewLabels(whole, reliability)


def _side_by_side(halves: Sequence[tuple[pd.DataFrame, pd.DataFrame]], side: int, way: str) -> pd.DataFrame:
    """One way's scores on one side of each halving, a column per halving."""
    return pd.DataFrame({number: half[side][way] for number, half in enumerate(halves)})


def _scores(
    embeddings: Mapping[str, npt.NDArray[np.floating]],
    rows: npt.NDArray[np.int64],
    labels: Labels,
    kind: str,
    ways: Sequence[str],
) -> pd.DataFrame:
    """A row per model, a column per way."""
    found = {
        name: [MEASURES[way](vectors[rows], labels[rows], kind) for way in ways]
        for name, vectors in embeddings.items()
    }
    return pd.DataFrame.from_dict(found, orient="index", columns=list(ways))


def draw_items(
    labels: Labels, n_drawn: int, kind: str, generator: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Rows of some items in ascending order, with classes in about their original shares.

    Raises:
        DataError: there are fewer items than the number to draw.
    """
    if n_drawn > len(labels):
        raise DataError(f"the budget is {n_drawn} labels but there are only {len(labels)}; lower it")
    strata = np.asarray(labels) if kind == "classification" else np.zeros(len(labels))
    _, stratum, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    place = np.empty(len(labels))
    for number, size in enumerate(sizes):
        place[stratum == number] = (generator.permutation(size) + generator.random(size)) / size
    return np.sort(np.argsort(place, kind="stable")[:n_drawn])


@dataclass(frozen=True)
class Trial:
    """A task whose result with all labels is known, for trials with few labels.

    Attributes:
        embeddings: vectors of the training items by model.
        labels: of the training items.
        kind: "classification" or "regression".
        score: label-free score by model.
        full: the task's result with all labels by model, higher is better.
    """

    embeddings: Mapping[str, Vectors]
    labels: Labels
    kind: str
    score: pd.Series
    full: pd.Series


def try_labels(
    trial: Trial,
    budgets: Sequence[int],
    n_draws: int = 20,
    seed: int = 0,
    ways: Sequence[str] = LABEL_WAYS,
) -> pd.DataFrame:
    """Agreement of each way with the full result, over draws of labels.

    Args:
        trial: the task.
        budgets: numbers of labels.
        n_draws: how often labels are drawn.
        seed: seed of the draws.
        ways: which of "logme" and "probe" to compute. Returns: A row per way and per budget that the training
        items allow: mean of Spearman's rho over the draws where it is defined, its quantiles 0.025 and 0.975,
        and the mean loss of taking the best model, in units of the full result.

    Raises:
        DataError: no budget is at most the number of training items, or as for `score_few`.
    """
    possible = [budget for budget in budgets if budget <= len(trial.labels)]
    if not possible:
        raise DataError(f"budgets {list(budgets)} all exceed the {len(trial.labels)} training items")
    rows = [
        _row_of_way(trial, n_labels, way, draws)
        for n_labels in possible
        for way, draws in _draws(trial, n_labels, n_draws, seed, ways).items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _draws(
    trial: Trial, n_labels: int, n_draws: int, seed: int, ways: Sequence[str]
) -> dict[str, list[pd.Series]]:
    """For each way, its values by model in each draw."""
    together = [f"score+{way}" for way in ways]
    values: dict[str, list[pd.Series]] = {way: [] for way in ("score", *ways, *together)}
    for draw in range(n_draws):
        own_seed = derive_seed(seed, "few labels", str(n_labels), str(draw))
        rows = draw_items(trial.labels, n_labels, trial.kind, np.random.default_rng(own_seed))
        vectors = {name: each[rows] for name, each in trial.embeddings.items()}
        found = score_few(vectors, trial.labels[rows], trial.kind, own_seed, ways)
        values["score"].append(trial.score)
        for way, both in zip(ways, together, strict=True):
            values[way].append(found.scores[way])
            values[both].append(update_score(trial.score, found.scores[way], found.reliability[way]).values)
    return values


def _row_of_way(trial: Trial, n_labels: int, way: str, draws: list[pd.Series]) -> tuple[object, ...]:
    full = trial.full
    found = np.array([_spearman(each.loc[full.index], full) for each in draws])
    rhos = found[np.isfinite(found)]
    low, high = np.quantile(rhos, [0.025, 0.975]) if len(rhos) else (np.nan, np.nan)
    mean = rhos.mean() if len(rhos) else np.nan
    regret = float(np.mean([regret_at_k(each, full, 1) for each in draws]))
    return n_labels, way, len(draws), float(mean), float(low), float(high), regret


def _spearman(values: pd.Series, full: pd.Series) -> float:
    """Spearman's rho; NaN if either is the same for all models."""
    if values.nunique() < 2 or full.nunique() < 2:
        return float("nan")
    from scipy.stats import spearmanr  # the import takes half a second

    return float(spearmanr(values, full).statistic)


def read_labels(path: Path, n_items: int, kind: str) -> tuple[npt.NDArray[np.int64], Labels]:
    """Rows that have a label, and their labels, from a CSV file with the columns `row` and `label`.

    Args:
        path: the file; `row` counts from 0; an empty cell means that the item has no label.
        n_items: number of items of the embeddings.
        kind: "classification", labels are names, or "regression", they are numbers.

    Raises:
        DataError: the file cannot be read, lacks a column, or a row number or label is not valid.
    """
    try:
        text, delimiter = told_delimiter(read_text(path), path)
        table = pd.read_csv(StringIO(text), sep=delimiter, dtype=str)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}; give a CSV file with columns row,label") from None
    if not {"row", "label"} <= set(table.columns):
        raise DataError(f"{path} has columns {', '.join(table.columns)}; it needs row and label")
    table = table.dropna(subset=["label"])
    rows = pd.to_numeric(table["row"], errors="coerce")
    bad = ~(rows.between(0, n_items - 1) & (rows % 1 == 0)) | rows.duplicated()
    if bad.any():
        value = table["row"][bad].iloc[0]
        raise DataError(
            f"{path}: row {value} is given twice or is not a whole number from 0 to {n_items - 1}"
        )
    labels = table["label"] if kind == "classification" else pd.to_numeric(table["label"], errors="coerce")
    if labels.isna().any():
        raise DataError(
            f"{path}: label {table['label'][labels.isna()].iloc[0]!r} is not a number; correct it"
        )
    return rows.to_numpy(dtype=np.int64), labels.to_numpy(dtype=str if kind == "classification" else float)


def add_update(ranking: pd.DataFrame, found: FewLabels) -> pd.DataFrame:
    """A ranking with what labels say, `updated_score`, and `updated_rank`; 1 is best.

    Args:
        ranking: a ranking table; what orders it is updated.
        found: what the labels say of these models in one way, whose name the column has: `probe`, the result
            when each item is left out, or `logme`, in nats per item.

    Raises:
        DataError: models differ, there are fewer than 3, or a value is not finite.
    """
    score, (way,) = ordering_values(ranking), found.reliability
    updated = update_score(score, found.scores[way], found.reliability[way]).values
    columns = {
        way: found.scores.loc[score.index, way].to_numpy(),
        "updated_score": updated.to_numpy(),
        "updated_rank": updated.rank(ascending=False, method="min").astype(int).to_numpy(),
    }
    return ranking.assign(**columns)


def describe_update(ranking: pd.DataFrame) -> str:
    """Which model is first after the labels, and which one was first before them.

    Args:
        ranking: as `add_update` makes it.
    """
    before = str(ranking["model"].iloc[0])
    after = ranking.loc[ranking["updated_rank"] == 1, "model"].astype(str).tolist()
    same = " as before" if after == [before] else f"; without them it is {before}"
    return f"With your labels, {' and '.join(after)} {'is' if len(after) == 1 else 'are'} first{same}."
