r"""What explains a pair's score: directions of the target that the source cannot predict, and items it loses.

The family is the linear one of `suffice.estimators.linear`. A rotated target is just another target: each
principal component of the standardised target is estimated as a target of one dimension, which gives its nats
without bias; the share of its variance that the source explains is

.. math:: R^2_j = 1 - \exp(-2 \hat I_j)

and can be below 0 for a direction about which the source has no information. The loss in direction j is its
share of the target's variance times 1 - R^2_j; directions are listed by that loss.

An item's nats are its held-out log-likelihood ratio, log q(v|u) - log q(v), over the target's standardised
dimensions, with the residuals that the regression would have without the item's unit:

.. math:: \sum_j \tfrac12 \Big( \log \frac{\tau_j^2}{\sigma_j^2}
          + \frac{(v_j - \bar v_j)^2}{\tau_j^2} - \frac{(v_j - \hat v_j)^2}{\sigma_j^2} \Big)

Negative nats mean that the source misleads about the item. The mean over items is a little below the estimate
of `linear`, which extrapolates to unlimited items.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.data.columns import CONTENT
from suffice.data.corpus import Corpus
from suffice.data.modalities.registry import modality_of
from suffice.errors import EstimationError
from suffice.estimators.base import check_same_items
from suffice.estimators.items import divide_items
from suffice.estimators.linear import Linear, PreparedLinear
from suffice.estimators.regression.ridge import PreparedRegression, Residuals, cross_moments
from suffice.estimators.regression.tiling import pool
from suffice.estimators.standardise import check_embedding
from suffice.ranking.looks import one_look_pairs
from suffice.ranking.table import ordering_values
from suffice.storage.files import open_array

if TYPE_CHECKING:
    from suffice.analyses.base import Ranked

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

MAX_COMPONENTS = 64  # later components have little of the variance
MIN_SHARE = 1e-6  # of the variance; below it a component is rounding
MAX_TEXT = 40
N_ENDS = 3  # items that name each end of a direction
DIRECTION_COLUMNS = ("component", "variance_share", "r2", "nats", "lost_share", "low_items", "high_items")
ITEM_COLUMNS = ("item", "text", "nats", "end")
PAIR_DIRECTIONS = ("source", "target", *DIRECTION_COLUMNS)
PAIR_ITEMS = ("source", "target", *ITEM_COLUMNS, "mean_item_nats")


@dataclass(frozen=True)
class Explanation:
    """The part of a target that a source cannot predict.

    Attributes:
        directions: a row per principal component of the target, largest loss first: `component` (1 has the
            most variance), `variance_share`, `r2`, `nats`, `lost_share` of the target's variance, and texts
            of the items at its ends, `low_items` and `high_items`.
        items: a row per item, most lost first: `item` (row number), `text`, `nats`, and `end`, "lost" or
            "gained".
        mean_item_nats: mean of all items' nats.

    Example:
        >>> import numpy as np
        >>> from suffice import explain_pair
        >>> target = np.random.default_rng(0).normal(size=(500, 3))
        >>> found = explain_pair(np.round(target), target, n_items=2)
        >>> found.items["end"].tolist()
        ['lost', 'lost', 'gained', 'gained']
        >>> bool(found.items["nats"][0] < found.mean_item_nats < found.items["nats"][3])
        True
    """

    directions: pd.DataFrame
    items: pd.DataFrame
    mean_item_nats: float


def explain_pair(
    source: npt.NDArray[np.floating],
    target: npt.NDArray[np.floating],
    items: Sequence[str] | None = None,
    n_directions: int = 8,
    n_items: int = 10,
    *,
    groups: npt.ArrayLike | None = None,
    seed: int = 0,
) -> Explanation:
    """Which directions of the target the source cannot predict, and which items are lost most.

    Args:
        source: embedding of the source model U, shape (n_items, d_u).
        target: embedding of the target model V for the same items in the same order, shape (n_items, d_v).
        items: text or id of each item; None: their row numbers.
        n_directions: how many directions to list.
        n_items: how many lost and how many gained items to list.
        groups: group of each item; items of one group are left out together.
        seed: seed of the division of the items.

    Returns:
        Both tables. With more than 5,000 items, lost and gained items are taken from a sample.

    Raises:
        EstimationError: numbers of items differ, a count is below 1, or an embedding cannot be used.

    Example:
        Two dimensions of the target are correlated, and the source has only the third. It therefore misses
        the principal component with the most variance.

        >>> import numpy as np
        >>> from suffice import explain_pair
        >>> target = np.random.default_rng(0).normal(size=(500, 3)) @ [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
        >>> source = np.round(target[:, 2:])
        >>> int(explain_pair(source, target).directions["component"][0])
        1
    """
    source, target = np.asarray(source), np.asarray(target)
    check_embedding(source, "source")
    check_embedding(target, "target")
    for name, count in (("n_directions", n_directions), ("n_items", n_items)):
        if count < 1:
            raise EstimationError(f"{name} is {count}; use at least 1")
    texts = item_texts(items, len(target))
    if len(source) != len(target):
        raise EstimationError(
            f"source has {len(source)} items but target has {len(target)}; "
            "embed both models on the same data set, in the same order"
        )
    # Directions are not bits, so items are compared along them.
    estimator = Linear(seed=seed, binary="gaussian")
    plan = divide_items(len(target), groups, seed)
    prepared = estimator.prepare_all({"source": source, "target": target}, plan)
    directions = _directions(estimator, prepared, texts).head(n_directions)
    nats = item_nats(prepared["source"], prepared["target"], estimator.settings.variance_floor)
    table = _item_table(nats, plan.sample.items, texts, n_items)
    return Explanation(directions.reset_index(drop=True), table, float(nats.mean()))


def item_texts(items: Sequence[str] | None, n_items: int) -> list[str]:
    """One line per item, of at most 40 characters.

    Raises:
        EstimationError: there are not as many texts as items.
    """
    if items is None:
        return [str(row) for row in range(n_items)]
    if len(items) != n_items:
        raise EstimationError(
            f"items has {len(items)} entries but there are {n_items} items; give one text per item"
        )
    return [_shorten(" ".join(str(item).split())) for item in items]


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _directions(estimator: Linear, prepared: dict[str, PreparedLinear], texts: Sequence[str]) -> pd.DataFrame:
    """All components that are considered, largest loss first."""
    shares, scores = principal_components(prepared["target"])
    plan = prepared["target"].plan
    names = [f"component {number}" for number in range(1, len(shares) + 1)]
    columns = {name: scores[:, [column]] for column, name in enumerate(names)}
    models = {"source": prepared["source"]} | estimator.prepare_all(columns, plan)
    with pool() as threads:
        found = estimator.estimate_together(models, [("source", name) for name in names], threads)
    nats = np.array([found["source", name].nats for name in names])
    order = np.argsort(scores, axis=0, kind="stable")
    left = np.exp(-2 * nats)
    table = pd.DataFrame(
        {
            "component": range(1, len(shares) + 1),
            "variance_share": shares,
            "r2": 1 - left,
            "nats": nats,
            "lost_share": shares * left,
            "low_items": [_joined(texts, rows) for rows in order[:N_ENDS].T],
            "high_items": [_joined(texts, rows) for rows in order[::-1][:N_ENDS].T],
        },
        columns=list(DIRECTION_COLUMNS),
    )
    return table.sort_values("lost_share", ascending=False, kind="stable")


def _joined(texts: Sequence[str], rows: npt.NDArray[np.int64]) -> str:
    return " | ".join(texts[row] for row in rows)


def principal_components(target: PreparedRegression) -> tuple[Floats, Floats32]:
    """Leading principal components of the standardised dimensions.

    The sign makes the largest weight of a component positive.

    Returns:
        Share of the variance of each, shape (n_components,), largest first, and scores of the items, shape
        (n_items, n_components).
    """
    values, vectors = np.linalg.eigh(target.second_moment())
    shares = values[::-1] / values.sum()
    n_kept = min(MAX_COMPONENTS, int((shares > MIN_SHARE).sum()))
    chosen = vectors[:, ::-1][:, :n_kept]
    largest = np.abs(chosen).argmax(axis=0)
    chosen = chosen * np.sign(chosen[largest, np.arange(n_kept)])
    scores = np.empty((target.plan.n_items, n_kept), dtype=np.float32)
    for units in target.plan.windows():
        scores[target.plan.items_of(units)] = target.rows(units) @ chosen.astype(np.float32)
    return shares[:n_kept], scores


def item_nats(source: PreparedRegression, target: PreparedRegression, variance_floor: float) -> Floats:
    """Held-out log q(v|u) - log q(v) of each item of the plan's sample, in nats, shape (n_sampled,).

    Args:
        source: prepared from the same items as the target.
        target: what is predicted.
        variance_floor: smallest share of a dimension's variance that a prediction may leave.
    """
    check_same_items("source", source, target)
    with pool() as threads:
        moment = cross_moments({"source": source, "target": target}, [("source", "target")], threads)
    weights = (source.inverse @ moment(("source", "target"))).astype(np.float32)
    rows = target.sampled_rows()
    residuals = Residuals(source, source.sampled_rows(), rows, weights).of_units()
    given = np.square(np.concatenate([left_out for _, left_out in residuals]), dtype=np.float64)
    alone = np.square(_about_others(target, rows), dtype=np.float64)
    marginal = alone.mean(axis=0)
    variance = np.maximum(given.mean(axis=0), variance_floor * marginal)
    return np.asarray(0.5 * (np.log(marginal / variance) + alone / marginal - given / variance).sum(axis=1))


def _about_others(target: PreparedRegression, rows: Floats32) -> Floats32:
    """Sampled rows minus the mean of all other units."""
    bounds, n_items = target.plan.sample.bounds.tolist(), target.plan.n_items
    parts = [rows[start:stop] for start, stop in pairwise(bounds)]
    return np.concatenate([part + part.sum(axis=0) / (n_items - len(part)) for part in parts])


def _item_table(
    nats: Floats, rows: npt.NDArray[np.int64], texts: Sequence[str], n_items: int
) -> pd.DataFrame:
    """The most lost items, then the most gained items, lowest nats first; each item occurs once."""
    order = np.argsort(nats, kind="stable")
    n_lost = min(n_items, (len(order) + 1) // 2)
    n_gained = min(n_items, len(order) - n_lost)
    chosen = np.r_[order[:n_lost], order[len(order) - n_gained :]]
    return pd.DataFrame(
        {
            "item": rows[chosen],
            "text": [texts[row] for row in rows[chosen]],
            "nats": nats[chosen],
            "end": ["lost"] * n_lost + ["gained"] * n_gained,
        },
        columns=list(ITEM_COLUMNS),
    )


def choose_pair(ranking: pd.DataFrame, pairs: pd.DataFrame) -> tuple[str, str]:
    """The model ranked first, and the other target that it predicts worst, in nats per dimension.

    Args:
        ranking: model and score, or as `rank_pairs` makes it.
        pairs: source, target and nats_per_dim.

    Raises:
        EstimationError: the model has no pair with another.
    """
    source = str(ordering_values(ranking).sort_index().idxmax())
    own = pairs[(pairs["source"] == source) & (pairs["target"] != source)]
    own = own.dropna(subset=["nats_per_dim"])
    if own.empty:
        raise EstimationError(
            f"model {source!r} has no pair with another target; list the pairs in explain.pairs"
        )
    return source, str(own.sort_values(["nats_per_dim", "target"])["target"].iloc[0])


def explain_pairs(
    pairs: Sequence[tuple[str, str]],
    vectors: Mapping[str, str],
    texts: Sequence[str],
    groups: npt.ArrayLike,
    **settings: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Directions and items of several pairs, as two tables that begin with the names of source and target.

    Args:
        pairs: names of source and target.
        vectors: file of vectors by model.
        texts: text of each item.
        groups: group of each item.
        settings: n_directions, n_items and seed, as for `explain_pair`.

    Raises:
        EstimationError: as for `explain_pair`, with the names of the pair.
    """
    directions, items = [], []
    for source, target in pairs:
        names = {"source": source, "target": target}
        try:
            found = explain_pair(
                open_array(vectors[source]), open_array(vectors[target]), texts, groups=groups, **settings
            )
        except EstimationError as error:
            raise EstimationError(f"the pair {source}, {target}: {error}") from error
        directions.append(found.directions.assign(**names))
        items.append(found.items.assign(**names, mean_item_nats=found.mean_item_nats))
    return (
        pd.concat(directions, ignore_index=True)[list(PAIR_DIRECTIONS)],
        pd.concat(items, ignore_index=True)[list(PAIR_ITEMS)],
    )


def tables(ranked: "Ranked") -> dict[str, pd.DataFrame]:
    """Directions and items that the sources lose in some pairs of one data set."""
    settings, files = dict(ranked.settings), ranked.files
    pairs, models = settings.pop("pairs"), settings.pop("models")
    if pairs == "auto":
        pairs = [choose_pair(ranked["ranking"], one_look_pairs(files["pairs"]))]
    corpus, vectors = Corpus(Path(files["corpus"][0])), dict(zip(models, files["vectors"], strict=True))
    directions, items = explain_pairs(pairs, vectors, shown_contents(corpus), corpus.together, **settings)
    return {"directions": directions, "lost_items": items}


def shown_contents(corpus: Corpus) -> list[str]:
    """The content of each item as the page shows it."""
    modality = modality_of(corpus.manifest)
    return [modality.shown(str(content)) for content in corpus.column(CONTENT)]
