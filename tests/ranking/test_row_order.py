"""Models whose rows are in another order are named; noise, constants and odd items are not."""

import numpy as np
import pandas as pd
import pytest

from suffice import rank
from suffice.alignment import second_name
from suffice.ranking.row_order import by_model, order_doubts


def pool(n=400, seed=0, dims=(40, 60, 80)):
    """Models that see ten common features with noise of their own."""
    generator = np.random.default_rng(seed)
    shared = generator.normal(size=(n, 10))
    return {
        name: shared @ generator.normal(size=(10, dim)) + 0.5 * generator.normal(size=(n, dim))
        for name, dim in zip("abc", dims, strict=True)
    }


def shuffled(vectors, seed=9):
    return vectors[np.random.default_rng(seed).permutation(len(vectors))]


def clusters(n, dim, generator):
    return generator.normal(size=(12, dim))[generator.integers(12, size=n)] + generator.normal(size=(n, dim))


def skewed(n, dim, generator):
    return np.exp(generator.normal(size=(n, 4)) @ generator.normal(size=(4, dim)) / 2)


def words(n, dim, generator):
    topics = generator.dirichlet(np.full(6, 0.3), size=n)
    return generator.poisson(topics @ generator.gamma(0.5, 2.0, size=(6, dim))).astype(float)


@pytest.mark.parametrize("which", ["a", "b", "c"])
@pytest.mark.parametrize("seed", range(3))
def test_a_shuffled_model_is_named(which, seed):
    models = pool(seed=seed)
    assert order_doubts(models, seed=seed) == {}
    assert list(order_doubts(models | {which: shuffled(models[which])}, seed=seed)) == [which]


def components(n, dim, generator):
    """Principal components, which are not correlated, of eight clusters of different sizes."""
    which = generator.choice(8, size=n, p=np.arange(1, 9) / 36)
    vectors = 4 * generator.normal(size=(8, dim))[which] + generator.normal(size=(n, dim))
    left, sizes, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    return left[:, :8] * sizes[:8]


@pytest.mark.parametrize("make", [clusters, skewed, words, components])
def test_a_shuffled_model_of_other_kinds_is_named(make):
    generator = np.random.default_rng(3)
    odd = make(400, 48, generator)
    models = pool() | {"odd": odd, "like": odd + 0.1 * generator.normal(size=odd.shape)}
    assert order_doubts(models) == {}
    assert list(order_doubts(models | {"odd": shuffled(odd)})) == ["odd", "like"]


def noise(generator):
    return generator.normal(size=(400, 50))


def nearly_constant(generator):
    return 5 + 1e-4 * generator.normal(size=(400, 50))


def constant_but_for_one_item(generator):
    vectors = np.ones((400, 50)) + 1e-9 * generator.normal(size=(400, 50))
    vectors[17] = generator.normal(size=50)
    return vectors


def rare_features(generator):
    return (generator.random((400, 50)) < 0.02).astype(float)


def one_dimension(generator):
    return generator.normal(size=(400, 1))


@pytest.mark.parametrize(
    "make", [noise, nearly_constant, constant_but_for_one_item, rare_features, one_dimension]
)
@pytest.mark.parametrize("seed", range(3))
def test_vectors_that_say_nothing_of_themselves_are_not_named(make, seed):
    models = pool(seed=seed) | {"odd": make(np.random.default_rng(seed))}
    assert order_doubts(models, seed=seed) == {}


def test_too_few_items_say_nothing():
    models = pool(n=99)
    assert order_doubts(models | {"a": shuffled(models["a"])}) == {}


@pytest.mark.parametrize("which", [["b"], ["a", "b", "c"]])
def test_shuffled_second_looks_are_named(which):
    first = pool()
    generator = np.random.default_rng(4)
    second = {name: vectors + 0.3 * generator.normal(size=vectors.shape) for name, vectors in first.items()}
    assert order_doubts(first, second) == {}
    second |= {name: shuffled(second[name]) for name in which}
    found = order_doubts(first, second)
    assert list(found) == [second_name(name) for name in which]
    assert list(by_model(found)) == which


def test_a_ranking_says_so_unless_there_are_ids():
    models = pool()
    order = np.random.default_rng(9).permutation(400)
    found = rank(models | {"b": models["b"][order]})
    (note,) = found.notes
    assert note.startswith("b shares nothing with the other models, although halves")
    warnings = found.table.set_index("model")["warnings"]
    assert warnings["b"] == note
    assert warnings["a"] == ""
    ids = np.arange(400)
    joined = rank(models | {"b": models["b"][order]}, ids={"a": ids, "b": order, "c": ids})
    assert "b shares nothing" not in " ".join(joined.notes)
    expected = rank(models).table.set_index("model")["score"]
    pd.testing.assert_series_equal(joined.table.set_index("model")["score"], expected)
