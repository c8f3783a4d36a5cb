"""Self-retrieval of second looks: beside another library's neighbours, and where its value is known."""

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import NearestNeighbors

from suffice.baselines import self_retrieval as module
from suffice.baselines.registry import BASELINES, OF_LOOKS
from suffice.baselines.self_retrieval import sample_of_looks, self_retrieval
from suffice.baselines.stored import baselines_of_models
from suffice.data.looks import LookTable
from suffice.errors import DataError, EstimationError
from suffice.storage.files import write_json
from suffice.storage.store import ResultStore


def test_ranks_are_those_of_another_library():
    generator = np.random.default_rng(0)
    first = generator.normal(size=(200, 12))
    second = first + 1.5 * generator.normal(size=(200, 12))
    order = NearestNeighbors(n_neighbors=200, metric="cosine").fit(second).kneighbors(first)[1]
    ranks = 1 + np.argmax(order == np.arange(200)[:, None], axis=1)
    assert 1 < ranks.mean() < 60
    assert self_retrieval(first, second) == pytest.approx((1 / ranks).mean(), abs=1e-12)


def test_equal_looks_give_one_and_length_does_not_count():
    vectors = np.random.default_rng(1).normal(size=(50, 6))
    lengths = np.geomspace(0.01, 100, 50)[:, None]
    assert self_retrieval(vectors, vectors * lengths) == 1


def test_vectors_that_are_all_equal_have_the_rank_in_the_middle():
    assert self_retrieval(*np.ones((2, 10, 3))) == pytest.approx(1 / 5.5)
    assert self_retrieval(*np.zeros((2, 10, 3))) == pytest.approx(1 / 5.5)


def test_unrelated_looks_are_found_by_chance():
    found = self_retrieval(*np.random.default_rng(2).normal(size=(2, 1000, 8)))
    # The mean of 1 / rank over ranks from 1 to n; its standard error is 1.28 / sqrt(n) / sqrt(n) = 0.0013.
    assert found == pytest.approx((1 / np.arange(1, 1001)).mean(), abs=0.004)


@pytest.mark.parametrize(
    ("first", "second", "error", "message"),
    [
        (np.ones((5, 2)), np.ones((4, 2)), DataError, r"looks have shapes \(5, 2\) and \(4, 2\)"),
        (np.ones((1, 2)), np.ones((1, 2)), DataError, r"looks have shapes \(1, 2\) and \(1, 2\)"),
        (np.ones((2, 1)), np.array([[1.0], [np.nan]]), EstimationError, "a vector in pair 1 of looks is not"),
    ],
)
def test_bad_input_is_named(first, second, error, message):
    with pytest.raises(error, match=message):
        self_retrieval(first, second)


def test_no_two_sampled_pairs_are_of_one_group(monkeypatch):
    monkeypatch.setattr(module, "MAX_PAIRS", 15)
    rows = np.arange(60)
    table = pd.DataFrame({"first": rows, "second": rows, "group": [f"g{row // 3}" for row in rows]})
    looks = LookTable("group", "", table)
    samples = [sample_of_looks(looks, seed).table for seed in (0, 0, 1)]
    assert len(samples[0]) == samples[0]["group"].nunique() == 15
    assert samples[0]["first"].is_monotonic_increasing
    assert samples[0].equals(samples[1]) and not samples[0].equals(samples[2])


def test_every_model_has_a_value_where_there_are_looks_and_else_there_is_no_column(tmp_path):
    generator = np.random.default_rng(3)
    paths = {name: tmp_path / f"{name}.npy" for name in ("a", "b")}
    for name, path in paths.items():
        np.save(path, generator.normal(size=(40, 3)))
        write_json({"array_sha256": name}, path.with_suffix(".json"))
    vectors, store = list(map(str, paths.values())), ResultStore(tmp_path / "store")
    rows, partners = np.arange(0, 40, 2), np.arange(1, 40, 2)
    table = pd.DataFrame({"first": rows, "second": partners, "group": [f"g{row}" for row in rows]})
    found = baselines_of_models(list(paths), vectors, store, looks=LookTable("group", "", table))
    items = np.load(paths["b"])
    assert found["self_retrieval"][1] == pytest.approx(self_retrieval(items[::2], items[1::2]))
    none = LookTable("same", "", table.head(0))
    for looks in (None, none):
        assert "self_retrieval" not in baselines_of_models(list(paths), vectors, store, looks=looks)
    assert set(OF_LOOKS) <= set(BASELINES)
    assert BASELINES["self_retrieval"].better == "higher"
