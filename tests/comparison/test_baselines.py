import numpy as np
import pytest

from suffice.comparison import BASELINES, baseline_table, rankme
from suffice.comparison import baselines as module
from suffice.errors import DataError, EstimationError


def direct_rankme(embedding):
    """By singular value decomposition in float64."""
    singular = np.linalg.svd(embedding.astype(float), compute_uv=False)
    shares = singular / singular.sum() + 1e-7
    return np.exp(-(shares * np.log(shares)).sum())


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_equal_singular_values_give_the_dimension():
    assert rankme(3.0 * np.eye(8)) == pytest.approx(8, rel=1e-4)  # epsilon adds less than 1e-4


def test_one_direction_gives_one(rng):
    embedding = np.outer(rng.normal(size=100), rng.normal(size=5))
    assert rankme(embedding) == pytest.approx(1, abs=1e-4)  # epsilon, and rounding of 1e-8


def test_two_singular_values():
    embedding = np.diag([3.0, 1.0])
    assert rankme(embedding) == pytest.approx(np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25))), rel=1e-5)


def test_not_centred_and_rows_not_scaled(rng):
    embedding = rng.normal(size=(200, 6))
    assert rankme(embedding + 10) < 0.6 * rankme(embedding)  # the mean's direction dominates
    assert rankme(embedding * 7) == pytest.approx(rankme(embedding))
    lengths = np.where(np.arange(200) < 3, 1e3, 1)[:, None]
    assert rankme(embedding * lengths) < 0.6 * rankme(embedding)  # three rows dominate


@pytest.mark.parametrize("shape", [(500, 40), (30, 40), (40, 40)])
def test_streaming_is_the_direct_value(rng, shape, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "BLOCK_ROWS", 64)
    embedding = (rng.normal(size=shape) * np.geomspace(1, 1e-5, 40) + 0.5).astype(np.float32)
    np.save(tmp_path / "e.npy", embedding)
    found = rankme(np.load(tmp_path / "e.npy", mmap_mode="r"))
    # second moments keep singular values to 1e-8 of the largest: 40 of them move the entropy by 1e-5
    assert found == pytest.approx(direct_rankme(embedding), rel=2e-5)


def test_table_has_a_column_for_each_baseline(rng, monkeypatch):
    monkeypatch.setitem(BASELINES, "first", lambda embedding: float(embedding[0, 0]))
    table = baseline_table({"a": np.eye(4), "b": rng.normal(size=(50, 3))})
    assert list(table.columns) == ["model", "embed_dim", "rankme", "first"]
    assert list(table["model"]) == ["a", "b"]
    assert list(table["embed_dim"]) == [4, 3] and table["embed_dim"].dtype == np.int64
    assert table["first"][0] == 1.0


def test_no_models_give_an_empty_table():
    assert list(baseline_table({}).columns) == ["model", *BASELINES]


@pytest.mark.parametrize(
    ("embedding", "error", "message"),
    [
        (np.zeros((5, 3)), EstimationError, "model 'm': all vectors are zero"),
        (np.array([[1.0, 2.0], [np.inf, 0.0]]), EstimationError, "model 'm': the vector of row 1 holds NaN"),
        (np.ones(5), DataError, "model 'm': the embedding has shape .5,."),
        (np.ones((0, 5)), DataError, "has shape .0, 5."),
    ],
)
def test_bad_input(embedding, error, message):
    with pytest.raises(error, match=message):
        baseline_table({"m": embedding})
