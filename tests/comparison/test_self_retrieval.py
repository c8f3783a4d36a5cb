"""Self-retrieval of halves: beside another library's neighbours, and where its value is known."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from suffice.comparison.baselines import BASELINES, OF_HALVES
from suffice.comparison.self_retrieval import self_retrieval
from suffice.comparison.stored import baselines_of_models
from suffice.errors import DataError, EstimationError
from suffice.files import write_json
from suffice.store import ResultStore


def test_ranks_are_those_of_another_library():
    generator = np.random.default_rng(0)
    first = generator.normal(size=(200, 12))
    second = first + 1.5 * generator.normal(size=(200, 12))
    order = NearestNeighbors(n_neighbors=200, metric="cosine").fit(second).kneighbors(first)[1]
    ranks = 1 + np.argmax(order == np.arange(200)[:, None], axis=1)
    assert 1 < ranks.mean() < 60
    assert self_retrieval(np.concatenate([first, second])) == pytest.approx((1 / ranks).mean(), abs=1e-12)


def test_equal_halves_give_one_and_length_does_not_count():
    vectors = np.random.default_rng(1).normal(size=(50, 6))
    lengths = np.geomspace(0.01, 100, 50)[:, None]
    assert self_retrieval(np.concatenate([vectors, vectors * lengths])) == 1


def test_vectors_that_are_all_equal_have_the_rank_in_the_middle():
    assert self_retrieval(np.ones((20, 3))) == pytest.approx(1 / 5.5)
    assert self_retrieval(np.zeros((20, 3))) == pytest.approx(1 / 5.5)


def test_unrelated_halves_are_found_by_chance():
    found = self_retrieval(np.random.default_rng(2).normal(size=(2000, 8)))
    # The mean of 1 / rank over ranks from 1 to n; its standard error is 1.28 / sqrt(n) / sqrt(n) = 0.0013.
    assert found == pytest.approx((1 / np.arange(1, 1001)).mean(), abs=0.004)


@pytest.mark.parametrize(
    ("halves", "error", "message"),
    [
        (np.ones((5, 2)), DataError, r"halves have shape \(5, 2\)"),
        (np.ones((2, 2)), DataError, r"halves have shape \(2, 2\)"),
        (np.array([[1.0], [2.0], [np.nan], [3.0]]), EstimationError, "the vector of half 2 is not finite"),
    ],
)
def test_bad_input_is_named(halves, error, message):
    with pytest.raises(error, match=message):
        self_retrieval(halves)


def test_a_model_without_halves_has_no_value_and_without_the_wish_there_is_no_column(tmp_path):
    generator = np.random.default_rng(3)
    paths = {name: tmp_path / f"{name}.npy" for name in ("a", "b", "halves")}
    for name, path in paths.items():
        np.save(path, generator.normal(size=(40, 3)))
        write_json({"array_sha256": name}, path.with_suffix(".json"))
    models, vectors = ["a", "b"], [str(paths["a"]), str(paths["b"])]
    store = ResultStore(tmp_path / "store")
    table = baselines_of_models(models, vectors, store, halves={"b": str(paths["halves"])})
    assert np.isnan(table["self_retrieval"][0])
    assert table["self_retrieval"][1] == pytest.approx(self_retrieval(np.load(paths["halves"])))
    assert "self_retrieval" not in baselines_of_models(models, vectors, store)
    assert set(OF_HALVES) <= set(BASELINES)
    assert BASELINES["self_retrieval"].better == "higher"
