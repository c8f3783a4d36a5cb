"""Retrieval probe: how high a query's relevant documents rank when all are sorted by cosine."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from suffice.data.columns import DOCUMENT, QUERY
from suffice.errors import DataError
from suffice.tasks.inputs import group_numbers, unit_vectors, vectors_of
from suffice.tasks.result import ProbeResult
from suffice.tasks.settings import TaskSettings
from suffice.tasks.statistics import clustered_standard_error

BLOCK_VALUES = 1 << 23  # cosines held at a time: 64 MiB
COSINE_DECIMALS = 12  # cosines that differ only by float64 rounding are ties


@dataclass(frozen=True)
class Judgements:
    """Queries with at least one relevant document, and all documents.

    Attributes:
        queries: positions of the queries in the table, shape (n_queries,).
        documents: positions of the documents; those with one relevance value are adjacent.
        starts: where a query's relevant documents begin in `documents`, shape (n_queries,).
        stops: where they end, shape (n_queries,).
        n_unanswered: queries left out because no document is relevant to them.
    """

    queries: np.ndarray
    documents: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    n_unanswered: int


def probe_retrieval(
    settings: TaskSettings, embedding: np.ndarray, table: pd.DataFrame, seed: int
) -> ProbeResult:
    """Mean nDCG at the cutoff over queries; `extra` has the mean reciprocal rank over all documents.

    A document is relevant if it has the query's value in the relevance column. Nothing is fitted, so queries
    and documents of both splits are used. Documents without a relevance value are wrong answers. Equal
    cosines count as the average over the orders of the tied documents, so the order of the table does not
    matter. The cosine with a zero vector is 0. `chance` is the expectation under a random order. The standard
    error is clustered by the query's group. Nothing here is random, and `seed` is not used.

    Raises:
        DataError: no query, no document, no query with a relevant document, or one group of queries.
        ModelError: a vector is not finite.
    """
    judged = find_judgements(settings, table)
    ndcg, reciprocal = rank_documents(embedding, judged, settings.cutoff)
    n_unanswered = judged.n_unanswered
    note = f"left out {n_unanswered} queries without a relevant document"
    return ProbeResult(
        metric=f"ndcg@{settings.cutoff}",
        value=float(ndcg.mean()),
        standard_error=clustered_standard_error(ndcg, group_numbers(table, judged.queries)),
        chance=_chance(judged, settings.cutoff),
        n_train=0,
        n_test=len(ndcg),
        warnings=(note,) if n_unanswered else (),
        extra={"mrr": float(reciprocal.mean())},
    )


def find_judgements(settings: TaskSettings, table: pd.DataFrame) -> Judgements:
    """Which items are queries, which are documents, and which belong together.

    Raises:
        DataError: there is no query, no document, or no query with a relevant document.
    """
    roles = table[settings.role].astype(object)
    is_query, is_document = (roles.eq(role).fillna(False).to_numpy(dtype=bool) for role in (QUERY, DOCUMENT))
    if not (is_query.any() and is_document.any()):
        found = ", ".join(sorted(map(repr, table[settings.role].dropna().unique()))) or "no value"
        raise DataError(f"column {settings.role!r} must have {QUERY!r} and {DOCUMENT!r}; it has {found}")
    values = np.asarray(pd.factorize(table[settings.relevance])[0])  # -1 where missing
    asked = np.flatnonzero(is_query & (values >= 0))
    documents = np.flatnonzero(is_document)
    documents = documents[np.argsort(values[documents], kind="stable")]
    starts, stops = (np.searchsorted(values[documents], values[asked], side) for side in ("left", "right"))
    answered = stops > starts
    if not answered.any():
        raise DataError(f"no document shares its {settings.relevance!r} with a query; correct the columns")
    n_unanswered = int(is_query.sum() - answered.sum())
    return Judgements(asked[answered], documents, starts[answered], stops[answered], n_unanswered)


def rank_documents(embedding: np.ndarray, judged: Judgements, cutoff: int) -> tuple[np.ndarray, np.ndarray]:
    """Score all queries, a block at a time: nDCG and reciprocal rank, each of shape (n_queries,)."""
    documents = unit_vectors(vectors_of(embedding, judged.documents)).T
    gains = cumulative_discounts(cutoff, documents.shape[1])
    block = max(1, BLOCK_VALUES // documents.shape[1])
    rows: list[tuple[float, float]] = []
    for start in range(0, len(judged.queries), block):
        queries = unit_vectors(vectors_of(embedding, judged.queries[start : start + block]))
        cosines = np.round(queries @ documents, COSINE_DECIMALS)  # (block, n_documents)
        spans = zip(judged.starts[start : start + block], judged.stops[start : start + block], strict=True)
        relevant = [row[slice(*span)].copy() for row, span in zip(cosines, spans, strict=True)]
        cosines.sort(axis=1)
        rows += [score_query(row, own, gains) for row, own in zip(cosines, relevant, strict=True)]
    ndcg, reciprocal = np.array(rows).T
    return ndcg, reciprocal


def cumulative_discounts(cutoff: int, n_documents: int) -> np.ndarray:
    """Sum of the first k discounts 1 / log2(1 + position), 0 beyond the cutoff; shape (n_documents + 1,)."""
    discounts = 1 / np.log2(np.arange(2, n_documents + 2))
    discounts[cutoff:] = 0
    return np.concatenate([[0.0], np.cumsum(discounts)])


def score_query(ordered: np.ndarray, relevant: np.ndarray, gains: np.ndarray) -> tuple[float, float]:
    """Score one query by nDCG and reciprocal rank, in expectation over the orders of tied documents.

    Sources: Järvelin and Kekäläinen, ACM TOIS 20 (2002), with binary gains; ties as in McSherry and
    Najork, ECIR 2008.

    Args:
        ordered: cosines of all documents, ascending.
        relevant: cosines of the relevant documents.
        gains: from `cumulative_discounts`.
    """
    above = len(ordered) - np.searchsorted(ordered, relevant, "right")
    up_to = len(ordered) - np.searchsorted(ordered, relevant, "left")
    gain = ((gains[up_to] - gains[above]) / (up_to - above)).sum()
    ideal = gains[min(len(relevant), len(gains) - 1)]
    first = above.min()
    n_tied = int(up_to[above.argmin()] - first)
    return float(gain / ideal), expected_reciprocal(int(first), n_tied, int((above == first).sum()))


def expected_reciprocal(n_above: int, n_tied: int, n_relevant: int) -> float:
    """Expected 1 / rank of the first of `n_relevant` among `n_tied` documents in random order.

    Args:
        n_above: documents before the tied ones, none of them relevant.
        n_tied: documents with the same cosine.
        n_relevant: number of relevant documents among them, at least one.
    """
    skipped = np.arange(n_tied - n_relevant)
    survival = np.cumprod(np.append(1.0, (n_tied - n_relevant - skipped) / (n_tied - skipped)))
    first_here = survival - np.append(survival[1:], 0.0)  # P(the first relevant one is at this place)
    return float((first_here / (n_above + 1 + np.arange(len(first_here)))).sum())


def _chance(judged: Judgements, cutoff: int) -> float:
    """Mean expected nDCG for documents in random order."""
    n_documents = len(judged.documents)
    gains = cumulative_discounts(cutoff, n_documents)
    n_relevant = judged.stops - judged.starts
    return float((n_relevant / n_documents * gains[-1] / gains[n_relevant]).mean())
