import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import ndcg_score

from suffice.errors import DataError, ModelError
from suffice.tasks import retrieval
from suffice.tasks.probes import run_probe
from suffice.tasks.retrieval import cumulative_discounts, expected_reciprocal, score_query
from suffice.tasks.settings import TaskSettings

SETTINGS = TaskSettings(kind="retrieval")


def make_table(groups, roles):
    return pd.DataFrame({"group": groups, "role": roles})


@pytest.fixture
def corpus(rng):
    """30 queries and 90 documents of 30 objects, close to their objects' directions, in random order."""
    objects = np.tile(np.arange(30), 4)
    embedding = rng.normal(size=(30, 8))[objects] + rng.normal(size=(120, 8))
    roles = np.repeat(["query", "document"], [30, 90])
    order = rng.permutation(120)
    return embedding[order], make_table(objects[order], roles[order])


def slow_scores(embedding, table, cutoff):
    """NDCG by scikit-learn, and reciprocal rank by sorting, of each query."""
    unit = embedding.astype(np.float32).astype(float)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    queries, documents = (np.flatnonzero(table["role"] == role) for role in ("query", "document"))
    groups = table["group"].to_numpy()
    for query in queries:
        relevant = groups[documents] == groups[query]
        cosines = unit[documents] @ unit[query]
        ranks = np.argsort(np.argsort(-cosines))
        yield ndcg_score([relevant], [cosines], k=cutoff), 1 / (1 + ranks[relevant].min())


@pytest.mark.parametrize("cutoff", [1, 3, 10, 200])
def test_agrees_with_slow_reference(corpus, cutoff, monkeypatch):
    expected = np.array(list(slow_scores(*corpus, cutoff)))
    monkeypatch.setattr(retrieval, "BLOCK_VALUES", 7 * 90)  # blocks of 7 queries, the last one of 2
    result = run_probe(TaskSettings(kind="retrieval", cutoff=cutoff), *corpus, seed=0)
    assert result.metric == f"ndcg@{cutoff}"
    assert result.value == pytest.approx(expected[:, 0].mean(), abs=1e-12)
    assert result.extra["mrr"] == pytest.approx(expected[:, 1].mean(), abs=1e-12)
    assert result.standard_error == pytest.approx(expected[:, 0].std(ddof=1) / np.sqrt(30))
    assert (result.n_train, result.n_test) == (0, 30)


def test_perfect_and_reversed_order():
    gains = cumulative_discounts(10, 4)
    ordered = np.array([0.1, 0.2, 0.3, 0.9])
    assert score_query(ordered, np.array([0.9]), gains) == pytest.approx((1.0, 1.0))
    assert score_query(ordered, np.array([0.1]), gains) == pytest.approx((1 / np.log2(5), 0.25))


def test_ties_are_the_average_over_orders(rng):
    cosines = np.array([0.5, 0.5, 0.9, 0.5, 0.1, 0.5])
    relevant = np.array([True, True, False, False, True, False])
    gains = cumulative_discounts(3, 6)
    outcomes = []
    for tied in itertools.permutations(np.flatnonzero(cosines == 0.5)):
        hits = relevant[[2, *tied, 4]]
        dcg = (hits[:3] / np.log2([2, 3, 4])).sum()
        outcomes.append((dcg / gains[3], 1 / (1 + hits.argmax())))
    found = score_query(np.sort(cosines), cosines[relevant], gains)
    assert found == pytest.approx(tuple(np.mean(outcomes, axis=0)))
    assert found[0] == pytest.approx(ndcg_score([relevant], [cosines], k=3))


@pytest.mark.parametrize(("n_above", "n_tied", "n_relevant"), [(0, 1, 1), (2, 5, 2), (1, 4, 4), (0, 6, 1)])
def test_expected_reciprocal(n_above, n_tied, n_relevant):
    sets = list(itertools.combinations(range(n_tied), n_relevant))
    slow = np.mean([1 / (n_above + 1 + min(places)) for places in sets])
    assert expected_reciprocal(n_above, n_tied, n_relevant) == pytest.approx(slow)


def test_zero_vectors_are_at_chance(corpus):
    _, table = corpus
    result = run_probe(SETTINGS, np.zeros((120, 4)), table, seed=0)
    assert result.value == pytest.approx(result.chance)


def test_chance_is_the_mean_over_random_orders(corpus, rng):
    _, table = corpus
    values = [run_probe(SETTINGS, rng.normal(size=(120, 64)), table, seed=0).value for _ in range(30)]
    chance = run_probe(SETTINGS, *corpus, seed=0).chance
    assert abs(np.mean(values) - chance) < 4 * np.std(values) / np.sqrt(30)  # four standard errors


def test_order_of_the_table_does_not_matter(corpus, rng):
    embedding, table = corpus
    embedding = np.round(embedding)  # many equal vectors and ties
    order = rng.permutation(120)
    one = run_probe(SETTINGS, embedding, table, seed=0)
    other = run_probe(SETTINGS, embedding[order], table.iloc[order], seed=0)
    assert one.value == pytest.approx(other.value, abs=1e-12)


def test_unanswered_queries_and_bystanders():
    embedding = np.eye(7, dtype=np.float32)
    embedding[3], embedding[4] = embedding[0], embedding[1]
    groups = ["a", "b", "c", "a", "b", None, "a"]
    roles = ["query", "query", "query", "document", "document", "document", None]
    table = make_table(groups, roles).assign(relevant=groups, group=list("abcdefg"))
    settings = TaskSettings(kind="retrieval", relevance="relevant")
    embedding[5] = embedding[0]  # a document relevant to nothing ties with a's document
    result = run_probe(settings, embedding, table, seed=0)
    assert result.n_test == 2
    assert result.warnings == ("left out 1 queries without a relevant document",)
    assert result.value == pytest.approx(((1 + 1 / np.log2(3)) / 2 + 1) / 2)
    assert result.extra["mrr"] == pytest.approx((0.75 + 1) / 2)


def test_standard_error_is_clustered(corpus):
    embedding, table = corpus
    twice = pd.concat([table, table[table["role"] == "query"]], ignore_index=True)
    copied = np.vstack([embedding, embedding[table["role"] == "query"]])
    one, two = run_probe(SETTINGS, embedding, table, seed=0), run_probe(SETTINGS, copied, twice, seed=0)
    assert two.n_test == 60
    assert two.standard_error == pytest.approx(one.standard_error)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda e, t: (e, t.assign(role="document")),
            DataError,
            "must have 'query' and 'document'; it has 'document'",
        ),
        (lambda e, t: (e, t.assign(role=None)), DataError, "it has no value"),
        (lambda e, t: (e, t.assign(group=np.arange(120))), DataError, "no document shares its 'group'"),
        (lambda e, t: (e, t.assign(group="g")), DataError, "belong to one group"),
        (lambda e, t: (e * np.nan, t), ModelError, "NaN or infinite"),
    ],
)
def test_bad_input(corpus, change, error, message):
    embedding, table = change(*corpus)
    with pytest.raises(error, match=message):
        run_probe(SETTINGS, embedding, table, seed=0)
