r"""The invertible maps that neural families share: coordinates of the target, and the start of training.

A density of the target V can be written in any coordinates y = T(v). The log-determinant of T is part of both
H(V) and H(V|U), and cancels in their difference. Maps fitted on training items only therefore transform the
target to coordinates in which a fit is easy:

1. each dimension becomes its normal scores, by a monotone piecewise-linear map (the marginals of a Gaussian
   copula; Liu, Lafferty and Wasserman 2009, nonparanormal, arXiv 0903.0649);
2. scores become uncorrelated coordinates of unit variance, from their covariance, which is shrunk when there
   are few items (Ledoit and Wolf 2004, doi 10.1016/S0047-259X(03)00096-4);
3. for each source, coordinates are rotated to the principal axes of the residuals of a ridge regression on
   the source. The marginal covariance is the identity, so these are canonical coordinates: both covariances
   are diagonal, and the diagonal normal density of the residual is already that of a joint Gaussian,

   .. math:: \hat I = -\tfrac12 \sum_j \log \lambda_j, \qquad \Sigma_{Y \mid U} = Q \Lambda Q^\top

   (Hotelling 1936, doi 10.1093/biomet/28.3-4.321).

Residuals of training items come from leave-one-out predictions, which ridge regression has in closed form
(Allen 1974, doi 10.1080/00401706.1974.10489157). Training and unseen items therefore look similar.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from suffice.errors import EstimationError
from suffice.estimators.items import ItemPlan

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Items = npt.NDArray[np.int64]

PENALTIES = 10.0 ** np.arange(-6.0, 4.5, 0.5)  # per training item, for a source of unit variance
MAX_DEGREES_SHARE = 0.9  # of the training items; above this, generalised cross-validation is only noise
N_KNOTS = 25
MAX_SCORE = 3.0
MIN_TAIL_ITEMS = 5  # training items beyond the outermost knots
MIN_GAP = 1e-4  # between knots, in standard deviations
MIN_REACH = 0.1  # from the middle knot to the outermost ones, in standard deviations
MAX_LEVERAGE = 1 - 1e-5
MAX_INPUT = 10.0  # standard deviations; an item outside the training range must not disturb a network
N_TURNS = 2  # the first with a penalty for each of the target's coordinates, the second for canonical ones
WHITENING_FLOOR = 1e-3  # of the mean variance, added to each direction's
NULL_VARIANCE = 1e-6  # a direction with less than this share of the mean variance counts as constant
PRIOR_ITEMS = 50  # weight of the training items' variance, compared with that of the validation items


@dataclass(frozen=True)
class Split:
    """The items of a fold: those that densities are fitted on, stopped by and scored on.

    Attributes:
        fit: positions of the items that gradients are taken on.
        validation: positions of the items that decide when to stop.
        scored: positions of the items that are scored.
    """

    fit: Items
    validation: Items
    scored: Items


def split_items(plan: ItemPlan, n_folds: int, validation_share: float) -> list[Split]:
    """One split per fold, from the blocks of the plan. Each item is scored once.

    Args:
        plan: division of the items into blocks.
        n_folds: number of folds.
        validation_share: share of a fold's training blocks held back to decide when to stop.

    Raises:
        EstimationError: fewer than 2 blocks for each fold.
    """
    if plan.n_blocks < 2 * n_folds:
        raise EstimationError(
            f"{plan.n_blocks} blocks of items are too few for {n_folds} folds; lower n_folds"
        )
    return [_split(plan, n_folds, fold, validation_share) for fold in range(n_folds)]


def _split(plan: ItemPlan, n_folds: int, fold: int, validation_share: float) -> Split:
    blocks = np.arange(plan.n_blocks)
    train = blocks[blocks % n_folds != fold]
    n_validation = max(1, round(validation_share * len(train)))
    role = np.zeros(plan.n_blocks, dtype=int)
    role[train[:n_validation]] = 1
    role[blocks % n_folds == fold] = 2
    fit, validation, scored = (np.flatnonzero(role[plan.block] == part) for part in range(3))
    return Split(fit, validation, scored)


@dataclass(frozen=True)
class NormalScores:
    """A strictly increasing piecewise-linear map of each dimension to nearly standard normal values.

    Attributes:
        knots: shape (n_knots, d), increasing along the first axis.
        scores: value at each knot, shape (n_knots,).
        slopes: of each segment and the two tails, shape (n_knots + 1, d).
    """

    knots: Floats
    scores: Floats
    slopes: Floats

    @classmethod
    def fit(cls, rows: Floats32) -> "NormalScores":
        """The map whose knots are quantiles at equally spaced normal scores, from rows (n, d).

        A dimension in which nearly all values are equal, such as a rare bit, is not changed.
        """
        largest = min(MAX_SCORE, float(-scipy.special.ndtri(min(MIN_TAIL_ITEMS / len(rows), 0.3))))
        scores = np.linspace(-largest, largest, N_KNOTS)
        steps = MIN_GAP * np.arange(N_KNOTS)[:, None]
        quantiles = np.quantile(rows, scipy.special.ndtr(scores), axis=0).astype(np.float64)
        knots = np.maximum.accumulate(quantiles - steps, axis=0) + steps
        middle = N_KNOTS // 2
        is_lumpy = np.minimum(knots[middle] - knots[0], knots[-1] - knots[middle]) < MIN_REACH
        knots[:, is_lumpy] = scores[:, None]
        tails = largest / np.stack([knots[middle] - knots[0], knots[-1] - knots[middle]])
        inner = np.diff(scores)[:, None] / np.diff(knots, axis=0)
        return cls(knots, scores, np.concatenate([tails[:1], inner, tails[1:]]))

    def apply(self, rows: Floats32) -> tuple[Floats32, Floats]:
        """Scores of rows (n, d), and the sum of the logarithms of the slopes of each row, shape (n,)."""
        scores = np.empty(rows.shape, dtype=np.float32)
        log_slope = np.zeros(len(rows))
        for dim, column in enumerate(rows.T.astype(np.float64)):
            knots, slopes = self.knots[:, dim], self.slopes[:, dim]
            segment = np.searchsorted(knots, column)
            anchor = np.maximum(segment - 1, 0)
            scores[:, dim] = self.scores[anchor] + (column - knots[anchor]) * slopes[segment]
            log_slope += np.log(slopes)[segment]
        return scores, log_slope


@dataclass(frozen=True)
class Coordinates:
    """Coordinates of the target: normal scores, then uncorrelated directions of unit variance.

    Attributes:
        scores: map of each dimension; None: dimensions are not changed.
        mean: of the scores, shape (d,).
        matrix: directions in columns, shape (d, k); k < d if some directions have no variance.
        log_determinant: logarithm of the change of volume by `matrix`.
    """

    scores: NormalScores | None
    mean: Floats
    matrix: Floats
    log_determinant: float

    @classmethod
    def fit(cls, rows: Floats32, split: Split, normal_scores: bool) -> "Coordinates":
        """Coordinates from the training items of standardised rows (n_items, d)."""
        scores = NormalScores.fit(rows[split.fit]) if normal_scores else None
        fit, validation = (
            rows[items] if scores is None else scores.apply(rows[items])[0]
            for items in (split.fit, split.validation)
        )
        mean = fit.mean(axis=0, dtype=np.float64)
        eigenvalues, directions = _shrunk_eigen(fit - mean)
        matrix = directions / np.sqrt(eigenvalues)
        spread = np.sqrt(steady_variance((fit - mean) @ matrix, (validation - mean) @ matrix))
        log_determinant = -float(np.log(spread).sum() + 0.5 * np.log(eigenvalues).sum())
        return cls(scores, mean, matrix / spread, log_determinant)

    def apply(self, rows: Floats32) -> tuple[Floats32, Floats]:
        """Coordinates (n, k) of standardised rows (n, d), and the log-determinant at each row, shape (n,)."""
        scores, log_slope = (rows, np.zeros(len(rows))) if self.scores is None else self.scores.apply(rows)
        moved = (scores - self.mean) @ self.matrix
        return moved.astype(np.float32), log_slope + self.log_determinant


def _shrunk_eigen(centred: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues, shrunk towards their mean, and eigenvectors of the second moment of rows (n, d)."""
    from sklearn.covariance import ledoit_wolf_shrinkage  # slow to import, and few jobs need it

    covariance = centred.T @ centred / len(centred)
    eigenvalues, vectors = scipy.linalg.eigh(covariance, driver="evd", check_finite=False)
    level = float(np.mean(eigenvalues))
    shrinkage = float(ledoit_wolf_shrinkage(centred, assume_centered=True))
    kept = eigenvalues > NULL_VARIANCE * level
    if not kept.any():
        raise EstimationError(
            "no dimension of the target varies among the training items of a fold; embed more items or use "
            "the estimator linear"
        )
    return (1 - shrinkage) * eigenvalues[kept] + shrinkage * level, vectors[:, kept]


def steady_variance(fit: npt.NDArray[np.floating], validation: npt.NDArray[np.floating]) -> Floats:
    """Mean square of each column over validation items, stabilised by that over training items.

    The directions were chosen on the training items. With many dimensions, these therefore look narrower than
    unseen items do. Validation items do not, but there may be few of them.
    """
    validation_sum = np.square(validation, dtype=np.float64).sum(axis=0)
    prior = np.square(fit, dtype=np.float64).mean(axis=0)
    return (validation_sum + PRIOR_ITEMS * prior) / (len(validation) + PRIOR_ITEMS)


@dataclass(frozen=True)
class Ridge:
    """Ridge regression on one source, decomposed once for all targets and penalties.

    Attributes:
        fit: positions of the training items.
        eigenvalues: of the centred sum of squares of the training items, shape (d_u,).
        along: every item along the principal axes, shape (n_items, d_u).
        shrunk: 1 / (eigenvalue + penalty), shape (d_u, n_penalties).
        leverage: of each training item with each penalty, shape (n_fit, n_penalties).
    """

    fit: Items
    eigenvalues: Floats
    along: Floats32
    shrunk: Floats
    leverage: Floats32

    @classmethod
    def decompose(cls, source: Floats32, fit: Items) -> "Ridge":
        """Decompose a source (n_items, d_u)."""
        centred = source - source[fit].mean(axis=0, dtype=np.float64)
        squares = centred[fit].T @ centred[fit]
        eigenvalues, vectors = scipy.linalg.eigh(squares, driver="evd", check_finite=False)
        eigenvalues = np.maximum(eigenvalues, 0.0)
        along = centred.astype(np.float32) @ vectors.astype(np.float32)
        shrunk = 1 / (eigenvalues[:, None] + PENALTIES * len(fit))
        leverage = np.square(along[fit]) @ shrunk.astype(np.float32) + np.float32(1 / len(fit))
        leverage = np.minimum(leverage, np.float32(MAX_LEVERAGE))
        return cls(fit, eigenvalues, along, shrunk, leverage)

    def predict(self, target: Floats32) -> Floats32:
        """Prediction of a target (n_items, k) for every item; training items use the fit without them."""
        mean = target[self.fit].mean(axis=0)
        goal = target[self.fit] - mean
        cross = self.along[self.fit].T @ goal  # (d_u, k)
        chosen = _choose_penalties(self.eigenvalues, cross, np.square(goal).sum(axis=0), len(self.fit))
        prediction = self.along @ (cross * self.shrunk[:, chosen]).astype(np.float32)
        prediction[self.fit] = goal - (goal - prediction[self.fit]) / (1 - self.leverage[:, chosen])
        return prediction + mean

    def whitened_source(self) -> Floats32:
        """The source along its principal axes, of about unit variance, within [-10, 10], (n_items, d_u)."""
        variance = (self.eigenvalues + WHITENING_FLOOR * self.eigenvalues.mean()) / len(self.fit)
        return np.clip(self.along / np.sqrt(variance), -MAX_INPUT, MAX_INPUT).astype(np.float32)


def _choose_penalties(eigenvalues: Floats, cross: Floats, spread: Floats, n_fit: int) -> Items:
    r"""Index of the penalty with the smallest generalised cross-validation for each target, shape (k,).

    .. math:: \mathrm{GCV}_j(\lambda) = n^{-1} \mathrm{RSS}_j(\lambda) / (1 - \mathrm{df}(\lambda) / n)^2

    Source: Golub, Heath and Wahba 1979, doi 10.2307/1268518.
    """
    penalties = PENALTIES[:, None] * n_fit
    degrees = 1 + (eigenvalues / (eigenvalues + penalties)).sum(axis=1)  # (n_penalties,)
    usable = degrees <= MAX_DEGREES_SHARE * n_fit
    usable[-1] = True
    gain = (eigenvalues + 2 * penalties) / np.square(eigenvalues + penalties)
    residual = spread - gain[usable] @ np.square(cross)  # (n_usable, k)
    criterion = residual / np.square(1 - degrees[usable] / n_fit)[:, None]
    return np.flatnonzero(usable)[criterion.argmin(axis=0)]


@dataclass(frozen=True)
class LinearStart:
    """The joint Gaussian that training starts with, in its canonical coordinates.

    Attributes:
        whitened_source: the source as input to the networks, shape (n_items, d_u).
        rotation: from the target's coordinates to canonical ones, shape (k, k).
        prediction: in canonical coordinates, shape (n_items, k).
        scale: standard deviation of the residual in each canonical coordinate, shape (k,).
    """

    whitened_source: Floats32
    rotation: Floats32
    prediction: Floats32
    scale: Floats32

    @classmethod
    def fit(cls, source: Floats32, target: Floats32, split: Split, variance_floor: float) -> "LinearStart":
        """Regress the target on the source and find the axes of the residuals.

        If a few directions carry most of the information, each coordinate carries a little of it and is
        shrunk. The regression is therefore repeated in the axes found, each with its own penalty.

        Args:
            source: shape (n_items, d_u).
            target: in coordinates of unit variance, shape (n_items, k).
            split: of the items.
            variance_floor: least variance of the residual in a canonical coordinate.
        """
        ridge = Ridge.decompose(source, split.fit)
        turned, rotation = target, np.eye(target.shape[1], dtype=np.float32)
        for _ in range(N_TURNS):
            residual = (turned - ridge.predict(turned))[split.fit]
            _, turn = scipy.linalg.eigh(residual.T @ residual, driver="evd", check_finite=False)
            turn = turn.astype(np.float32)
            turned, rotation = turned @ turn, rotation @ turn
        prediction = ridge.predict(turned)
        residual = turned - prediction
        variance = steady_variance(residual[split.fit], residual[split.validation])
        scale = np.sqrt(np.maximum(variance, variance_floor)).astype(np.float32)
        return cls(ridge.whitened_source(), rotation, prediction, scale)

    @property
    def log_determinant(self) -> float:
        """Log-determinant of the map from the target's coordinates to the residual."""
        return -float(np.log(self.scale.astype(np.float64)).sum())

    def residual(self, target: Floats32) -> Floats32:
        """Standardised residual of the target (n_items, k) in canonical coordinates, shape (n_items, k)."""
        return (target @ self.rotation - self.prediction) / self.scale

    def mean_log_prob(self, target: Floats32, items: Items) -> float:
        """Mean log-density of the items' targets under the joint Gaussian."""
        return standard_normal_mean(self.residual(target)[items]) + self.log_determinant


def standard_normal(rows: Floats32) -> Floats:
    """Log-density of each row (n, k) under the standard normal, shape (n,)."""
    squares = np.square(rows, dtype=np.float64).sum(axis=1)
    return np.asarray(-0.5 * squares - 0.5 * rows.shape[1] * np.log(2 * np.pi))


def standard_normal_mean(rows: Floats32) -> float:
    """Mean log-density of rows (n, k) under the standard normal."""
    return float(standard_normal(rows).mean())
